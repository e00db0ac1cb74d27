/* SPDX-License-Identifier: MIT */
/*
 * Method: a diagnostic copies its file name and source line when it is made, so that no tree and no text has to stay
 * around for printing. Beyond DIAG_MAX the details go to a spare that nobody prints: callers need not care. The spare
 * shares the arena, hence what is thrown at it is bounded by the limits of the file (10,000 nodes).
 */
#include "harness/spec/diag.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include <stdarg.h>
#include <string.h>

const char *diag_code_text(int code)
{
    switch (code) {
#define X(name, number, text) \
    case number:              \
        return text;
        DIAG_CODES(X)
#undef X
    default:
        return NULL;
    }
}

void diag_list_deinit(struct diag_list *l)
{
    arena_deinit(&l->arena);
    memset(l, 0, sizeof(*l));
}

__attribute__((format(printf, 2, 0))) static const char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    scoped_text struct text t = {0};
    text_vaddf(&t, fmt, ap);
    return arena_strdup(a, text_str(&t));
}

static struct diag_place keep_place(struct arena *a, struct place p)
{
    struct diag_place kept = {.line = p.line, .column = p.column, .length = p.length > 0 ? p.length : 1};
    kept.file = arena_strdup(a, p.source ? p.source->name : "?");
    kept.text = "";
    if (p.source && p.line > 0) {
        const char *line;
        size_t len = source_line(p.source, p.line, &line);
        char *copy = arena_alloc(a, len + 1);
        for (size_t i = 0; i < len; i++) {
            copy[i] = line[i] ? line[i] : '?';
        }
        kept.text = copy;
        if (p.length == PLACE_TO_LINE_END) {
            struct source rest = {.text = copy, .len = len};
            kept.length = source_place(&rest, len).column - p.column;
            kept.length = kept.length > 0 ? kept.length : 1;
        }
    }
    return kept;
}

__attribute__((format(printf, 5, 0))) static struct diag *add(struct diag_list *l, enum diag_severity severity,
                                                              int code, struct place at, const char *fmt, va_list ap)
{
    struct diag *d = &l->spare;
    if (severity == DIAG_ERROR) {
        l->errors++;
    } else {
        l->warnings++;
    }
    if (l->count == DIAG_MAX) {
        memset(d, 0, sizeof(*d));
        return d;
    }
    d = l->at[l->count++] = arena_new(&l->arena, struct diag);
    d->arena = &l->arena;
    d->severity = severity;
    d->code = code;
    d->at = keep_place(&l->arena, at);
    d->message = arena_vprintf(&l->arena, fmt, ap);
    return d;
}

struct diag *diag_error(struct diag_list *l, enum diag_code code, struct place at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct diag *d = add(l, DIAG_ERROR, (int)code, at, fmt, ap);
    va_end(ap);
    return d;
}

struct diag *diag_warning(struct diag_list *l, enum diag_code code, struct place at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct diag *d = add(l, DIAG_WARNING, (int)code, at, fmt, ap);
    va_end(ap);
    return d;
}

void diag_label(struct diag *d, const char *fmt, ...)
{
    if (d->arena) {
        va_list ap;
        va_start(ap, fmt);
        d->label = arena_vprintf(d->arena, fmt, ap);
        va_end(ap);
    }
}

void diag_help(struct diag *d, const char *fmt, ...)
{
    if (d->arena) {
        va_list ap;
        va_start(ap, fmt);
        d->help = arena_vprintf(d->arena, fmt, ap);
        va_end(ap);
    }
}

__attribute__((format(printf, 3, 0))) static void add_note(struct diag *d, struct diag_place at, const char *fmt,
                                                           va_list ap)
{
    struct diag_note **end = &d->notes;
    while (*end) {
        end = &(*end)->next;
    }
    *end = arena_new(d->arena, struct diag_note);
    (*end)->at = at;
    (*end)->message = arena_vprintf(d->arena, fmt, ap);
}

void diag_note(struct diag *d, const char *fmt, ...)
{
    if (d->arena) {
        va_list ap;
        va_start(ap, fmt);
        add_note(d, (struct diag_place){0}, fmt, ap);
        va_end(ap);
    }
}

void diag_note_at(struct diag *d, struct place at, const char *fmt, ...)
{
    if (d->arena) {
        va_list ap;
        va_start(ap, fmt);
        add_note(d, keep_place(d->arena, at), fmt, ap);
        va_end(ap);
    }
}

static size_t file_rank(const struct diag_list *l, const char *file)
{
    size_t i = 0;
    while (i < l->count && !text_eq(l->at[i]->at.file, file)) {
        i++;
    }
    return i;
}

void diag_sort(struct diag_list *l)
{
    size_t rank[DIAG_MAX];
    for (size_t i = 0; i < l->count; i++) {
        rank[i] = file_rank(l, l->at[i]->at.file);
    }
    for (size_t i = 1; i < l->count; i++) {
        struct diag *d = l->at[i];
        size_t r = rank[i], j = i;
        while (j > 0 && (rank[j - 1] > r || (rank[j - 1] == r && (l->at[j - 1]->at.line > d->at.line ||
                                                                  (l->at[j - 1]->at.line == d->at.line &&
                                                                   l->at[j - 1]->at.column > d->at.column))))) {
            l->at[j] = l->at[j - 1];
            rank[j] = rank[j - 1];
            j--;
        }
        l->at[j] = d;
        rank[j] = r;
    }
}
