/* SPDX-License-Identifier: MIT */
/*
 * The baseline gate: were the requests planned in a window good and quick enough? Asked by the conductor while the
 * records still arrive, and again afterwards of the files. Latency counts from the planned send, good requests only.
 */
#include "harness/measure/measure.h"

#include "harness/base/units.h"
#include "harness/measure/rank.h"
#include "harness/measure/study.h"

#include <stdio.h>

struct baseline baseline_of(const struct sample *samples, size_t n, int64_t from_ns, int64_t to_ns)
{
    struct baseline b = {.from_ns = from_ns, .to_ns = to_ns, .p50_ns = -1, .p95_ns = -1, .p99_ns = -1};
    scoped_rank struct rank latencies = {0};
    for (size_t i = 0; i < n; i++) {
        const struct sample *x = &samples[i];
        if (x->kind != SAMPLE_REQUEST || x->planned_ns < from_ns || x->planned_ns >= to_ns)
            continue;
        b.intended++;
        int64_t latency;
        if (x->outcome != OUTCOME_GOOD || __builtin_sub_overflow(x->done_ns, x->planned_ns, &latency) || latency < 0 ||
            latency >= NS_LIMIT)
            continue; /* not good, or damage */
        b.good++;
        rank_add(&latencies, latency);
    }
    if (b.good) {
        b.p50_ns = rank_at(&latencies, 50);
        b.p95_ns = rank_at(&latencies, 95);
        b.p99_ns = rank_at(&latencies, 99);
    }
    return b;
}

bool baseline_met(const struct plan *plan, const struct baseline *b, char why[160])
{
    char unused[160];
    char *to = why ? why : unused;
    const struct {
        const char *name;
        int64_t is, limit;
    } quantiles[] = {{"p50", b->p50_ns, plan->baseline_p50_ns},
                     {"p95", b->p95_ns, plan->baseline_p95_ns},
                     {"p99", b->p99_ns, plan->baseline_p99_ns}};
    *to = '\0';
    if (b->intended == 0) {
        (void)snprintf(to, 160, "no request was planned in the window");
        return false;
    }
    if (b->good * (uint64_t)PPM < (uint64_t)plan->good_ratio_ppm * b->intended) {
        (void)snprintf(to, 160, "%.3f %% of %llu requests were good, %.3f %% are needed",
                       100.0 * (double)b->good / (double)b->intended, (unsigned long long)b->intended,
                       (double)plan->good_ratio_ppm / 1e4);
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (quantiles[i].limit <= 0 || (quantiles[i].is >= 0 && quantiles[i].is <= quantiles[i].limit))
            continue;
        (void)snprintf(to, 160, "%s is %.3f ms, the limit is %.3f ms", quantiles[i].name,
                       (double)quantiles[i].is / 1e6, (double)quantiles[i].limit / 1e6);
        return false;
    }
    return true;
}
