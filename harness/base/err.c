/* SPDX-License-Identifier: MIT */
/*
 * Errors as values.
 *
 * A failure is recorded once, where it happened; what fails afterwards because of it must not paint over it, so every
 * setter looks at kind first. The message becomes one line of a terminal: control characters that came in through
 * %s (a file name, a word of hostile input) are replaced, and text that does not fit ends at a whole UTF-8 character.
 */
#include "harness/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Make what snprintf left in buf printable: no control characters, no half of a UTF-8 character at a cut end. */
static void tidy(char *buf, size_t size, int wanted)
{
    for (char *c = buf; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    if (wanted < 0 || (size_t)wanted < size) {
        return;
    }
    size_t end = strlen(buf);
    size_t lead = end;
    while (lead > 0 && end - lead < 4 && ((unsigned char)buf[lead - 1] & 0xc0) == 0x80) {
        lead--;
    }
    if (lead == 0 || (unsigned char)buf[lead - 1] < 0xc0) {
        return;
    }
    unsigned char first = (unsigned char)buf[lead - 1];
    size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (end - (lead - 1) < bytes) {
        buf[lead - 1] = '\0';
    }
}

__attribute__((format(printf, 3, 0))) static void print_into(char *buf, size_t size, const char *fmt, va_list ap)
{
    tidy(buf, size, vsnprintf(buf, size, fmt, ap));
}

/* True when this failure is the first and has been entered, all but its message. */
static bool first_failure(struct err *e, enum err_kind kind, int os, const char *at)
{
    if (!e || e->kind != ERR_NONE) {
        return false;
    }
    e->kind = kind;
    e->code = 0;
    e->os = os;
    e->help[0] = '\0';
    tidy(e->at, sizeof(e->at), snprintf(e->at, sizeof(e->at), "%s", at ? at : ""));
    return true;
}

int err_set(struct err *e, enum err_kind kind, const char *at, const char *fmt, ...)
{
    if (first_failure(e, kind, 0, at)) {
        va_list ap;
        va_start(ap, fmt);
        print_into(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
    }
    return -1;
}

int err_os(struct err *e, enum err_kind kind, int os, const char *at, const char *fmt, ...)
{
    if (first_failure(e, kind, os, at)) {
        const char *meaning = strerrordesc_np(os);
        char unknown[32];
        if (!meaning) {
            snprintf(unknown, sizeof(unknown), "error %d", os);
            meaning = unknown;
        }
        /* The meaning is short and matters most, so room for it is kept. */
        size_t room = sizeof(e->msg) - strlen(meaning) - 2;
        va_list ap;
        va_start(ap, fmt);
        print_into(e->msg, room, fmt, ap);
        va_end(ap);
        size_t len = strlen(e->msg);
        snprintf(e->msg + len, sizeof(e->msg) - len, ": %s", meaning);
    }
    return -1;
}

int err_help(struct err *e, const char *fmt, ...)
{
    if (e && e->kind != ERR_NONE && e->help[0] == '\0') {
        va_list ap;
        va_start(ap, fmt);
        print_into(e->help, sizeof(e->help), fmt, ap);
        va_end(ap);
    }
    return -1;
}

int err_exit_code(const struct err *e)
{
    switch (e->kind) {
    case ERR_NONE:
        return 0;
    case ERR_USAGE:
        return 2;
    case ERR_READING:
    case ERR_MEANING:
        return 3;
    case ERR_MACHINE:
        return 5;
    case ERR_RUN:
    case ERR_OUTPUT:
    case ERR_DEFECT:
        return 4;
    }
    return 4;
}
