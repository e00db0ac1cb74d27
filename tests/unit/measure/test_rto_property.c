/* SPDX-License-Identifier: MIT */
/*
 * RTO a second, naive way: the sentences of the measuring rules written down as loops over all requests, compared with
 * the product on random histories: one fault or two, apart or overlapping, healed early, late or never; new and kept
 * connections and writes; outages, blips, wrong and slow replies, requests that are bad only because drtest was late;
 * observation that ends in the middle of it.
 */
#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
enum { HISTORIES = 1500 };
#else
enum { HISTORIES = 10000 };
#endif
enum { MOST = 240, STREAMS = 3, FAULTS = 2 };

static struct bench b;

struct request {
    double s, a, c; /* ms */
    enum outcome outcome;
    bool suspect, good; /* good: in the search under way */
};

struct line { /* of requests: one stream */
    enum stream_kind kind;
    struct request at[MOST];
    int n;
    bool fails[MOST]; /* the window that begins here */
};

struct fault {
    double ib, ie, hb, hold; /* hb INFINITY: never */
};

struct naive {
    struct line lines[STREAMS];
    struct fault faults[FAULTS];
    int line_count, fault_count;
    double end, window, p99, stalls[2][2];
    int good_ppm;
};

/* ---- the rules ---- */

static bool window_fails(const struct naive *h, const struct line *l, int first)
{
    int all = 0, bad = 0;
    for (int i = first; i < l->n && l->at[i].s < l->at[first].s + h->window - 1e-6; i++) {
        all++;
        bad += !l->at[i].good;
    }
    return bad >= 2 && (double)(all - bad) < h->good_ppm / 1e6 * all - 1e-9;
}

static void look(const struct naive *h, struct line *l, bool suspects_good)
{
    for (int i = 0; i < l->n; i++)
        l->at[i].good = l->at[i].outcome == OUTCOME_GOOD || (suspects_good && l->at[i].suspect);
    for (int i = 0; i < l->n; i++)
        l->fails[i] = window_fails(h, l, i);
}

static int compare(const void *x, const void *y)
{
    double p = *(const double *)x, q = *(const double *)y;
    return p < q ? -1 : p > q;
}

/* p99 of the replies to what was planned in [fg, to] and before end. */
static bool quick(const struct naive *h, const struct line *l, int fg, double to, double end)
{
    double at[MOST] = {0};
    int n = 0;
    for (int i = fg; i < l->n && l->at[i].s <= to + 1e-6 && l->at[i].s < end - 1e-6; i++)
        if (l->at[i].outcome == OUTCOME_GOOD)
            at[n++] = l->at[i].c - l->at[i].s;
    qsort(at, (size_t)n, sizeof(at[0]), compare);
    return h->p99 <= 0 || n == 0 || at[(99 * n + 99) / 100 - 1] <= h->p99 + 1e-6;
}

static bool is_stable_from(const struct naive *h, const struct line *l, int fg, double end, double hold, bool waive)
{
    double s = l->at[fg].s;
    int n = 0, bad = 0;
    if (!l->at[fg].good || (s + hold > end + 1e-6 && !waive))
        return false;
    for (int i = fg; i < fg + 5; i++)
        if (i >= l->n || !l->at[i].good)
            return false;
    for (int i = fg; i < l->n && l->at[i].s < end - 1e-6; i++) {
        n++;
        bad += !l->at[i].good;
        if (l->at[i].outcome == OUTCOME_WRONG || (l->fails[i] && l->at[i].s + h->window <= end + 1e-6))
            return false;
    }
    double tolerated = (1 - h->good_ppm / 1e6) * n;
    return bad <= (tolerated > 1 ? tolerated + 1e-9 : 1) && quick(h, l, fg, s + hold, end);
}

static int stable(const struct naive *h, const struct line *l, double from, double end, double hold, bool waive)
{
    for (int i = 0; i < l->n && l->at[i].s < end - 1e-6; i++)
        if (l->at[i].s >= from - 1e-6 && is_stable_from(h, l, i, end, hold, waive))
            return i;
    return -1;
}

static bool in_force(const struct fault *f, double at)
{
    return f->ib <= at && at < f->hb;
}

static double end_of(const struct naive *h, const struct fault *f)
{
    return f->hb < h->end ? f->hb : h->end;
}

static double next_begin(const struct naive *h, double after)
{
    for (int i = 0; i < h->fault_count; i++)
        if (h->faults[i].ib > after)
            return h->faults[i].ib;
    return INFINITY;
}

struct found {
    int ff, fg; /* -1: none; ff also when nothing is charged to the fault */
    bool hurt;
    double end;
};

static int nothing_happened(const struct naive *h, const struct line *l, const struct fault *f, double end)
{
    for (int i = 0; i < l->n && l->at[i].s < end - 1e-6; i++) {
        if (l->at[i].s < f->ib - 1e-6)
            continue;
        bool calm = l->at[i].good && quick(h, l, i, f->ib + f->hold - 2e-6, end);
        return calm ? i : stable(h, l, f->ib, end, f->hold, false);
    }
    return -1;
}

/* Whether the loss period that begins with this request belongs to the fault. */
static bool charged(const struct naive *h, const struct fault *f, const struct request *ff)
{
    bool held = ff->c <= f->hb;
    for (int i = 0; i < h->fault_count; i++)
        held = held || in_force(&h->faults[i], ff->c);
    return ff->s < h->end && ff->c < next_begin(h, f->ib) && held;
}

static struct found search(const struct naive *h, const struct line *l, const struct fault *f, bool lower)
{
    struct found r = {.ff = -1, .fg = -1, .end = end_of(h, f)};
    for (int i = 0; i < l->n && r.ff < 0; i++)
        if (!l->at[i].good && l->at[i].c > f->ib)
            r.ff = i;
    const struct request *ff = r.ff < 0 ? NULL : &l->at[r.ff];
    double cut = fmin(r.end, next_begin(h, f->ib));
    if (!ff || !charged(h, f, ff)) {
        bool after_heal = ff && ff->s < r.end && cut >= r.end; /* it failed late, but it failed */
        r.fg = after_heal ? stable(h, l, f->ib, cut, f->hold, false) : nothing_happened(h, l, f, cut);
        return r;
    }
    if (ff->s >= r.end) { /* it left after the heal, while another fault held: that one's time counts */
        for (int i = 0; i < h->fault_count; i++)
            if (in_force(&h->faults[i], ff->c))
                r.end = fmax(r.end, end_of(h, &h->faults[i]));
        cut = fmin(r.end, next_begin(h, ff->c));
    }
    if (ff->s >= r.end) {
        r.fg = nothing_happened(h, l, f, cut);
        return r;
    }
    r.fg = stable(h, l, f->ib, cut, f->hold, false);
    if (r.fg < 0 && cut < r.end && lower)
        r.fg = stable(h, l, f->ib, cut, f->hold, true);
    if (r.fg < 0 && cut < r.end)
        r.fg = stable(h, l, f->ib, r.end, f->hold, false);
    r.hurt = r.fg < 0 || r.ff < r.fg;
    return r;
}

static double origin(const struct naive *h, const struct fault *f, const struct request *ff)
{
    for (int i = 0; i < h->fault_count && ff->a < f->ib; i++)
        if (in_force(&h->faults[i], ff->a))
            return h->faults[i].ib;
    return f->ib;
}

static void interval(const struct naive *h, struct line *l, const struct fault *f, double *lo, double *hi)
{
    look(h, l, true);
    struct found low = search(h, l, f, true);
    *lo = 0;
    for (int i = 0; low.hurt && i < l->n; i++) {
        const struct request *q = &l->at[i];
        bool before = low.fg >= 0 ? i < low.fg : q->a < low.end && q->s < low.end;
        if (!q->good && q->c > f->ib && before && q->a - f->ie > *lo)
            *lo = q->a - f->ie;
    }
    look(h, l, false);
    struct found up = search(h, l, f, false);
    *hi = up.fg < 0 ? INFINITY : l->at[up.fg].c - (up.hurt ? origin(h, f, &l->at[up.ff]) : f->ib);
    *lo = fmin(*lo, *hi);
}

/* ---- histories ---- */

static double between(struct rng *r, double from, double to)
{
    return from + (double)rng_below(r, (uint64_t)((to - from) * 10) + 1) / 10.0;
}

static void dream_line(struct line *l, enum stream_kind kind, double first, struct rng *r)
{
    static const enum outcome ways[] = {OUTCOME_REFUSED, OUTCOME_RESET, OUTCOME_TIMEOUT, OUTCOME_LATE};
    double out = between(r, 14900, 17000), back = out + between(r, 0, 4000), again = between(r, 15000, 24000);
    double long_again = rng_below(r, 3) ? 120 : between(r, 0, 3000);
    *l = (struct line){.kind = kind, .n = 140 + (int)rng_below(r, MOST - 140)};
    for (int i = 0; i < l->n; i++) {
        struct request *q = &l->at[i];
        q->s = first + 50.0 * i;
        bool down = (q->s >= out && q->s < back) || (q->s >= again && q->s < again + long_again);
        q->a = q->s + between(r, 0, 3);
        q->c = q->a + between(r, 1, 20);
        q->outcome = OUTCOME_GOOD;
        if (down && rng_below(r, 10)) {
            q->outcome = ways[rng_below(r, 4)];
            if (q->outcome == OUTCOME_TIMEOUT)
                q->c = q->s + 500;
            if (q->outcome == OUTCOME_LATE)
                q->c = q->s + between(r, 501, 560);
        } else if (rng_below(r, 60) == 0) {
            q->outcome = rng_below(r, 4) ? OUTCOME_RESET : OUTCOME_WRONG;
        } else if (rng_below(r, 50) == 0) {
            q->c = q->s + 60; /* slow, but good */
        }
    }
}

static void dream(struct naive *h, struct rng *r)
{
    static const int ratios_ppm[] = {900000, 950000, 990000, 999000};
    static const enum stream_kind kinds[STREAMS] = {STREAM_READ_FRESH, STREAM_WRITE, STREAM_READ_KEEPALIVE};
    h->window = 1000;
    h->good_ppm = ratios_ppm[rng_below(r, 4)];
    h->p99 = rng_below(r, 2) ? 45 : 0;
    h->line_count = 1 + (int)rng_below(r, STREAMS);
    h->fault_count = 1 + (int)rng_below(r, FAULTS);
    h->end = 0;
    for (int i = 0; i < h->line_count && i < STREAMS; i++) {
        dream_line(&h->lines[i], kinds[i], 14007 + (double)i, r);
        h->end = fmax(h->end, h->lines[i].at[h->lines[i].n - 1].s + 50);
    }
    for (int i = 0; i < h->fault_count; i++) {
        struct fault *f = &h->faults[i];
        f->ib = i ? between(r, 15100, 20000) : 15000;
        f->ie = f->ib + between(r, 0, 30);
        f->hb = rng_below(r, 2) ? f->ie + between(r, 100, 9000) : INFINITY;
        f->hold = between(r, 1000, 3000);
    }
    for (int i = 0; i < 2; i++) {
        h->stalls[i][0] = between(r, 14500, 20000);
        h->stalls[i][1] = h->stalls[i][0] + between(r, 1, i ? 600 : 40);
    }
}

/* sigma by its definition: every stall and slip that touches the span. */
static double sigma(const struct naive *h, double from, double to)
{
    double worst = 0;
    for (int i = 0; i < 2; i++)
        if (h->stalls[i][0] <= to && h->stalls[i][1] >= from)
            worst = fmax(worst, h->stalls[i][1] - h->stalls[i][0]);
    for (int k = 0; k < h->line_count; k++) {
        const struct line *l = &h->lines[k];
        for (int i = 0; i < l->n; i++)
            if (l->at[i].a > l->at[i].s && l->at[i].s <= to && l->at[i].a >= from)
                worst = fmax(worst, l->at[i].a - l->at[i].s);
    }
    return worst;
}

static void find_suspects(struct naive *h, double p99)
{
    for (int k = 0; k < h->line_count; k++) {
        for (int i = 0; i < h->lines[k].n; i++) {
            struct request *q = &h->lines[k].at[i];
            if (q->outcome == OUTCOME_LATE)
                q->suspect = q->c - q->s - sigma(h, q->s, q->c) <= 500 + 1e-6;
            else if (q->outcome == OUTCOME_TIMEOUT && !isnan(p99))
                q->suspect = sigma(h, q->s, q->c) >= 500 - 2 * p99 - 1e-6;
        }
    }
}

static void put_on_paper(const struct naive *h)
{
    bench_init(&b);
    b.plan.good_ratio_ppm = h->good_ppm;
    b.plan.baseline_p99_ns = MS(h->p99);
    for (int i = 0; i < h->fault_count; i++) {
        const struct fault *f = &h->faults[i];
        bench_fault(&b, "partition", f->ib, f->ie, isinf(f->hb) ? NEVER : f->hb, f->hb + 1, f->hold);
    }
    struct event *baseline = bench_find(&b, EVENT_BASELINE, NULL);
    baseline->at_ns = MS(14000);
    baseline->end_ns = MS(14900);
    for (int i = 0; i < 2; i++)
        bench_stall(&b, h->stalls[i][0], h->stalls[i][1]);
    for (int k = 0; k < h->line_count; k++) {
        const struct line *l = &h->lines[k];
        uint16_t stream = bench_stream(&b, l->kind, 20, 500);
        for (int i = 0; i < l->n; i++)
            bench_sample(&b, stream, (uint64_t)i, l->at[i].s, l->at[i].a, l->at[i].c, l->at[i].outcome);
    }
}

static bool same(double is_s, double wanted_ms)
{
    return isinf(wanted_ms) ? isnan(is_s) : fabs(is_s * 1e3 - wanted_ms) < 1e-3;
}

static void one_history(uint64_t seed)
{
    static struct naive h;
    struct rng r;
    char name[32];
    (void)snprintf(name, sizeof(name), "history-%llu", (unsigned long long)seed);
    rng_init(&r, seed, name);
    dream(&h, &r);
    put_on_paper(&h);
    const struct result_measures *m = &bench_run(&b)->measures;
    find_suspects(&h, m->baseline_p99_ms);

    double lo = -1, hi = -1, kept_lo = -1, kept_hi = -1;
    for (int k = 0; k < h.line_count; k++) {
        for (int i = 0; i < h.fault_count; i++) {
            double from, to;
            interval(&h, &h.lines[k], &h.faults[i], &from, &to);
            bool kept = h.lines[k].kind == STREAM_READ_KEEPALIVE;
            *(kept ? &kept_lo : &lo) = fmax(kept ? kept_lo : lo, from);
            *(kept ? &kept_hi : &hi) = fmax(kept ? kept_hi : hi, to);
        }
    }
    bool agreed = same(m->rto_lower_s, lo) && same(m->rto_upper_s, hi) &&
                  (kept_lo < 0 || (same(m->rto_keepalive_lower_s, kept_lo) && same(m->rto_keepalive_upper_s, kept_hi)));
    if (!agreed)
        printf("history %llu (%d streams, %d faults): naive (%.1f, %.1f] kept (%.1f, %.1f], measured (%.1f, %.1f] kept "
               "(%.1f, %.1f]\n", (unsigned long long)seed, h.line_count, h.fault_count, lo, hi, kept_lo, kept_hi,
               m->rto_lower_s * 1e3, m->rto_upper_s * 1e3, m->rto_keepalive_lower_s * 1e3,
               m->rto_keepalive_upper_s * 1e3);
    CU_ASSERT(agreed);
    bench_deinit(&b);
}

static void two_ways_to_the_number_agree(void)
{
    for (uint64_t seed = 0; seed < HISTORIES; seed++)
        one_history(seed);
}

void suite_rto_property(void)
{
    runner_suite(NULL, NULL);
    runner_test(two_ways_to_the_number_agree);
}
