/* SPDX-License-Identifier: MIT */
/*
 * Losses in bursts are held as share, mean length of a spell, and the shares within and between spells: numbers that
 * can be measured from outside. The chain follows from them. With pi the share of packets that meet a spell,
 *
 *     loss = calm + (within - calm) * pi,   pi = begin / (begin + end),   end = 1 / mean length
 *
 * Merging with independent losses of chance q turns each of loss, within, calm into 1 - (1 - x)(1 - q) and leaves pi,
 * so one burst and any number of plain losses are again one chain, exactly.
 *
 * A loss with lag-1 correlation c is the chain that loses all within spells and none between: after a loss the next is
 * lost with p + c(1 - p), so a spell ends with (1 - p)(1 - c). (netem's own correlated loss is another thing: it
 * averages random numbers, which narrows them and misses the share. See docs/decisions/0015-*.)
 *
 * Spreads are quantile functions, so that one table serves every mechanism. The normal one inverts the error function
 * by Newton steps from a rough start; the Pareto one has the shape 3 (mean 3/2, variance 3/4) and is moved and scaled
 * to mean 0 and deviation 1. Both are cut at 4, and the little that the cut moves the mean of Pareto is put back.
 */
#include "harness/lab/shape.h"

#include "harness/base/units.h"
#include "harness/lab/gate.h"
#include "harness/lab/lane.h"

#include <math.h>
#include <stdlib.h>

#define SPREAD_CUT 4.0
#define BUCKET_NS (20 * NS_PER_MS)
#define BUCKET_BYTES_MIN 3028 /* a full packet is 1514 */
#define BUCKET_BYTES_MAX 65536

static double chance(int64_t ppm)
{
    return (double)ppm / (double)PPM;
}

static int64_t in_ppm(double p)
{
    return llround(p * (double)PPM);
}

/* Two independent chances, as one. */
static double either(double p, double q)
{
    return 1 - (1 - p) * (1 - q);
}

/* 0 is no bound at all. */
static int64_t narrower(int64_t a, int64_t b)
{
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

static void add_loss(struct shape_sum *sum, const struct path_state *w)
{
    double loss = chance(w->loss_ppm);
    sum->loss = either(sum->loss, loss);
    if (w->burst_milli > sum->burst.burst_milli) {
        sum->plain = either(sum->plain, chance(sum->burst.loss_ppm));
        sum->burst = *w;
    } else {
        sum->plain = either(sum->plain, loss);
    }
}

void shape_add(struct shape_sum *sum, const struct path_state *w)
{
    struct path_state *t = &sum->total;
    t->cut = t->cut || w->cut;
    t->down = t->down || w->down;
    t->block_new = t->block_new || w->block_new;
    t->stalled = t->stalled || w->stalled;
    t->delay_ns += w->delay_ns;
    t->jitter_ns += w->jitter_ns;
    if (w->jitter_ns > sum->widest_jitter_ns) {
        sum->widest_jitter_ns = w->jitter_ns;
        t->spread = w->spread;
        t->jitter_correlation_ppm = w->jitter_correlation_ppm;
    }
    add_loss(sum, w);
    sum->duplicate = either(sum->duplicate, chance(w->duplicate_ppm));
    sum->corrupt = either(sum->corrupt, chance(w->corrupt_ppm));
    if (w->reorder_ppm > 0) {
        sum->reorder = either(sum->reorder, chance(w->reorder_ppm));
        t->reorder_gap = narrower(t->reorder_gap, w->reorder_gap > 0 ? w->reorder_gap : 1);
    }
    t->rate_bps = narrower(t->rate_bps, w->rate_bps);
    t->limit_packets = narrower(t->limit_packets, w->limit_packets);
    t->mtu_bytes = narrower(t->mtu_bytes, w->mtu_bytes);
    gates_add(t, w);
    lanes_add(t, w);
}

struct path_state shape_total(const struct shape_sum *sum)
{
    struct path_state t = sum->total;
    t.loss_ppm = in_ppm(sum->loss);
    t.duplicate_ppm = in_ppm(sum->duplicate);
    t.corrupt_ppm = in_ppm(sum->corrupt);
    t.reorder_ppm = in_ppm(sum->reorder);
    gates_hide(&t);
    if (sum->burst.burst_milli > 0) {
        t.burst_milli = sum->burst.burst_milli;
        t.burst_loss_ppm = in_ppm(either(sum->plain, chance(sum->burst.burst_loss_ppm)));
        t.calm_loss_ppm = in_ppm(either(sum->plain, chance(sum->burst.calm_loss_ppm)));
    }
    return t;
}

static int64_t gap(const struct path_state *s)
{
    return s->reorder_ppm == 0 ? 0 : s->reorder_gap > 0 ? s->reorder_gap : 1;
}

static bool same_delay(const struct path_state *a, const struct path_state *b)
{
    return a->delay_ns == b->delay_ns && a->jitter_ns == b->jitter_ns &&
           (a->jitter_ns == 0 || (a->spread == b->spread && a->jitter_correlation_ppm == b->jitter_correlation_ppm));
}

static bool same_loss(const struct path_state *a, const struct path_state *b)
{
    return a->cut ||
           (a->loss_ppm == b->loss_ppm && a->burst_milli == b->burst_milli &&
            (a->burst_milli == 0 || (a->burst_loss_ppm == b->burst_loss_ppm && a->calm_loss_ppm == b->calm_loss_ppm)));
}

bool shape_same(const struct path_state *a, const struct path_state *b)
{
    return a->cut == b->cut && a->down == b->down && a->block_new == b->block_new && a->stalled == b->stalled &&
           gates_same(a, b) && lanes_same(a, b) && same_delay(a, b) && same_loss(a, b) &&
           a->duplicate_ppm == b->duplicate_ppm && a->corrupt_ppm == b->corrupt_ppm &&
           a->reorder_ppm == b->reorder_ppm && gap(a) == gap(b) && a->rate_bps / 8 == b->rate_bps / 8 &&
           a->limit_packets == b->limit_packets && a->mtu_bytes == b->mtu_bytes;
}

bool shape_chain(const struct path_state *s, struct shape_chain *chain)
{
    if (s->burst_milli <= 0) {
        return false;
    }
    double within = chance(s->burst_loss_ppm), calm = chance(s->calm_loss_ppm);
    double pi = within > calm ? (chance(s->loss_ppm) - calm) / (within - calm) : 0;
    double end = 1000.0 / (double)s->burst_milli;
    double begin = pi <= 0 ? 0 : pi >= 1 ? 1 : fmin(1, end * pi / (1 - pi));
    *chain = (struct shape_chain){.begin = begin, .end = fmin(1, end), .within = within, .calm = calm};
    return true;
}

void shape_from_chain(struct path_state *s, const struct shape_chain *c)
{
    double pi = c->begin + c->end > 0 ? c->begin / (c->begin + c->end) : 0;
    s->loss_ppm = in_ppm(c->calm + (c->within - c->calm) * pi);
    s->burst_milli = c->end > 0 ? llround(1000 / c->end) : 0;
    s->burst_loss_ppm = in_ppm(c->within);
    s->calm_loss_ppm = in_ppm(c->calm);
}

double shape_lumps(const struct path_state *s)
{
    struct shape_chain c;
    double loss = chance(s->loss_ppm);
    if (!shape_chain(s, &c) || loss <= 0 || loss >= 1) {
        return 1;
    }
    double pi = c.begin / (c.begin + c.end), stays = 1 - c.begin - c.end; /* correlation of the state, per packet */
    double between = (c.within - c.calm) * (c.within - c.calm) * pi * (1 - pi);
    return fmax(1, 1 + 2 * between * stays / (1 - stays) / (loss * (1 - loss)));
}

int64_t shape_bucket_bytes(int64_t rate_bps)
{
    int64_t bytes = (int64_t)((double)rate_bps / 8 * (double)BUCKET_NS / (double)NS_PER_S);
    return rate_bps == 0 || bytes > BUCKET_BYTES_MAX ? BUCKET_BYTES_MAX
           : bytes < BUCKET_BYTES_MIN                ? BUCKET_BYTES_MIN
                                                     : bytes;
}

int64_t shape_correlated_burst(int64_t loss_ppm, int64_t correlation_ppm)
{
    double end = (1 - chance(loss_ppm)) * (1 - chance(correlation_ppm));
    return end > 0 ? llround(1000 / end) : INT64_MAX;
}

int64_t shape_shortest_burst(const struct path_state *s)
{
    double within = chance(s->burst_loss_ppm), calm = chance(s->calm_loss_ppm), loss = chance(s->loss_ppm);
    if (loss < calm || loss >= within) {
        return INT64_MAX;
    }
    double pi = (loss - calm) / (within - calm);
    return llround(fmax(1000, ceil(1000 * pi / (1 - pi) - 1e-6))); /* begin is 1: each calm packet starts a spell */
}

/* The standard normal quantile by Newton's method; the start is good enough for it to settle over the whole range. */
static double normal(double u)
{
    double x = 0;
    for (int i = 0; i < 40; i++) {
        double step = (0.5 * erfc(-x * M_SQRT1_2) - u) / (exp(-x * x / 2) * M_2_SQRTPI * M_SQRT1_2 / 2);
        x -= fmax(-1, fmin(1, step));
    }
    return x;
}

static double pareto(double u)
{
    static const double mean = 1.5, deviation = 0.86602540378443865; /* sqrt(3/4) */
    double cut_at = mean + SPREAD_CUT * deviation;
    double cut_off = 1 / (2 * cut_at * cut_at); /* what the mean loses by the cut: the integral of x^-3 beyond it */
    return (fmin(pow(1 - u, -1.0 / 3), cut_at) - mean + cut_off) / deviation;
}

double shape_spread(enum path_spread spread, double u)
{
    switch (spread) {
    case SPREAD_UNIFORM:
        return 2 * u - 1;
    case SPREAD_NORMAL:
        return fmax(-SPREAD_CUT, fmin(SPREAD_CUT, normal(u)));
    case SPREAD_PARETO:
        return fmin(SPREAD_CUT, pareto(u));
    }
    abort();
}
