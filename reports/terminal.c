/* SPDX-License-Identifier: MIT */
/*
 * The result on a terminal: verdict line, one row per objective, the checks that were not met, where a traffic manager
 * leads them the clients by how they take its answers, where the report is.
 *
 *     MISSED region-outage (5 met, 1 missed, 0 inconclusive, 0 skipped)
 *       x rto   5.285 to 5.340 s   at most 5 s   recovered by failover
 *       report  runs/region-outage-20260101T060000Z/report.html
 *
 * All cells are made first, so that columns can be as wide as their widest cell. Widths are counted in characters, not
 * bytes. A remark that does not fit goes to the next line, under the achieved value. Colour repeats what symbol and
 * word say.
 */
#include "reports/escape.h"
#include "reports/format.h"
#include "reports/report.h"

#include <string.h>

enum { INDENT = 2, GAP = 3, COLUMNS = 4 };

struct row {
    enum verdict verdict;
    struct text cell[COLUMNS]; /* name, achieved, target, remark */
};

static const char *colour_of(const struct terminal_style *style, enum verdict v)
{
    static const char *const codes[] = {
        [INCONCLUSIVE] = "\033[33m", [MET] = "\033[32m", [MISSED] = "\033[31m", [SKIPPED] = "\033[2m"};
    return !style->colour ? "" : codes[(unsigned)v <= SKIPPED ? v : INCONCLUSIVE];
}

static const char *plain(const struct terminal_style *style)
{
    return style->colour ? "\033[0m" : "";
}

static size_t columns_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void cell(struct text *t, const struct terminal_style *style, const char *s)
{
    escape(t, style->utf8 ? ESCAPE_TERMINAL : ESCAPE_TERMINAL_ASCII, s);
}

static void add_remark(struct text *remark, const char *s)
{
    text_addf(remark, "%s%s", remark->len && *s ? ", " : "", s);
}

static void objective_row(struct row *row, const struct terminal_style *style, const struct result *r,
                          const struct result_objective *o)
{
    scoped_text struct text achieved = {0}, target = {0}, remark = {0}, elsewhere = {0};
    format_achieved(&achieved, o);
    format_target(&target, o);
    format_recovered(&remark, o);
    if (o->verdict != MET && o->reason && (o->verdict != MISSED || remark.len == 0)) {
        text_addf(&remark, "%s%s", remark.len ? ": " : "", o->reason);
    }
    for (size_t i = 0; i < o->flags.len; i++) {
        add_remark(&remark, o->flags.at[i]);
    }
    if (o->verdict == MISSED || o->verdict == INCONCLUSIVE) {
        format_elsewhere(&elsewhere, r, o);
        add_remark(&remark, text_str(&elsewhere));
    }
    row->verdict = o->verdict;
    cell(&row->cell[0], style, o->name);
    cell(&row->cell[1], style, text_str(&achieved));
    cell(&row->cell[2], style, text_str(&target));
    cell(&row->cell[3], style, text_str(&remark));
}

static void pad(FILE *out, size_t n)
{
    fprintf(out, "%*s", (int)n, "");
}

static void print_row(FILE *out, const struct terminal_style *style, const struct row *row, const size_t column[3])
{
    const char *name = text_str(&row->cell[0]);
    fprintf(out, "%*s%s%s%s %s", INDENT, "", colour_of(style, row->verdict), format_icon(row->verdict, style->utf8),
            plain(style), name);
    size_t at = INDENT + 2 + columns_of(name);
    for (int i = 1; i < COLUMNS; i++) {
        const char *text = text_str(&row->cell[i]);
        if (*text == '\0') {
            continue;
        }
        size_t want = column[i - 1];
        if (i == COLUMNS - 1 && style->width > 0 && want + columns_of(text) > (size_t)style->width) {
            fputc('\n', out);
            at = 0;
            want = column[0];
        }
        pad(out, want > at ? want - at : 1);
        fputs(text, out);
        at = larger(want, at + 1) + columns_of(text);
    }
    fputc('\n', out);
}

/* Clients that take answers of the DNS in different ways are back at different times; beside the verdict. */
static void print_clients(FILE *out, const struct result *r, const struct terminal_style *style)
{
    for (size_t i = 0; i < r->requests.by_vantage.len; i++) {
        const struct result_vantage *v = &r->requests.by_vantage.at[i];
        scoped_text struct text rto = {0}, line = {0};
        if (!format_led(v)) {
            continue;
        }
        format_interval(&rto, v->rto_lower_s, v->rto_upper_s, "s");
        cell(&line, style, v->vantage);
        text_add(&line, " (dns: ");
        cell(&line, style, v->dns);
        fprintf(out, "%*s%s) rto %s\n", INDENT, "", text_str(&line), text_str(&rto));
    }
}

static void print_traceless(FILE *out, const struct result *r, const struct terminal_style *style)
{
    scoped_text struct text said = {0}, line = {0};
    format_traceless(&said, r);
    cell(&line, style, text_str(&said));
    if (line.len > 0) {
        fprintf(out, "%*s%s\n", INDENT, "", text_str(&line));
    }
}

/* The remaining lines: checks that were not met, clients by how they take the DNS, losses without a trace, what a
 * second prober says, how earlier runs did, where the report is. */
static void print_rest(FILE *out, const struct report_input *in, const struct terminal_style *style, size_t column)
{
    const struct result *r = in->result;
    for (size_t i = 0; i < r->checks.len; i++) {
        const struct result_check *c = &r->checks.at[i];
        if (c->verdict == MET) {
            continue;
        }
        scoped_text struct text line = {0};
        cell(&line, style, format_check(c->name));
        text_add(&line, ": ");
        cell(&line, style, c->detail);
        fprintf(out, "%*s%s%s%s %s\n", INDENT, "", colour_of(style, c->verdict), format_icon(c->verdict, style->utf8),
                plain(style), text_str(&line));
    }
    print_clients(out, r, style);
    print_traceless(out, r, style);
    if (r->quality.has_crosscheck) {
        scoped_text struct text said = {0}, line = {0};
        format_crosscheck(&said, r);
        cell(&line, style, text_str(&said));
        fprintf(out, "%*ssecond prober %s\n", INDENT, "", text_str(&line));
    }
    for (size_t i = 0; i < r->comparisons.len; i++) {
        scoped_text struct text said = {0}, line = {0};
        format_comparison(&said, &r->comparisons.at[i]);
        cell(&line, style, text_str(&said));
        fprintf(out, "%*s%s\n", INDENT, "", text_str(&line));
    }
    scoped_text struct text path = {0};
    cell(&path, style, in->run_path);
    fprintf(out, "%*s%-*s%s/report.html\n", INDENT, "", (int)column - INDENT, "report", text_str(&path));
}

void terminal_result(FILE *out, const struct report_input *in, const struct terminal_style *style)
{
    const struct result *r = in->result;
    scoped_text struct text name = {0}, counts = {0}, word = {0};
    cell(&name, style, r->scenario.name);
    format_counts(&counts, &r->run);
    for (const char *c = format_verdict(r->run.verdict); *c; c++) {
        text_addf(&word, "%c", *c - 'a' + 'A');
    }
    fprintf(out, "%s%s%s %s (%s)\n", colour_of(style, r->run.verdict), text_str(&word), plain(style), text_str(&name),
            text_str(&counts));

    struct row *rows = xcalloc(r->objectives.len + 1, sizeof(*rows));
    size_t column[COLUMNS - 1] = {INDENT + sizeof("report ")};
    size_t achieved = 0, target = 0;
    for (size_t i = 0; i < r->objectives.len; i++) {
        objective_row(&rows[i], style, r, &r->objectives.at[i]);
        column[0] = larger(column[0], INDENT + 2 + columns_of(text_str(&rows[i].cell[0])) + GAP);
        achieved = larger(achieved, columns_of(text_str(&rows[i].cell[1])));
        target = larger(target, columns_of(text_str(&rows[i].cell[2])));
    }
    column[1] = column[0] + achieved + GAP;
    column[2] = column[1] + target + GAP;
    for (size_t i = 0; i < r->objectives.len; i++) {
        print_row(out, style, &rows[i], column);
        for (int c = 0; c < COLUMNS; c++) {
            text_deinit(&rows[i].cell[c]);
        }
    }
    free(rows);
    print_rest(out, in, style, column[0]);
}
