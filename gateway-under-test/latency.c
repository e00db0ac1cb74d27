/* SPDX-License-Identifier: MIT */
/*
 * Slots are as wide as a 32nd of the power of two that they are in; below 32 us one each.
 */
#include "gateway-under-test/latency.h"

#include "harness/base/text.h"

static size_t slot_of(int64_t us)
{
    uint64_t v = us > 0 ? (uint64_t)us : 0;
    if (v < LATENCY_PER_OCTAVE)
        return (size_t)v;
    unsigned octave = 63U - (unsigned)__builtin_clzll(v); /* 5 for 32 */
    size_t slot = (size_t)(octave - 4) * LATENCY_PER_OCTAVE + (size_t)((v >> (octave - 5)) & (LATENCY_PER_OCTAVE - 1));
    return slot < LATENCY_SLOTS ? slot : LATENCY_SLOTS - 1;
}

static int64_t slot_end(size_t slot)
{
    if (slot < LATENCY_PER_OCTAVE)
        return (int64_t)slot;
    unsigned shift = (unsigned)(slot / LATENCY_PER_OCTAVE) - 1;
    return (int64_t)(((slot % LATENCY_PER_OCTAVE + LATENCY_PER_OCTAVE + 1) << shift) - 1);
}

void latency_add(struct latency *l, int64_t us)
{
    l->slots[slot_of(us)]++;
    l->total++;
}

int64_t latency_quantile(const struct latency *l, int percent)
{
    int64_t rank = (l->total * percent + 99) / 100, seen = 0;
    for (size_t i = 0; i < LATENCY_SLOTS && rank > 0; i++) {
        seen += l->slots[i];
        if (seen >= rank)
            return slot_end(i);
    }
    return 0;
}

static const struct {
    int64_t us;
    const char *le;
} bounds[LATENCY_BOUNDS] = {{1000, "0.001"},   {2500, "0.0025"},  {5000, "0.005"},   {10000, "0.01"},
                            {25000, "0.025"},  {50000, "0.05"},   {100000, "0.1"},   {250000, "0.25"},
                            {500000, "0.5"},   {1000000, "1"},    {2500000, "2.5"},  {10000000, "10"}};

void latency_series_add(struct latency_series *s, int64_t us)
{
    size_t i = 0;
    while (i < LATENCY_BOUNDS && us > bounds[i].us)
        i++;
    if (i < LATENCY_BOUNDS)
        s->below[i]++;
    s->total++;
    s->sum_us += us;
}

void latency_series_print(const struct latency_series *s, struct text *out)
{
    int64_t so_far = 0;
    text_add(out, "# HELP drgateway_request_duration_seconds time from a whole request to its answer\n"
                  "# TYPE drgateway_request_duration_seconds histogram\n");
    for (size_t i = 0; i < LATENCY_BOUNDS; i++) {
        so_far += s->below[i];
        text_addf(out, "drgateway_request_duration_seconds_bucket{le=\"%s\"} %lld\n", bounds[i].le, (long long)so_far);
    }
    text_addf(out,
              "drgateway_request_duration_seconds_bucket{le=\"+Inf\"} %lld\n"
              "drgateway_request_duration_seconds_sum %.6f\ndrgateway_request_duration_seconds_count %lld\n",
              (long long)s->total, (double)s->sum_us / 1e6, (long long)s->total);
}
