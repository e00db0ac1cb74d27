/* SPDX-License-Identifier: MIT */
/*
 * The face of a stream and the form of messages. Nothing here fails: what cannot be printed is not printed.
 */
#include "harness/cli/say.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool set_and_not(const char *name, const char *but)
{
    const char *v = getenv(name);
    return v && *v && !text_eq(v, but);
}

static bool colour_wanted(const char *color, bool terminal)
{
    if (text_eq(color, "always")) {
        return true;
    }
    if (text_eq(color, "never") || set_and_not("NO_COLOR", NULL)) {
        return false;
    }
    return set_and_not("FORCE_COLOR", "0") || terminal;
}

struct face face_of(int fd, const char *color)
{
    struct face f = {0};
    bool dumb = text_eq(getenv("TERM"), "dumb");
    f.terminal = isatty(fd) && !dumb && !set_and_not("CI", "false");
    f.colour = colour_wanted(color, f.terminal);
    f.utf8 = text_eq(nl_langinfo(CODESET), "UTF-8");
    struct winsize w;
    if (f.terminal && ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0) {
        f.width = w.ws_col;
    }
    return f;
}

/* The general code of each kind of error; files have finer ones (harness/spec/diag.h). */
static const struct {
    int code;
    const char *text;
} general[] = {
    [ERR_NONE] = {0, NULL},
    [ERR_USAGE] = {1, "The command line is not one that drtest understands. Nothing was started. Exit code 2."},
    [ERR_READING] = {100, "A file could not be read as what it claims to be. Nothing was started. Exit code 3."},
    [ERR_MEANING] = {200, "A file reads well but makes no sense. Nothing was started. Exit code 3."},
    [ERR_MACHINE] = {300, "This machine cannot do what was asked; `drtest doctor` says what is missing. Exit code 5."},
    [ERR_RUN] = {400, "Something failed while a run was going on; what it measured until then is judged. Exit code 4."},
    [ERR_OUTPUT] = {500, "Results could not be written. Exit code 4."},
    [ERR_DEFECT] = {900, "A defect in drtest itself. Please report it with the run directory. Exit code 4."},
};

int say_code(const struct err *e)
{
    return e->code ? e->code : general[e->kind].code;
}

const char *say_code_text(int code)
{
    for (size_t i = 0; i < array_len(general); i++) {
        if (general[i].code == code) {
            return general[i].text;
        }
    }
    return NULL;
}

void say_error_text(struct text *out, const struct err *e, bool colour)
{
    const char *red = colour ? "\033[1;31m" : "", *bold = colour ? "\033[1m" : "", *off = colour ? "\033[0m" : "";
    text_addf(out, "%serror[DR%04d]%s: %s%s%s\n", red, say_code(e), off, bold, e->msg, off);
    if (e->at[0]) {
        text_addf(out, "  --> %s\n", e->at);
    }
    if (e->help[0]) {
        text_addf(out, "   = help: %s\n", e->help);
    }
}

int say_error(const struct face *face, const struct err *e)
{
    scoped_text struct text t = {0};
    say_error_text(&t, e, face->colour);
    fputs(text_str(&t), stderr);
    return err_exit_code(e);
}

void say_warning(const struct face *face, const char *fmt, ...)
{
    scoped_text struct text t = {0};
    va_list ap;
    va_start(ap, fmt);
    text_vaddf(&t, fmt, ap);
    va_end(ap);
    fprintf(stderr, "%swarning%s: %s\n", face->colour ? "\033[1;33m" : "", face->colour ? "\033[0m" : "", text_str(&t));
}

int say_no_match(size_t looked_at)
{
    fprintf(stderr, "drtest: no scenario matched (%zu looked at)\n", looked_at);
    return 6;
}

void say_age(char out[32], double seconds)
{
    if (seconds < 120) {
        snprintf(out, 32, "%.0f s", seconds);
    } else if (seconds < 7200) {
        snprintf(out, 32, "%.0f min", seconds / 60);
    } else if (seconds < 172800) {
        snprintf(out, 32, "%.0f h", seconds / 3600);
    } else {
        snprintf(out, 32, "%.0f d", seconds / 86400);
    }
}
