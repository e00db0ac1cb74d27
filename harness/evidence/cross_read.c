/* SPDX-License-Identifier: MIT */
/*
 * Line by line, each taken apart at its commas and believed only when every field is what it should be and the check
 * continues that of its vantage. The first line that is not ends the file for us: behind it nothing can be told from a
 * forgery. What is then missing shows by itself, as a vantage without its end line.
 *
 * Failure paths: no header of ours, a bad line, a torn last line, a gap in the numbers, a prober without an end. All of
 * them are damage in words; none is an error, since the rest of the run can still be shown.
 */
#include "harness/evidence/cross_read.h"

#include "harness/base/arena.h"
#include "harness/base/text.h"
#include "harness/evidence/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 10, VANTAGES = 256, NODES = UINT16_MAX - 1, SHORTEST_LINE = 32 };
#define INSTANT_MAX ((uint64_t)1 << 60)

struct field {
    const char *at;
    size_t len;
};

/* How far one vantage's lines have come. */
struct thread {
    bool begun, ended;
    uint32_t check;
    uint64_t requests, changes, announced;
};

struct reader {
    struct arena *arena;
    struct cross_reading *out;
    struct thread threads[VANTAGES];
};

static bool number(const struct field *f, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < f->len; i++) {
        if (f->at[i] < '0' || f->at[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(f->at[i] - '0');
        if (n > (max - digit) / 10) {
            return false;
        }
        n = n * 10 + digit;
    }
    *out = n;
    return f->len > 0 && f->len <= 20;
}

static bool word(const struct field *f, const char *const *words, uint8_t *out)
{
    for (uint8_t i = 0; words[i]; i++) {
        if (strlen(words[i]) == f->len && memcmp(words[i], f->at, f->len) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool split(const char *line, size_t len, struct field fields[FIELDS])
{
    size_t n = 0, from = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && line[i] != ',') {
            continue;
        }
        if (n == FIELDS) {
            return false;
        }
        fields[n++] = (struct field){line + from, i - from};
        from = i + 1;
    }
    return n == FIELDS;
}

static bool take_fields(const struct field f[FIELDS], struct cross_record *r)
{
    uint64_t vantage, planned, sent, done, node, status;
    if (!word(&f[0], cross_kind_words, &r->kind) || !number(&f[1], VANTAGES - 1, &vantage) ||
        !number(&f[2], INSTANT_MAX, &r->number) || !number(&f[3], INSTANT_MAX, &planned) ||
        !number(&f[4], INSTANT_MAX, &sent) || !number(&f[5], INSTANT_MAX, &done) || !number(&f[6], NODES, &node) ||
        !word(&f[7], cross_outcome_words, &r->outcome) || !number(&f[8], 999, &status)) {
        return false;
    }
    r->vantage = (uint16_t)vantage;
    r->node = (uint16_t)node;
    r->status = (uint16_t)status;
    r->planned_ns = (int64_t)planned;
    r->sent_ns = (int64_t)sent;
    r->done_ns = (int64_t)done;
    return true;
}

/* The check of a line, continuing that of the line before. */
static uint32_t check_of(uint32_t before, const char *line, size_t len)
{
    char text[8 + 1 + CROSS_LINE_MAX];
    snprintf(text, sizeof(text), "%08" PRIx32, before);
    memcpy(text + 8, line, len);
    return crc32c(text, 8 + len);
}

static bool check_fits(uint32_t wanted, const struct field *check)
{
    char text[9];
    snprintf(text, sizeof(text), "%08" PRIx32, wanted);
    return check->len == 8 && memcmp(check->at, text, 8) == 0;
}

/* Is this line possible after those before it? */
static bool follows(const struct thread *t, const struct cross_record *r)
{
    return t->begun == (r->kind != CROSS_BEGIN) && !t->ended;
}

static void keep(struct reader *rd, struct thread *t, const struct cross_record *r)
{
    struct cross_reading *out = rd->out;
    if (r->kind == CROSS_REQUEST) {
        out->requests[out->request_count++] = *r;
        t->requests++;
    } else if (r->kind == CROSS_CHANGE) {
        out->changes[out->change_count++] = *r;
        t->changes++;
    }
    t->begun = true;
    t->ended = r->kind == CROSS_END;
    t->announced = t->ended ? r->number : 0;
}

static bool take_line(struct reader *rd, const char *line, size_t len)
{
    struct field f[FIELDS];
    struct cross_record r = {0};
    if (len > CROSS_LINE_MAX || !split(line, len, f) || !take_fields(f, &r)) {
        return false;
    }
    struct thread *t = &rd->threads[r.vantage];
    const struct field *last = &f[FIELDS - 1];
    uint32_t check = check_of(t->check, line, (size_t)(last->at - line));
    if (!follows(t, &r) || !check_fits(check, last)) {
        return false;
    }
    t->check = check;
    keep(rd, t, &r);
    return true;
}

static int by_vantage(const void *left, const void *right)
{
    const struct cross_record *a = left, *b = right;
    if (a->vantage != b->vantage) {
        return a->vantage < b->vantage ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

static void sort(struct cross_record *at, size_t count)
{
    if (count > 1) {
        qsort(at, count, sizeof(*at), by_vantage);
    }
}

/* Numbers run from 0 without a gap within each vantage. */
static bool gapless(const struct cross_record *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || at[i].vantage != at[i - 1].vantage;
        if (at[i].number != (first ? 0 : at[i - 1].number + 1)) {
            return false;
        }
    }
    return true;
}

static const char *incomplete(const struct reader *rd)
{
    bool any = false;
    for (unsigned v = 0; v < VANTAGES; v++) {
        const struct thread *t = &rd->threads[v];
        any = any || t->begun;
        if (t->begun && !t->ended) {
            return arena_printf(rd->arena, "the prober of site %u did not end in order", v);
        }
        if (t->requests != t->announced) {
            return arena_printf(rd->arena, "the prober of site %u announces other requests than it wrote", v);
        }
    }
    if (!any) {
        return "no prober has written to it";
    }
    bool whole = gapless(rd->out->requests, rd->out->request_count) && gapless(rd->out->changes, rd->out->change_count);
    return whole ? NULL : "the numbers of the requests have gaps";
}

/* Beyond the two lines that say what it is; NULL when they do not. */
static const char *skip_head(const char *text, const char *end)
{
    static const size_t magic = sizeof(CROSS_MAGIC) - 1, columns = sizeof(CROSS_COLUMNS) - 1;
    if ((size_t)(end - text) < magic + 64 + 1 + columns || memcmp(text, CROSS_MAGIC, magic) != 0 ||
        text[magic + 64] != '\n' || memcmp(text + magic + 65, CROSS_COLUMNS, columns) != 0) {
        return NULL;
    }
    return text + magic + 65 + columns;
}

/* Room for the lines that begin with this letter, no more than the text can hold of the shortest. */
static size_t lines_of(const char *at, const char *end, char letter)
{
    size_t n = 0, most = (size_t)(end - at) / SHORTEST_LINE + 1;
    while (at < end) {
        n += *at == letter;
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        at = stop ? stop + 1 : end;
    }
    return n < most ? n + 1 : most;
}

void cross_read(const char *text, size_t len, struct arena *a, struct cross_reading *out)
{
    *out = (struct cross_reading){0};
    const char *at = len > 0 ? skip_head(text, text + len) : NULL, *end = at ? text + len : NULL;
    if (!at) {
        out->damage = "it is not a record of a second prober of format 1";
        return;
    }
    memcpy(out->scenario_sha256, text + sizeof(CROSS_MAGIC) - 1, 64);
    struct reader rd = {.arena = a, .out = out};
    out->requests = arena_array(a, struct cross_record, lines_of(at, end, 'r'));
    out->changes = arena_array(a, struct cross_record, lines_of(at, end, 'c'));
    size_t line = 2;
    for (; at < end && !out->damage; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) {
            out->damage = arena_printf(a, "it ends within line %zu", line + 1);
        } else if (!take_line(&rd, at, (size_t)(stop - at))) {
            out->damage = arena_printf(a, "line %zu is damaged", line + 1);
        }
        at = stop ? stop + 1 : end;
    }
    sort(out->requests, out->request_count);
    sort(out->changes, out->change_count);
    out->damage = out->damage ? out->damage : incomplete(&rd);
}
