/* SPDX-License-Identifier: MIT */
/*
 * The sets of the ledger and the RPO a second, naive way: every definition a loop over all writes, on random histories
 * with losses of any shape, two faults, several epochs and reads that disagree.
 */
#include "harness/base/rng.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <stdio.h>

enum { HISTORIES = 2000, WRITES = 60, READS = 6, FAULTS = 2 };

static struct bench b;

struct history {
    double inv[WRITES], ack[WRITES];
    enum write_outcome outcome[WRITES];
    bool has[READS][WRITES];
    double ib[FAULTS], ie[FAULTS], hb[FAULTS];
    bool severing[FAULTS];
};

static double between(struct rng *r, double from, double to)
{
    double x = from + (double)rng_below(r, (uint64_t)((to - from) * 10) + 1) / 10.0;
    return round(x * 10) / 10; /* so that equal instants are equal numbers */
}

static void dream(struct history *h, struct rng *r)
{
    for (int f = 0; f < FAULTS; f++) {
        h->ib[f] = f ? between(r, 15800, 16500) : between(r, 14800, 15500);
        h->ie[f] = between(r, h->ib[f], h->ib[f] + 20);
        h->hb[f] = rng_below(r, 2) ? between(r, h->ie[f] + 100, h->ie[f] + 2000) : NEVER;
        h->severing[f] = rng_below(r, 4) > 0;
    }
    double lag = between(r, 0, 600);
    bool scattered = rng_below(r, 3) == 0;
    for (int i = 0; i < WRITES; i++) {
        h->inv[i] = between(r, 14000 + 50.0 * i, 14005 + 50.0 * i);
        h->ack[i] = between(r, h->inv[i] + 1, h->inv[i] + (rng_below(r, 10) ? 10 : 300));
        uint64_t dice = rng_below(r, 20);
        h->outcome[i] = dice < 15 ? WRITE_OK : dice < 17 ? WRITE_FAIL : WRITE_UNKNOWN;
        bool lost = scattered ? rng_below(r, 12) == 0
                              : h->ack[i] > h->ib[0] - lag && h->ack[i] < h->ib[0] + lag / 4 && lag > 60;
        for (int k = 0; k < READS; k++)
            h->has[k][i] = h->outcome[i] == WRITE_FAIL ? rng_below(r, 30) == 0
                                                       : !lost && (rng_below(r, 200) || h->outcome[i] == WRITE_OK);
        if (lost && rng_below(r, 4) == 0)
            h->has[rng_below(r, READS)][i] = true; /* stranded */
    }
}

static bool everywhere(const struct history *h, int i)
{
    for (int k = 0; k < READS; k++)
        if (!h->has[k][i])
            return false;
    return true;
}

static bool anywhere(const struct history *h, int i)
{
    for (int k = 0; k < READS; k++)
        if (h->has[k][i])
            return true;
    return false;
}

static bool severs(const struct history *h, int f)
{
    bool any = false;
    for (int i = 0; i < FAULTS; i++)
        any = any || h->severing[i];
    return any ? h->severing[f] : f == 0;
}

/* The fault a lost write was lost before; -1: lost after. */
static int lost_before_of(const struct history *h, int i)
{
    for (int f = 0; f < FAULTS; f++) {
        bool in_force = severs(h, f) && (h->hb[f] < 0 || h->ack[i] <= h->hb[f]);
        if (in_force && (h->inv[i] > h->ie[f] || h->ack[i] > h->ie[f] + 2 + 1e-9))
            return -1;
    }
    for (int f = 0; f < FAULTS; f++)
        if (severs(h, f) && h->inv[i] <= h->ie[f])
            return f;
    return -1;
}

struct answer {
    int before, after, gone, stranded, landed, vanished, contradicted, holes;
    double lo, hi; /* hi NAN: open */
};

static void solve_fault(const struct history *h, int f, struct answer *a, double *lo, double *hi)
{
    int oldest = -1, newest = -1, survivor = -1;
    double began = INFINITY;
    for (int i = 0; i < WRITES; i++) {
        if (h->outcome[i] != WRITE_OK)
            continue;
        if (everywhere(h, i)) {
            if (h->ack[i] <= h->ie[f] && (newest < 0 || h->ack[i] > h->ack[newest]))
                newest = i;
            continue;
        }
        if (lost_before_of(h, i) != f)
            continue;
        began = h->inv[i] < began ? h->inv[i] : began;
        if (oldest < 0 || h->ack[i] < h->ack[oldest])
            oldest = i;
    }
    *lo = *hi = 0;
    a->holes = 0;
    for (int i = 0; i < WRITES; i++)
        if (h->outcome[i] == WRITE_OK && !everywhere(h, i) && lost_before_of(h, i) == f && newest >= 0 &&
            h->ack[i] < h->ack[newest])
            a->holes++;
    if (oldest < 0)
        return;
    for (int i = 0; i < WRITES; i++)
        if (h->outcome[i] == WRITE_OK && everywhere(h, i) && h->ack[i] < h->ack[oldest] &&
            (survivor < 0 || h->ack[i] > h->ack[survivor]))
            survivor = i;
    *lo = h->ib[f] - h->ack[oldest] > 0 ? h->ib[f] - h->ack[oldest] : 0;
    if (survivor < 0)
        *hi = INFINITY;
    else
        *hi = h->ie[f] - (h->inv[survivor] < began ? h->inv[survivor] : began);
}

static struct answer solve(const struct history *h)
{
    struct answer a = {.lo = -1, .hi = -1};
    int holes = 0;
    for (int i = 0; i < WRITES; i++) {
        bool lost = h->outcome[i] == WRITE_OK && !everywhere(h, i);
        a.before += lost && lost_before_of(h, i) >= 0;
        a.after += lost && lost_before_of(h, i) < 0;
        a.gone += lost && !anywhere(h, i);
        a.stranded += lost && anywhere(h, i);
        a.landed += h->outcome[i] == WRITE_UNKNOWN && everywhere(h, i);
        a.vanished += h->outcome[i] == WRITE_UNKNOWN && !everywhere(h, i);
        a.contradicted += h->outcome[i] == WRITE_FAIL && anywhere(h, i);
    }
    for (int f = 0; f < FAULTS; f++) {
        double lo, hi;
        if (!severs(h, f))
            continue;
        solve_fault(h, f, &a, &lo, &hi);
        holes = hi > a.hi ? a.holes : holes;
        a.lo = lo > a.lo ? lo : a.lo;
        a.hi = hi > a.hi ? hi : a.hi;
    }
    a.holes = holes;
    return a;
}

static bool near(double is_s, double wanted_ms)
{
    return isinf(wanted_ms) ? isnan(is_s) : fabs(is_s * 1e3 - wanted_ms) < 1e-3;
}

static void one_history(uint64_t seed)
{
    static const uint16_t sources[] = {UINT16_MAX, UINT16_MAX, EAST, EAST, WEST, WEST};
    struct rng r;
    struct history h;
    char name[32];
    (void)snprintf(name, sizeof(name), "ledger-%llu", (unsigned long long)seed);
    rng_init(&r, seed, name);
    dream(&h, &r);
    bench_init(&b);
    bench_stream(&b, STREAM_WRITE, 20, 1000);
    for (int f = 0; f < FAULTS; f++) {
        bench_fault(&b, h.severing[f] ? "partition" : "degrade", h.ib[f], h.ie[f], h.hb[f], h.hb[f] + 1, 1000);
        b.steps[f].action.target = TARGET_LINK;
    }
    for (int i = 0; i < WRITES; i++)
        bench_write(&b, 0, (uint64_t)i, h.inv[i], h.ack[i], h.outcome[i]);
    for (int k = 0; k < READS; k++)
        bench_reads(&b, sources[k], k % 2 ? PASS_COLD : PASS_LIVE, h.has[k], WRITES);
    const struct result *result = bench_run(&b);
    const struct result_ledger *l = &result->ledger;
    struct answer a = solve(&h);
    bool same = l->lost_before_count == a.before && l->lost_after_count == a.after && l->gone_count == a.gone &&
                l->stranded_count == a.stranded && l->landed_count == a.landed && l->vanished_count == a.vanished &&
                l->contradicted_count == a.contradicted && result->measures.hole_count == a.holes &&
                near(result->measures.rpo_lower_s, a.lo) && near(result->measures.rpo_upper_s, a.hi);
    if (!same)
        printf("history %llu: naive %d before, %d after, %d holes, [%.1f, %.1f]; measured %d, %d, %d, [%.1f, %.1f]\n",
               (unsigned long long)seed, a.before, a.after, a.holes, a.lo, a.hi, (int)l->lost_before_count,
               (int)l->lost_after_count, (int)result->measures.hole_count, result->measures.rpo_lower_s * 1e3,
               result->measures.rpo_upper_s * 1e3);
    CU_ASSERT(same);
    bench_deinit(&b);
}

static void two_ways_to_the_sets_agree(void)
{
    for (uint64_t seed = 0; seed < HISTORIES; seed++)
        one_history(seed);
}

void suite_rpo_property(void)
{
    runner_suite(NULL, NULL);
    runner_test(two_ways_to_the_sets_agree);
}
