/* SPDX-License-Identifier: MIT */
/*
 * Each bound of a row shows one outage: the one that used up most of what it was allowed, counted from the limit. The
 * limit differs from outage to outage, since it holds how late the machine ran meanwhile.
 *
 * A void record counts as void and in nothing else.
 */
#include "harness/selftest/table.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include <math.h>
#include <string.h>

#define NEVER_BACK "never-back"

static double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

static struct table_row *row_of(struct selftest_table *t, const char *mode, double gap_ms)
{
    static struct table_row surplus;
    for (size_t i = 0; i < t->count; i++)
        if (text_eq(t->rows[i].mode, mode) && t->rows[i].gap_ms == gap_ms)
            return &t->rows[i];
    struct table_row *row = t->count < TABLE_ROWS ? &t->rows[t->count++] : &surplus;
    *row = (struct table_row){.mode = mode, .gap_ms = gap_ms, .excess = {NAN, NAN}, .slack = {NAN, NAN},
                              .loss = {NAN, NAN}};
    return row;
}

static void closest(struct table_bound *b, double is_ms, double allowed_ms)
{
    if (isnan(b->worst_ms) || allowed_ms - is_ms < b->allowed_ms - b->worst_ms)
        *b = (struct table_bound){is_ms, allowed_ms};
}

static void take_bounds(struct table_row *row, const struct outage_record *r, const struct acceptance *a)
{
    if (r->never)
        return;
    closest(&row->excess, a->excess_ns == INT64_MAX ? INFINITY : ms(a->excess_ns), ms(a->excess_allowed_ns));
    closest(&row->slack, ms(a->slack_ns), ms(a->slack_allowed_ns));
    bool shorter = a->loss_error_ns < 0;
    closest(&row->loss, fabs(ms(a->loss_error_ns)), ms(shorter ? a->loss_short_ns : a->loss_long_ns));
}

static void take_beside(struct table_row *row, const struct outage_record *r)
{
    row->beside.down_s += (double)r->down_ns / 1e9;
    row->beside.span_s += (double)r->beside.span_ns / 1e9;
    row->beside.open_s += (double)r->loss_ns / 1e9;
    row->beside.closed_s += (double)(r->beside.closed_bad * r->gap_ns) / 1e9;
    row->beside.open_bad += r->beside.open_bad;
    row->beside.open_all += r->beside.open_all;
    row->beside.closed_bad += r->beside.closed_bad;
    row->beside.closed_all += r->beside.closed_all;
}

static void explain_outage(struct table_row *row, const struct outage_record *r)
{
    if (*row->why)
        return;
    if (r->never)
        snprintf(row->why, sizeof(row->why), "it was not to come back, yet the RTO is %.1f to %.1f ms", ms(r->lower_ns),
                 r->upper_ns == INT64_MAX ? INFINITY : ms(r->upper_ns));
    else
        snprintf(row->why, sizeof(row->why), "truth %.1f ms, RTO %.1f to %.1f ms, equivalent %.1f of %.1f ms",
                 ms(r->truth_lo_ns), ms(r->lower_ns), r->upper_ns == INT64_MAX ? INFINITY : ms(r->upper_ns),
                 ms(r->loss_ns), ms(r->down_ns));
}

static void explain_second(struct table_row *row, const struct outage_record *r, const struct acceptance *a)
{
    if (*row->why)
        return;
    if (r->second.damaged)
        snprintf(row->why, sizeof(row->why), "the second prober left no whole record");
    else
        snprintf(row->why, sizeof(row->why),
                 "truth %.1f ms, second prober %.1f to %.1f ms, first %.1f to %.1f ms, %.1f "
                 "of %.1f ms apart",
                 ms(r->truth_lo_ns), ms(r->second.lower_ns),
                 r->second.upper_ns == INT64_MAX ? INFINITY : ms(r->second.upper_ns), ms(r->lower_ns),
                 r->upper_ns == INT64_MAX ? INFINITY : ms(r->upper_ns), ms(a->apart_ns), ms(a->apart_allowed_ns));
}

void table_add_outage(struct selftest_table *t, const struct outage_record *r)
{
    bool dead = r->never && r->mode != OUTAGE_HALF;
    struct table_row *row = row_of(t, dead ? NEVER_BACK : outage_words[r->mode], ms(r->gap_ns));
    struct acceptance a;
    if (!r->valid) {
        row->voided++;
        snprintf(row->void_why, sizeof(row->void_why), "%s", r->why);
        return;
    }
    acceptance_of(r, &a);
    bool inside = a.accepted && (!dead || r->verdict == MISSED);
    row->outages++;
    row->inside += inside;
    row->second_watched += r->second.watched;
    row->second_confirmed += r->second.watched && a.confirmed;
    if (!a.confirmed)
        explain_second(row, r, &a);
    take_bounds(row, r, &a);
    if (!r->never)
        take_beside(row, r);
    if (!inside)
        explain_outage(row, r);
}

void table_add_writes(struct selftest_table *t, const struct write_record *r)
{
    struct table_row *row = row_of(t, r->null_drill ? "null-drill" : lie_words[r->lie], ms(r->gap_ns));
    if (!r->valid) {
        row->voided++;
        snprintf(row->void_why, sizeof(row->void_why), "%s", r->why);
        return;
    }
    row->outages++;
    row->inside += r->accepted;
    if (!r->accepted && !*row->why)
        snprintf(row->why, sizeof(row->why), "%s", *r->why ? r->why : "the sets or the RPO differ from the script");
}

static int place_of(const char *mode)
{
    for (int i = 0; i < OUTAGE_COUNT; i++)
        if (text_eq(mode, outage_words[i]))
            return i;
    if (text_eq(mode, NEVER_BACK))
        return OUTAGE_COUNT;
    for (int i = 0; i < LIE_COUNT; i++)
        if (text_eq(mode, lie_words[i]))
            return OUTAGE_COUNT + 1 + i;
    return OUTAGE_COUNT + LIE_COUNT + 1;
}

static int by_place(const void *a, const void *b)
{
    const struct table_row *x = a, *y = b;
    int p = place_of(x->mode), q = place_of(y->mode);
    if (p != q)
        return p < q ? -1 : 1;
    return x->gap_ms < y->gap_ms ? -1 : x->gap_ms > y->gap_ms;
}

void table_sort(struct selftest_table *t)
{
    qsort(t->rows, t->count, sizeof(*t->rows), by_place);
}

int64_t table_outages(const struct selftest_table *t)
{
    int64_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += t->rows[i].outages;
    return n;
}

int64_t table_inside(const struct selftest_table *t)
{
    int64_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += t->rows[i].inside;
    return n;
}

int64_t table_second_watched(const struct selftest_table *t)
{
    int64_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += t->rows[i].second_watched;
    return n;
}

int64_t table_second_confirmed(const struct selftest_table *t)
{
    int64_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += t->rows[i].second_confirmed;
    return n;
}

bool table_passed(const struct selftest_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->rows[i].outages == 0 || t->rows[i].inside != t->rows[i].outages)
            return false;
    return t->count > 0;
}

/* ---- printing ---- */

static void print_bound(FILE *out, const struct table_bound *b)
{
    if (isnan(b->worst_ms))
        fprintf(out, "  %16s", "-");
    else
        fprintf(out, "  %6.1f of %6.1f", b->worst_ms, b->allowed_ms);
}

void table_print(FILE *out, const struct selftest_table *t)
{
    fprintf(out, "%-11s %6s %8s %7s %5s  %16s  %16s  %16s\n", "mode", "gap ms", "outages", "inside", "void",
            "upper beyond, ms", "lower short, ms", "equivalent, ms");
    for (size_t i = 0; i < t->count; i++) {
        const struct table_row *r = &t->rows[i];
        fprintf(out, "%-11s %6g %8lld %7lld %5lld", r->mode, r->gap_ms, (long long)r->outages, (long long)r->inside,
                (long long)r->voided);
        print_bound(out, &r->excess);
        print_bound(out, &r->slack);
        print_bound(out, &r->loss);
        fprintf(out, "%s%s\n", r->inside == r->outages ? "" : "  OUTSIDE: ", r->inside == r->outages ? "" : r->why);
    }
}

static double percent(int64_t bad, int64_t all)
{
    return all > 0 ? 100.0 * (double)(all - bad) / (double)all : NAN;
}

void table_print_closed_loop(FILE *out, const struct selftest_table *t)
{
    fprintf(out, "%-11s %6s  %8s  %9s %11s  %12s %9s %11s\n", "mode", "gap ms", "truth ms", "open loop", "closed loop",
            "availability", "open loop", "closed loop");
    for (size_t i = 0; i < t->count; i++) {
        const struct table_row *r = &t->rows[i];
        double n = (double)r->outages;
        if (r->beside.open_all == 0)
            continue;
        fprintf(out, "%-11s %6g  %8.1f  %9.1f %11.1f  %10.1f %% %7.1f %% %9.1f %%\n", r->mode, r->gap_ms,
                1e3 * r->beside.down_s / n, 1e3 * r->beside.open_s / n, 1e3 * r->beside.closed_s / n,
                100 * (1 - r->beside.down_s / r->beside.span_s), percent(r->beside.open_bad, r->beside.open_all),
                percent(r->beside.closed_bad, r->beside.closed_all));
    }
}

/* ---- JSON ---- */

static json_t *number(double x)
{
    return isfinite(x) ? json_real(round(x * 1e3) / 1e3) : json_null();
}

json_t *table_rows_json(const struct selftest_table *t)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < t->count; i++) {
        const struct table_row *r = &t->rows[i];
        json_array_append_new(rows, json_pack("{s:s,s:o,s:I,s:I,s:o,s:o}", "mode", r->mode, "gap_ms", number(r->gap_ms),
                                              "outages", (json_int_t)r->outages, "inside", (json_int_t)r->inside,
                                              "worst_excess_ms", number(r->excess.worst_ms), "allowed_ms",
                                              number(r->excess.allowed_ms)));
    }
    return rows;
}

json_t *table_json(const struct selftest_table *t)
{
    json_t *rows = table_rows_json(t);
    for (size_t i = 0; i < t->count; i++) {
        const struct table_row *r = &t->rows[i];
        json_t *row = json_array_get(rows, i);
        json_object_set_new(row, "void", json_integer(r->voided));
        json_object_set_new(row, "void_why", *r->void_why ? json_string(r->void_why) : json_null());
        json_object_set_new(row, "worst_slack_ms", number(r->slack.worst_ms));
        json_object_set_new(row, "allowed_slack_ms", number(r->slack.allowed_ms));
        json_object_set_new(row, "worst_loss_error_ms", number(r->loss.worst_ms));
        json_object_set_new(row, "allowed_loss_error_ms", number(r->loss.allowed_ms));
        json_object_set_new(row, "second_watched", json_integer(r->second_watched));
        json_object_set_new(row, "second_confirmed", json_integer(r->second_confirmed));
        json_object_set_new(row, "why", *r->why ? json_string(r->why) : json_null());
    }
    return rows;
}

json_t *table_closed_loop_json(const struct selftest_table *t)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < t->count; i++) {
        const struct table_row *r = &t->rows[i];
        double n = (double)r->outages;
        if (r->beside.open_all == 0)
            continue;
        json_t *row = json_pack("{s:s}", "mode", r->mode);
        json_object_set_new(row, "gap_ms", number(r->gap_ms));
        json_object_set_new(row, "truth_ms", number(1e3 * r->beside.down_s / n));
        json_object_set_new(row, "open_loop_ms", number(1e3 * r->beside.open_s / n));
        json_object_set_new(row, "closed_loop_ms", number(1e3 * r->beside.closed_s / n));
        json_object_set_new(row, "availability_percent", number(100 * (1 - r->beside.down_s / r->beside.span_s)));
        json_object_set_new(row, "open_loop_percent", number(percent(r->beside.open_bad, r->beside.open_all)));
        json_object_set_new(row, "closed_loop_percent", number(percent(r->beside.closed_bad, r->beside.closed_all)));
        json_array_append_new(rows, row);
    }
    return rows;
}
