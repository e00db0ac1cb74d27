/* SPDX-License-Identifier: MIT */
/*
 * How good the measurement itself was: our own lateness, suspects, clocks (measurement sections 1 and 13).
 *
 * sigma over a span is the worst canary lateness, slip a_k - s_k or lateness of the wire that touches it, whichever
 * process was late. All of them are one list sorted by begin; a query scans back no further than the longest one
 * reaches. A request that is bad only because somebody of ours was late is a suspect: the recovery search counts it
 * both ways and so widens the interval by itself. A suspended host shows as a change of BOOTTIME - MONOTONIC between
 * two clock samples.
 */
#include "harness/measure/quality.h"

#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdlib.h>

enum { SELFTEST_ROWS = 64, OUTAGES_MAX = 1000000000 };
enum { SUSPEND_NS = 100 * 1000 * 1000 }; /* four clocks cannot be read back to back more precisely on a busy host */

static int by_from(const void *a, const void *b)
{
    const struct lag *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static void add_lag(struct study *s, int64_t from, int64_t to)
{
    if (from < 0 || to <= from)
        return;
    to = ns_min(to, NS_LIMIT - 1); /* a canary that died stalls as long as the clock goes */
    s->lags[s->lag_count++] = (struct lag){from, to};
    s->longest_lag_ns = ns_max(s->longest_lag_ns, to - from);
}

static void collect_lags(struct study *s)
{
    size_t room = s->ev->stall_count + s->ev->event_count;
    for (size_t i = 0; i < s->stream_count; i++)
        room += s->streams[i].len;
    s->lags = arena_array(s->arena, struct lag, room + 1);
    for (size_t i = 0; i < s->ev->stall_count; i++)
        add_lag(s, s->ev->stalls[i].planned_ns, s->ev->stalls[i].sent_ns);
    for (size_t i = 0; i < s->stream_count; i++)
        for (size_t j = 0; j < s->streams[i].len; j++)
            add_lag(s, s->streams[i].at[j]->planned_ns, sample_left(s->streams[i].at[j]));
    for (size_t i = 0; i < s->ev->event_count; i++)
        if (s->ev->events[i].kind == EVENT_WIRE && text_eq(s->ev->events[i].outcome, "late"))
            add_lag(s, s->ev->events[i].at_ns, s->ev->events[i].end_ns);
    qsort(s->lags, s->lag_count, sizeof(*s->lags), by_from);
}

static size_t lag_from(const struct study *s, int64_t at_ns)
{
    size_t low = 0, high = s->lag_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->lags[mid].from < at_ns)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int64_t lateness_in(const struct study *s, int64_t from_ns, int64_t to_ns)
{
    int64_t worst = 0;
    for (size_t i = lag_from(s, ns_add(from_ns, -s->longest_lag_ns)); i < s->lag_count; i++) {
        const struct lag *l = &s->lags[i];
        if (l->from > to_ns)
            break;
        if (l->to >= from_ns)
            worst = ns_max(worst, l->to - l->from);
    }
    return worst;
}

static bool is_suspect(const struct study *s, const struct sample *x, int64_t timeout_ns)
{
    if (x->outcome == OUTCOME_LATE)
        return x->done_ns - x->planned_ns - lateness_in(s, x->planned_ns, x->done_ns) <= timeout_ns;
    if (x->outcome == OUTCOME_TIMEOUT && s->base_p99_ns >= 0)
        return lateness_in(s, x->planned_ns, x->done_ns) >= ns_add(timeout_ns, -2 * s->base_p99_ns);
    return false;
}

void quality_prepare(struct study *s)
{
    collect_lags(s);
    for (size_t i = 0; i < s->stream_count; i++) {
        struct stream_view *v = &s->streams[i];
        for (size_t j = 0; j < v->len; j++)
            v->suspect[j] = is_suspect(s, v->at[j], v->plan->timeout_ns);
    }
}

/* ---- clocks ---- */

struct clock_reading {
    int64_t mono, raw, boot;
};

static bool read_clock(const struct event *e, struct clock_reading *c)
{
    const json_t *mono = json_object_get(e->data, "mono_ns"), *raw = json_object_get(e->data, "raw_ns"),
                 *boot = json_object_get(e->data, "boot_ns");
    if (e->kind != EVENT_CLOCK || !json_is_integer(mono) || !json_is_integer(raw) || !json_is_integer(boot))
        return false;
    *c = (struct clock_reading){json_integer_value(mono), json_integer_value(raw), json_integer_value(boot)};
    int64_t all[] = {c->mono, c->raw, c->boot};
    for (size_t i = 0; i < 3; i++)
        if (all[i] < -NS_LIMIT || all[i] > NS_LIMIT)
            return false;
    return true;
}

struct clock_finding clock_check(const struct study *s)
{
    struct clock_finding f = {.slew_ppm = NAN};
    struct clock_reading first = {0}, last = {0}, c;
    for (size_t i = 0; i < s->ev->event_count; i++) {
        if (!read_clock(&s->ev->events[i], &c))
            continue;
        if (f.readings++ == 0)
            first = last = c;
        int64_t apart = (c.boot - c.mono) - (last.boot - last.mono);
        f.suspended = f.suspended || apart > SUSPEND_NS || apart < -SUSPEND_NS;
        f.backward = f.backward || c.mono < last.mono;
        last = c;
    }
    if (f.readings > 1 && last.raw - first.raw >= NS_PER_S)
        f.slew_ppm = (double)((last.mono - first.mono) - (last.raw - first.raw)) / (double)(last.raw - first.raw) * 1e6;
    return f;
}

/* ---- the block `quality` of the result ---- */

static size_t harness_errors(const struct study *s)
{
    size_t n = s->missing_count;
    for (size_t i = 0; i < s->stream_count; i++)
        for (size_t j = 0; j < s->streams[i].len; j++)
            n += s->streams[i].at[j]->outcome == OUTCOME_UNSENT ||
                 (s->streams[i].at[j]->flags & SAMPLE_HARNESS_ERROR) != 0;
    for (size_t i = 0; i < s->ev->patrol_count; i++)
        n += s->ev->patrols[i].outcome == OUTCOME_UNSENT || (s->ev->patrols[i].flags & SAMPLE_HARNESS_ERROR) != 0;
    for (size_t i = 0; i < s->ev->event_count; i++)
        n += s->ev->events[i].kind == EVENT_HARNESS && text_eq(s->ev->events[i].outcome, "error");
    return n;
}

static void worst_lags(const struct study *s, struct result_quality *q)
{
    int64_t from = s->base_from_ns == NS_NONE ? 0 : s->base_from_ns, slip = 0, stall = 0;
    for (size_t i = 0; i < s->stream_count; i++)
        for (size_t j = stream_from(&s->streams[i], from); j < s->streams[i].len; j++)
            slip = ns_max(slip, sample_left(s->streams[i].at[j]) - s->streams[i].at[j]->planned_ns);
    for (size_t i = 0; i < s->ev->stall_count; i++) {
        const struct sample *x = &s->ev->stalls[i];
        if (x->planned_ns >= from && x->planned_ns < s->end_ns && x->sent_ns > x->planned_ns && x->sent_ns < NS_LIMIT)
            stall = ns_max(stall, x->sent_ns - x->planned_ns);
    }
    q->max_slip_ms = (double)slip / 1e6;
    q->max_stall_ms = (double)stall / 1e6;
}

static int64_t wire_overflow(const struct study *s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s->ev->event_count; i++)
        if (s->ev->events[i].kind == EVENT_WIRE && s->ev->events[i].code > 0)
            n = ns_add(n, s->ev->events[i].code);
    return n;
}

/* ---- the self-test that was relied on ---- */

static double number_in(const json_t *row, const char *key)
{
    const json_t *v = json_object_get(row, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static bool read_row(const struct study *s, const json_t *row, struct result_selftest *out)
{
    const char *mode = json_string_value(json_object_get(row, "mode"));
    const json_t *outages = json_object_get(row, "outages"), *inside = json_object_get(row, "inside");
    if (!mode || !json_is_integer(outages) || !json_is_integer(inside))
        return false;
    json_int_t all = json_integer_value(outages), good = json_integer_value(inside);
    if (good < 0 || all < good || all > OUTAGES_MAX)
        return false;
    *out = (struct result_selftest){arena_strdup(s->arena, mode), number_in(row, "gap_ms"), all, good,
                                    number_in(row, "worst_excess_ms"), number_in(row, "allowed_ms")};
    return true;
}

void quality_selftest(const struct study *s, struct result_quality *q)
{
    const json_t *rows = NULL;
    for (size_t i = 0; i < s->ev->event_count; i++)
        if (s->ev->events[i].kind == EVENT_SELFTEST)
            rows = json_object_get(s->ev->events[i].data, "rows");
    for (size_t i = 0; i < json_array_size(rows) && q->selftest.len < SELFTEST_ROWS; i++) {
        struct result_selftest row;
        if (read_row(s, json_array_get(rows, i), &row))
            *arena_push(s->arena, &q->selftest) = row;
    }
}

void quality_fill(const struct study *s, struct result_quality *q)
{
    int64_t width = NS_NONE, hold = NS_NONE;
    for (size_t i = 0; i < s->applied_count; i++) {
        width = ns_max(width, s->faults[i].ie - s->faults[i].ib);
        hold = ns_max(hold, s->faults[i].step->hold_ns);
    }
    q->probe_interval_ms = s->interval_ns ? (double)s->interval_ns / 1e6 : NAN;
    q->injection_width_ms = width == NS_NONE ? NAN : (double)width / 1e6;
    q->baseline_s = s->base_from_ns == NS_NONE ? NAN : (double)(s->base_to_ns - s->base_from_ns) / 1e9;
    q->hold_s = seconds(hold);
    worst_lags(s, q);
    q->suspect_count = 0;
    for (size_t i = 0; i < s->stream_count; i++)
        for (size_t j = 0; j < s->streams[i].len; j++)
            q->suspect_count += s->streams[i].suspect[j];
    q->harness_error_count = (int64_t)harness_errors(s);
    struct clock_finding clock = clock_check(s);
    q->suspended = clock.suspended;
    q->clock_slew_ppm = clock.slew_ppm;
    q->wire_overflow_count = wire_overflow(s);
    quality_selftest(s, q);
}
