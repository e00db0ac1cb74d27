/* SPDX-License-Identifier: MIT */
/*
 * The search for the first request of stable service.
 *
 * Conditions (measurement section 7), each an O(1) question to a running total:
 *   (0) fg and the 4 planned requests after it are good;
 *   (1) no failing window [u, u + w), u a planned instant, between s_fg and the end; a window fails with at least two
 *       bad requests and fewer than rho good ones; and over [s_fg, end] bad <= max(1, eps * n);
 *   (2) p99 of the good latencies in [s_fg, s_fg + H] <= L_p99: by nearest rank this says that at most
 *       n - ceil(0.99 n) of n are slower;
 *   (4) no wrong reply until the end;   (5) the hold fits before the end.
 * Windows and wrong replies bar every earlier beginning, so the last of each bounds the search from below; from there
 * the first request that passes (0), (2), (5) and the total of (1) is fg. What was planned and has no record would
 * shift the windows: gate G5 stops such a run.
 */
#include "harness/measure/recovery.h"

#include "harness/base/units.h"

enum { FIRST_GOOD = 5 };

static bool counts_as_good(const struct stream_view *v, size_t i, enum suspects as, uint16_t home)
{
    const struct sample *x = v->at[i];
    bool good = sample_good(x) || (as == SUSPECTS_GOOD && v->suspect[i]);
    return good && (home == NO_SITE || x->region == home);
}

static bool window_fails(const struct track *t, size_t from, size_t to)
{
    int64_t bad = (int64_t)t->bad[to] - t->bad[from], all = (int64_t)(to - from);
    return bad >= 2 && (all - bad) * PPM < t->good_ppm * all;
}

void track_make(struct track *t, const struct study *s, const struct stream_view *v, enum suspects as, uint16_t home)
{
    *t = (struct track){
        .stream = v, .len = v->len, .window_ns = s->plan->window_ns, .good_ppm = s->plan->good_ratio_ppm};
    t->good = arena_array(s->arena, bool, t->len + 1);
    t->fails = arena_array(s->arena, bool, t->len + 1);
    t->bad = arena_array(s->arena, uint32_t, t->len + 1);
    t->wrong = arena_array(s->arena, uint32_t, t->len + 1);
    t->timed = arena_array(s->arena, uint32_t, t->len + 1);
    t->slow = arena_array(s->arena, uint32_t, t->len + 1);
    for (size_t i = 0; i < t->len; i++) {
        const struct sample *x = v->at[i];
        t->good[i] = counts_as_good(v, i, as, home);
        bool timed = t->good[i] && sample_good(x);
        bool slow = timed && s->plan->baseline_p99_ns > 0 && x->done_ns - x->planned_ns > s->plan->baseline_p99_ns;
        t->bad[i + 1] = t->bad[i] + !t->good[i];
        t->wrong[i + 1] = t->wrong[i] + (x->outcome == OUTCOME_WRONG);
        t->timed[i + 1] = t->timed[i] + timed;
        t->slow[i + 1] = t->slow[i] + slow;
    }
    for (size_t i = 0, j = 0; i < t->len; i++) {
        while (j < t->len && v->at[j]->planned_ns < ns_add(v->at[i]->planned_ns, t->window_ns))
            j++;
        t->fails[i] = window_fails(t, i, j);
    }
}

static int64_t planned(const struct track *t, size_t i)
{
    return t->stream->at[i]->planned_ns;
}

static bool first_good(const struct track *t, size_t i)
{
    return i + FIRST_GOOD <= t->len && t->bad[i + FIRST_GOOD] == t->bad[i];
}

static bool quick_enough(const struct track *t, size_t from, size_t to)
{
    uint64_t all = t->timed[to] - t->timed[from], slow = t->slow[to] - t->slow[from];
    return slow <= all - (99 * all + 99) / 100;
}

static bool few_bad(const struct track *t, size_t from, size_t to)
{
    int64_t bad = (int64_t)t->bad[to] - t->bad[from], all = (int64_t)(to - from);
    return bad <= 1 || bad * PPM <= (PPM - t->good_ppm) * all;
}

/* First request after the last failing window that ends by end_ns and the last wrong reply before it. */
static size_t after_last_flaw(const struct track *t, size_t from, size_t to, int64_t end_ns)
{
    for (size_t i = to; i > from; i--) {
        bool whole = ns_add(planned(t, i - 1), t->window_ns) <= end_ns;
        if ((whole && t->fails[i - 1]) || t->wrong[i] > t->wrong[i - 1])
            return i;
    }
    return from;
}

size_t track_stable(const struct track *t, int64_t from_ns, int64_t end_ns, int64_t hold_ns, bool waive_hold)
{
    size_t from = stream_from(t->stream, from_ns), to = stream_from(t->stream, end_ns);
    if (from >= to)
        return NO_INDEX;
    for (size_t i = after_last_flaw(t, from, to, end_ns); i < to; i++) {
        int64_t held = ns_add(planned(t, i), hold_ns);
        if (held > end_ns && !waive_hold)
            return NO_INDEX;
        size_t hold_to = stream_from(t->stream, ns_min(ns_add(held, 1), end_ns));
        if (t->good[i] && first_good(t, i) && few_bad(t, i, to) && quick_enough(t, i, hold_to))
            return i;
    }
    return NO_INDEX;
}

bool track_relapsed(const struct track *t, size_t after, size_t before, int64_t end_ns, int64_t hold_ns)
{
    size_t failing = after; /* first failing window at or after i */
    for (size_t i = after; i < before && i < t->len; i++) {
        int64_t held = ns_add(planned(t, i), hold_ns);
        if (held > end_ns)
            return false;
        failing = failing < i ? i : failing;
        while (failing < t->len && !t->fails[failing])
            failing++;
        size_t hold_to = stream_from(t->stream, ns_add(held, 1));
        bool clean = (failing >= t->len || ns_add(planned(t, failing), t->window_ns) > held) &&
                     t->wrong[hold_to] == t->wrong[i] && few_bad(t, i, hold_to);
        if (clean && t->good[i] && first_good(t, i) && quick_enough(t, i, hold_to))
            return true;
    }
    return false;
}

size_t track_unhurt(const struct track *t, int64_t from_ns, int64_t end_ns, int64_t hold_ns)
{
    size_t from = stream_from(t->stream, from_ns), to = stream_from(t->stream, end_ns);
    size_t hold_to = stream_from(t->stream, ns_min(ns_add(from_ns, hold_ns), end_ns));
    if (from >= to)
        return NO_INDEX;
    return quick_enough(t, from, hold_to) && t->good[from] ? from : track_stable(t, from_ns, end_ns, hold_ns, false);
}

size_t track_first_bad(const struct track *t, size_t from, int64_t seen_after_ns)
{
    for (size_t i = from; i < t->len; i++)
        if (!t->good[i] && sample_seen(t->stream->at[i]) > seen_after_ns)
            return i;
    return NO_INDEX;
}

size_t track_last_bad(const struct track *t, size_t before, int64_t seen_after_ns)
{
    for (size_t i = before; i > 0; i--)
        if (!t->good[i - 1] && sample_seen(t->stream->at[i - 1]) > seen_after_ns)
            return i - 1;
    return NO_INDEX;
}
