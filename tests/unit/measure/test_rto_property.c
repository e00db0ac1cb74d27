/* SPDX-License-Identifier: MIT */
/*
 * RTO a second, naive way: the sentences of the measuring rules written down as loops over all requests, compared with
 * the product on random histories (outages, blips, wrong and slow replies, suspects, with and without a heal).
 */
#include "harness/base/rng.h"
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORIES = 2000, MOST = 260 };

static struct bench b;

struct request {
    double s, a, c; /* ms */
    enum outcome outcome;
    bool suspect;
};

struct naive {
    struct request at[MOST];
    int n;
    double ib, ie, end, window, hold, p99, good_ratio;
    int good_ppm;
    bool healed, suspects_good;
};

static bool is_good(const struct naive *h, int i)
{
    return h->at[i].outcome == OUTCOME_GOOD || (h->suspects_good && h->at[i].suspect);
}

static bool window_fails(const struct naive *h, int first)
{
    int all = 0, bad = 0;
    for (int i = first; i < h->n && h->at[i].s < h->at[first].s + h->window; i++) {
        all++;
        bad += !is_good(h, i);
    }
    return bad >= 2 && (double)(all - bad) < h->good_ratio * all - 1e-9;
}

static int compare(const void *x, const void *y)
{
    double p = *(const double *)x, q = *(const double *)y;
    return p < q ? -1 : p > q;
}

static bool quick(const struct naive *h, int fg, double to)
{
    double at[MOST] = {0};
    int n = 0;
    for (int i = fg; i < h->n && h->at[i].s <= to; i++)
        if (h->at[i].outcome == OUTCOME_GOOD)
            at[n++] = h->at[i].c - h->at[i].s;
    qsort(at, (size_t)n, sizeof(at[0]), compare);
    return h->p99 <= 0 || n == 0 || at[(99 * n + 99) / 100 - 1] <= h->p99 + 1e-9;
}

static bool is_stable_from(const struct naive *h, int fg)
{
    double s = h->at[fg].s;
    int n = 0, bad = 0;
    if (!is_good(h, fg) || s + h->hold > h->end)
        return false;
    for (int i = fg; i < fg + 5; i++)
        if (i >= h->n || !is_good(h, i))
            return false;
    for (int i = fg; i < h->n && h->at[i].s < h->end; i++) {
        n++;
        bad += !is_good(h, i);
        if (h->at[i].outcome == OUTCOME_WRONG)
            return false;
        if (h->at[i].s + h->window <= h->end && window_fails(h, i))
            return false;
    }
    double tolerated = (1 - h->good_ratio) * n;
    return bad <= (tolerated > 1 ? tolerated + 1e-9 : 1) && quick(h, fg, s + h->hold < h->end ? s + h->hold : h->end - 1e-6);
}

/* fg, and whether anything bad was sent before the end and completed after the fault. */
static int first_stable(const struct naive *h, bool *hurt)
{
    *hurt = false;
    /* what completes after the heal with nothing in force belongs to the failback if it comes first */
    for (int i = 0; i < h->n; i++) {
        if (is_good(h, i) || h->at[i].c <= h->ib)
            continue;
        *hurt = h->at[i].s < h->end && (!h->healed || h->at[i].c <= h->end);
        break;
    }
    for (int i = 0; i < h->n; i++) {
        if (h->at[i].s < h->ib || h->at[i].s >= h->end)
            continue;
        if (!*hurt && is_good(h, i) && quick(h, i, h->ib + h->hold < h->end ? h->ib + h->hold - 1e-6 : h->end - 1e-6))
            return i;
        for (int k = i; k < h->n && h->at[k].s < h->end; k++)
            if (is_stable_from(h, k))
                return k;
        return -1;
    }
    return -1;
}

static void naive_rto(struct naive *h, double *lo, double *hi)
{
    bool hurt;
    h->suspects_good = true;
    int fg = first_stable(h, &hurt);
    *lo = 0;
    for (int i = 0; hurt && i < h->n; i++)
        if (!is_good(h, i) && h->at[i].c > h->ib && (fg >= 0 ? i < fg : h->at[i].a < h->end && h->at[i].s < h->end) &&
            h->at[i].a - h->ie > *lo)
            *lo = h->at[i].a - h->ie;
    h->suspects_good = false;
    fg = first_stable(h, &hurt);
    *hi = fg < 0 ? NAN : h->at[fg].c - h->ib;
    if (fg >= 0 && *lo > *hi)
        *lo = *hi;
}

static double between(struct rng *r, double from, double to)
{
    return from + (double)rng_below(r, (uint64_t)((to - from) * 10) + 1) / 10.0;
}

static void dream(struct naive *h, struct rng *r)
{
    *h = (struct naive){.n = 160 + (int)rng_below(r, MOST - 160), .ib = 15000, .ie = 15000 + between(r, 0, 30),
                        .window = 1000, .hold = between(r, 1000, 3000)};
    static const int ratios_ppm[] = {900000, 950000, 990000, 999000};
    h->good_ppm = ratios_ppm[rng_below(r, 4)];
    h->good_ratio = h->good_ppm / 1e6;
    h->p99 = rng_below(r, 2) ? 45 : 0;
    h->healed = rng_below(r, 2);
    double last = 14007 + 50.0 * (h->n - 1);
    h->end = h->healed ? between(r, 15500, last) : last + 50;
    double out = between(r, 14900, 17000), back = out + between(r, 0, 4000), again = between(r, 15000, 26000);
    for (int i = 0; i < h->n; i++) {
        struct request *q = &h->at[i];
        bool down = (q->s = 14007 + 50.0 * i, q->s >= out && q->s < back) || (q->s >= again && q->s < again + 120);
        q->a = q->s + between(r, 0, 3);
        q->c = q->a + between(r, 1, 20);
        q->outcome = OUTCOME_GOOD;
        if (down && rng_below(r, 10)) {
            static const enum outcome ways[] = {OUTCOME_REFUSED, OUTCOME_RESET, OUTCOME_TIMEOUT, OUTCOME_LATE};
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

/* sigma by its definition: every stall and slip that touches the span. */
static double sigma(const struct naive *h, double stalls[2][2], double from, double to)
{
    double worst = 0;
    for (int i = 0; i < 2; i++)
        if (stalls[i][0] <= to && stalls[i][1] >= from && stalls[i][1] - stalls[i][0] > worst)
            worst = stalls[i][1] - stalls[i][0];
    for (int i = 0; i < h->n; i++)
        if (h->at[i].a > h->at[i].s && h->at[i].s <= to && h->at[i].a >= from && h->at[i].a - h->at[i].s > worst)
            worst = h->at[i].a - h->at[i].s;
    return worst;
}

static void one_history(uint64_t seed)
{
    struct rng r;
    struct naive h;
    char name[32];
    (void)snprintf(name, sizeof(name), "history-%llu", (unsigned long long)seed);
    rng_init(&r, seed, name);
    dream(&h, &r);
    double stalls[2][2];
    for (int i = 0; i < 2; i++) {
        stalls[i][0] = between(&r, 14500, 20000);
        stalls[i][1] = stalls[i][0] + between(&r, 1, i ? 600 : 40);
    }
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 20, 500);
    bench_fault(&b, "partition", h.ib, h.ie, h.healed ? h.end : NEVER, h.end + 1, h.hold);
    b.plan.good_ratio_ppm = h.good_ppm;
    b.plan.baseline_p99_ns = MS(h.p99);
    struct event *baseline = bench_find(&b, EVENT_BASELINE, NULL);
    baseline->at_ns = MS(14000);
    baseline->end_ns = MS(14900);
    for (int i = 0; i < 2; i++)
        bench_stall(&b, stalls[i][0], stalls[i][1]);
    for (int i = 0; i < h.n; i++)
        bench_sample(&b, reads, (uint64_t)i, h.at[i].s, h.at[i].a, h.at[i].c, h.at[i].outcome);
    const struct result *result = bench_run(&b);

    double p99 = result->measures.baseline_p99_ms;
    for (int i = 0; i < h.n; i++) {
        double late = sigma(&h, stalls, h.at[i].s, h.at[i].c);
        h.at[i].suspect = (h.at[i].outcome == OUTCOME_LATE && h.at[i].c - h.at[i].s - late <= 500 + 1e-6) ||
                          (h.at[i].outcome == OUTCOME_TIMEOUT && !isnan(p99) && late >= 500 - 2 * p99 - 1e-6);
    }
    double lo, hi;
    naive_rto(&h, &lo, &hi);
    bool same = fabs(result->measures.rto_lower_s * 1e3 - lo) < 1e-3 &&
                (isnan(hi) ? isnan(result->measures.rto_upper_s) : fabs(result->measures.rto_upper_s * 1e3 - hi) < 1e-3);
    if (!same)
        printf("history %llu: naive (%.1f, %.1f], measured (%.1f, %.1f]\n", (unsigned long long)seed, lo, hi,
               result->measures.rto_lower_s * 1e3, result->measures.rto_upper_s * 1e3);
    CU_ASSERT(same);
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
