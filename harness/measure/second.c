/* SPDX-License-Identifier: MIT */
/*
 * For every good request after the fault in turn: is it the one that all the conditions speak for? The first such is
 * fg.
 *
 *   (0) it and the four planned after it are good
 *   (1) no window of length w that begins at a planned instant and ends by E fails (two bad or more, good ratio below
 *       rho), and over all that is left bad <= max(1, (1 - rho) n)
 *   (2) the 99th percentile of good latencies during the hold is at most L_p99
 *   (4) no wrong reply until E
 *   (5) the hold ends by E
 *
 * A wrong reply or a failing window at j rules out every candidate up to j, so the next one tried comes behind it; that
 * is the only short cut. RTO = ( a of the last bad request before fg - t_ie, c of fg - t_ib ], the lower end not below
 * 0. If nothing bad was seen, fg is the first request after the fault.
 *
 * A later fault ends what can be asked about this one: stable service is first looked for until it begins, only then
 * until E across it.
 */
#include "harness/measure/second.h"

#include "harness/measure/study.h"

enum { FIRST_GOOD = 5 };

struct page {
    const struct cross_record *at;
    size_t len;
    const struct second_rules *rules;
};

static bool good(const struct cross_record *r)
{
    return r->outcome == OUTCOME_GOOD;
}

static int64_t left(const struct cross_record *r)
{
    return r->outcome == OUTCOME_UNSENT ? r->planned_ns : r->sent_ns;
}

static int64_t ratio_needed(const struct second_rules *rules, int64_t n)
{
    return (rules->good_ppm * n + 999999) / 1000000; /* good requests that n planned ones need */
}

/* Does the window of length w that begins at request j fail? False too where it reaches beyond the end. */
static bool window_fails(const struct page *p, size_t j, int64_t end_ns)
{
    int64_t stop = ns_add(p->at[j].planned_ns, p->rules->window_ns), all = 0, bad = 0;
    for (size_t i = j; i < p->len && stop <= end_ns && p->at[i].planned_ns < stop; i++) {
        all++;
        bad += !good(&p->at[i]);
    }
    return bad >= 2 && all - bad < ratio_needed(p->rules, all);
}

/* The last request in [from, to) that rules out all up to it; to if none does. */
static size_t last_flaw(const struct page *p, size_t from, size_t to, int64_t end_ns)
{
    for (size_t j = to; j > from; j--)
        if (p->at[j - 1].outcome == OUTCOME_WRONG || window_fails(p, j - 1, end_ns))
            return j - 1;
    return to;
}

static bool begins_well(const struct page *p, size_t i)
{
    for (size_t j = i; j < i + FIRST_GOOD; j++)
        if (j >= p->len || !good(&p->at[j]))
            return false;
    return true;
}

static bool few_bad(const struct page *p, size_t i, size_t to, int64_t bad)
{
    int64_t allowed = (int64_t)(to - i) - ratio_needed(p->rules, (int64_t)(to - i));
    return bad <= (allowed > 1 ? allowed : 1);
}

static bool quick(const struct page *p, size_t i, int64_t until_ns)
{
    int64_t all = 0, slow = 0;
    for (size_t j = i; p->rules->p99_ns > 0 && j < p->len && p->at[j].planned_ns <= until_ns; j++) {
        all += good(&p->at[j]);
        slow += good(&p->at[j]) && p->at[j].done_ns - p->at[j].planned_ns > p->rules->p99_ns;
    }
    return all - slow >= (99 * all + 99) / 100; /* the value at rank ceil(0.99 n) is not among the slow ones */
}

static size_t first_from(const struct page *p, int64_t at_ns)
{
    size_t i = 0;
    while (i < p->len && p->at[i].planned_ns < at_ns)
        i++;
    return i;
}

/* fg, with everything until end_ns known; SIZE_MAX if there is none. */
static size_t find_fg(const struct page *p, int64_t ib_ns, int64_t end_ns, int64_t hold_ns)
{
    size_t from = first_from(p, ib_ns), to = first_from(p, end_ns), flaw = last_flaw(p, from, to, end_ns);
    int64_t bad = 0;
    from = flaw == to ? from : flaw + 1;
    for (size_t i = from; i < to; i++)
        bad += !good(&p->at[i]);
    for (size_t i = from; i < to; i++) {
        int64_t held = ns_add(p->at[i].planned_ns, hold_ns);
        if (held <= end_ns && begins_well(p, i) && few_bad(p, i, to, bad) &&
            quick(p, i, held < end_ns ? held : end_ns - 1))
            return i;
        bad -= !good(&p->at[i]);
    }
    return SIZE_MAX;
}

/* ff: is there one, and is it this fault's? */
static bool is_hurt(const struct page *p, const struct second_fault *f)
{
    for (size_t i = 0; i < p->len; i++)
        if (!good(&p->at[i]) && p->at[i].planned_ns < f->end_ns && p->at[i].done_ns > f->ib_ns)
            return p->at[i].done_ns <= f->charge_ns;
    return false;
}

/* Was anything bad sent before E and completed after t_ib, whoever it is charged to? */
static bool something_failed(const struct page *p, const struct second_fault *f)
{
    for (size_t i = 0; i < p->len; i++)
        if (!good(&p->at[i]) && p->at[i].planned_ns < f->end_ns && p->at[i].done_ns > f->ib_ns)
            return true;
    return false;
}

/* The first request after the fault, its hold waived, where nothing failed and slowness does not speak against it. */
static size_t find_unhurt(const struct page *p, const struct second_fault *f)
{
    size_t first = first_from(p, f->ib_ns);
    if (first >= p->len || p->at[first].planned_ns >= f->cut_ns)
        return SIZE_MAX;
    if (f->cut_ns == f->end_ns && something_failed(p, f))
        return find_fg(p, f->ib_ns, f->cut_ns, f->hold_ns);
    if (good(&p->at[first]) && quick(p, first, ns_min(ns_add(f->ib_ns, f->hold_ns), f->cut_ns) - 1))
        return first;
    return find_fg(p, f->ib_ns, f->cut_ns, f->hold_ns);
}

/* a of the last bad request before fg, or before E where there is no fg; minus t_ie. */
static int64_t lower_end(const struct page *p, const struct second_fault *f, size_t fg)
{
    int64_t lo = 0;
    for (size_t i = 0; i < p->len && i < fg; i++) {
        const struct cross_record *r = &p->at[i];
        bool counts = !good(r) && r->done_ns > f->ib_ns && (fg != SIZE_MAX || left(r) < f->end_ns);
        if (counts && left(r) - f->ie_ns > lo)
            lo = left(r) - f->ie_ns;
    }
    return lo;
}

void second_rto(const struct cross_record *at, size_t len, const struct second_rules *rules,
                const struct second_fault *fault, struct second_answer *out)
{
    const struct page p = {at, len, rules};
    *out = (struct second_answer){.hurt = is_hurt(&p, fault), .fg = SIZE_MAX, .hi_ns = INT64_MAX};
    if (out->hurt) {
        out->fg = find_fg(&p, fault->ib_ns, fault->cut_ns, fault->hold_ns);
        if (out->fg == SIZE_MAX && fault->cut_ns < fault->end_ns)
            out->fg = find_fg(&p, fault->ib_ns, fault->end_ns, fault->hold_ns);
        out->lo_ns = lower_end(&p, fault, out->fg);
    } else {
        out->fg = find_unhurt(&p, fault);
        out->overtaken = fault->cut_ns < fault->end_ns && first_from(&p, fault->ib_ns) >= first_from(&p, fault->cut_ns);
    }
    if (out->fg != SIZE_MAX)
        out->hi_ns = at[out->fg].done_ns - fault->ib_ns;
    if (out->lo_ns > out->hi_ns)
        out->lo_ns = out->hi_ns;
}
