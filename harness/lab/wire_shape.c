/* SPDX-License-Identifier: MIT */
/*
 * One packet, one throw, one fate, in the order in which netem decides, so that the two mean the same by a word:
 *
 *     duplicate, loss   independent of each other; a packet both lost and duplicated arrives once
 *     corrupt           one bit of the packet is flipped
 *     reorder           the packet skips the delay, and so overtakes what waits
 *     rate              packets are sent one after the other through a narrow place, then delayed; they keep their order
 *     delay, jitter     uniform in [delay - jitter, delay + jitter], not below zero; each copy has its own
 */
#include "harness/lab/wire_shape.h"

#include "harness/base/units.h"

#include <stdio.h>

struct copy_throw {
    uint64_t reorder, corrupt, bit, jitter;
};

struct throw {
    uint64_t loss, duplicate;
    struct copy_throw copy[2];
};

void wire_shaper_init(struct wire_shaper *s, uint64_t seed, uint16_t path)
{
    char name[32];
    snprintf(name, sizeof(name), "wire/path-%u", path);
    *s = (struct wire_shaper){0};
    rng_init(&s->dice, seed, name);
}

void wire_shaper_set(struct wire_shaper *s, const struct path_state *shape)
{
    s->shape = *shape;
    s->shape.cut = false;
}

static struct throw throw_dice(struct rng *dice)
{
    struct throw t;
    t.loss = rng_next(dice);
    t.duplicate = rng_next(dice);
    for (int i = 0; i < 2; i++) {
        t.copy[i].reorder = rng_next(dice);
        t.copy[i].corrupt = rng_next(dice);
        t.copy[i].bit = rng_next(dice);
        t.copy[i].jitter = rng_next(dice);
    }
    return t;
}

static double unit(uint64_t die)
{
    return (double)(die >> 11) * 0x1p-53;
}

static bool hit(uint64_t die, int64_t ppm)
{
    return unit(die) * (double)PPM < (double)ppm;
}

static bool loses(struct wire_shaper *s, uint64_t die)
{
    s->lost = hit(die, s->shape.loss_ppm);
    return s->lost;
}

static int64_t delay_of(const struct path_state *p, uint64_t die)
{
    int64_t ns = p->delay_ns + (int64_t)((2 * unit(die) - 1) * (double)p->jitter_ns);
    return ns > 0 ? ns : 0;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How long the packet keeps the narrow place busy. */
static int64_t passage(int64_t rate_bps, size_t len)
{
    return (int64_t)((double)len * 8 * (double)NS_PER_S / (double)rate_bps);
}

static int64_t due(struct wire_shaper *s, int64_t arrived_ns, size_t len, bool early, uint64_t die)
{
    const struct path_state *p = &s->shape;
    int64_t delay = early ? 0 : delay_of(p, die);
    if (p->rate_bps == 0) {
        return arrived_ns + delay;
    }
    s->free_ns = later(s->free_ns, arrived_ns) + passage(p->rate_bps, len);
    if (early) {
        return s->free_ns;
    }
    s->last_due_ns = later(s->last_due_ns, s->free_ns + delay);
    return s->last_due_ns;
}

struct wire_fate wire_shaper_decide(struct wire_shaper *s, int64_t arrived_ns, size_t len)
{
    const struct path_state *p = &s->shape;
    struct throw t = throw_dice(&s->dice);
    struct wire_fate f = {.copies = hit(t.duplicate, p->duplicate_ppm) ? 2 : 1};
    f.copies -= loses(s, t.loss);
    for (unsigned i = 0; i < f.copies; i++) {
        const struct copy_throw *c = &t.copy[i];
        struct wire_copy *to = &f.copy[i];
        to->early = hit(c->reorder, p->reorder_ppm);
        to->corrupt = hit(c->corrupt, p->corrupt_ppm);
        to->bit = c->bit;
        to->due_ns = due(s, arrived_ns, len, to->early, c->jitter);
    }
    return f;
}
