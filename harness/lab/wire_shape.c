/* SPDX-License-Identifier: MIT */
/*
 * One packet, one throw, one fate, in the order in which netem decides, so that a word means the same with either:
 *
 *     mtu               a longer packet vanishes; so does the first of a connection where new ones are blocked
 *     loss              by the chain of lossy spells (shape.h), or each packet for itself
 *     stall             a packet that is not lost is held without an instant until the path is set to go on
 *     duplicate         independent of loss; a packet both lost and duplicated arrives once
 *     corrupt           one bit of a copy is flipped
 *     reorder           a copy skips the delay and so overtakes what waits; at least gap - 1 others come between two
 *     rate              packets go through a narrow place one after the other, then are delayed; they keep their order
 *     delay, jitter     the spread of shape.h, not below zero; each copy has its own draw. A draw that leans on the one
 *                       before is their weighted mean, as netem reckons it
 *
 * How many wait already, and hence how much room the limit leaves, is known to who holds them.
 */
#include "harness/lab/wire_shape.h"

#include "harness/base/units.h"

#include <stdio.h>

enum {
    AT_TYPE = 12,
    AT_FRAGMENT = 20,
    AT_PROTOCOL = 23,
    AT_FLAGS = 13,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    SYN = 0x02,
    ACK = 0x10
};

/* Where the header behind that of IPv4 begins; 0: there is none in this frame. */
static size_t transport_at(const unsigned char *frame, size_t len)
{
    if (len <= AT_PROTOCOL || frame[AT_TYPE] != 0x08 || frame[AT_TYPE + 1] != 0x00) {
        return 0;
    }
    bool later_fragment = (frame[AT_FRAGMENT] & 0x1f) != 0 || frame[AT_FRAGMENT + 1] != 0;
    return later_fragment ? 0 : WIRE_HEADER_BYTES + 4u * (frame[WIRE_HEADER_BYTES] & 0x0fu);
}

bool wire_opens_connection(const unsigned char *frame, size_t len)
{
    size_t at = transport_at(frame, len);
    return at && frame[AT_PROTOCOL] == PROTOCOL_TCP && at + AT_FLAGS < len &&
           (frame[at + AT_FLAGS] & (SYN | ACK)) == SYN;
}

bool wire_is_of_port(const unsigned char *frame, size_t len, uint16_t port)
{
    size_t at = transport_at(frame, len);
    bool has_ports = at && at + 4 <= len && (frame[AT_PROTOCOL] == PROTOCOL_TCP || frame[AT_PROTOCOL] == PROTOCOL_UDP);
    return has_ports && ((frame[at] << 8 | frame[at + 1]) == port || (frame[at + 2] << 8 | frame[at + 3]) == port);
}

struct copy_throw {
    uint64_t reorder, corrupt, bit, jitter;
};

struct throw {
    uint64_t loss, spell, duplicate;
    struct copy_throw copy[2];
};

void wire_shaper_init(struct wire_shaper *s, uint64_t seed, uint16_t path, uint16_t port)
{
    char name[32];
    snprintf(name, sizeof(name), port ? "wire/path-%u/%u" : "wire/path-%u", path, port);
    *s = (struct wire_shaper){.leaning = 0.5};
    rng_init(&s->dice, seed, name);
}

void wire_shaper_set(struct wire_shaper *s, const struct path_state *shape)
{
    s->shape = *shape;
    s->shape.cut = false;
    s->in_bursts = shape_chain(&s->shape, &s->chain);
    s->spell = s->spell && s->in_bursts;
}

static struct throw throw_dice(struct rng *dice)
{
    struct throw t;
    t.loss = rng_next(dice);
    t.spell = rng_next(dice);
    t.duplicate = rng_next(dice);
    for (int i = 0; i < 2; i++) {
        t.copy[i].reorder = rng_next(dice);
        t.copy[i].corrupt = rng_next(dice);
        t.copy[i].bit = rng_next(dice);
        t.copy[i].jitter = rng_next(dice);
    }
    return t;
}

/* In (0, 1). */
static double unit(uint64_t die)
{
    return ((double)(die >> 11) + 0.5) * 0x1p-53;
}

static bool hit(uint64_t die, int64_t ppm)
{
    return unit(die) * (double)PPM < (double)ppm;
}

static bool loses(struct wire_shaper *s, const struct throw *t)
{
    if (!s->in_bursts) {
        return hit(t->loss, s->shape.loss_ppm);
    }
    const struct shape_chain *c = &s->chain;
    bool lost = unit(t->loss) < (s->spell ? c->within : c->calm);
    bool changes = unit(t->spell) < (s->spell ? c->end : c->begin);
    s->spell = s->spell != changes;
    return lost;
}

static bool skips_delay(struct wire_shaper *s, uint64_t die)
{
    const struct path_state *p = &s->shape;
    if (s->since_early + 1 < p->reorder_gap || !hit(die, p->reorder_ppm)) {
        s->since_early++;
        return false;
    }
    s->since_early = 0;
    return true;
}

static int64_t delay_of(struct wire_shaper *s, uint64_t die)
{
    const struct path_state *p = &s->shape;
    double lean = (double)p->jitter_correlation_ppm / (double)PPM;
    s->leaning = (1 - lean) * unit(die) + lean * s->leaning;
    if (p->jitter_ns == 0) {
        return p->delay_ns;
    }
    int64_t ns = p->delay_ns + (int64_t)(shape_spread(p->spread, s->leaning) * (double)p->jitter_ns);
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
    int64_t delay = early ? 0 : delay_of(s, die);
    if (p->stalled) {
        return INT64_MAX;
    }
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

static struct wire_copy copy_of(struct wire_shaper *s, const struct copy_throw *t, int64_t arrived_ns, size_t len)
{
    struct wire_copy c = {.early = skips_delay(s, t->reorder), .corrupt = hit(t->corrupt, s->shape.corrupt_ppm),
                          .bit = t->bit};
    c.due_ns = due(s, arrived_ns, len, c.early, t->jitter);
    return c;
}

static bool too_long(const struct path_state *p, size_t len)
{
    return p->mtu_bytes > 0 && len > (size_t)p->mtu_bytes + WIRE_HEADER_BYTES;
}

struct wire_fate wire_shaper_decide(struct wire_shaper *s, int64_t arrived_ns, size_t len, size_t room)
{
    struct throw t = throw_dice(&s->dice);
    struct wire_fate f = {.lost = loses(s, &t), .duplicated = hit(t.duplicate, s->shape.duplicate_ppm)};
    unsigned wanted = 1u + f.duplicated - f.lost;
    if (too_long(&s->shape, len)) {
        f = (struct wire_fate){.lost = 1};
        wanted = 0;
    }
    while (f.copies < wanted && f.copies < room) {
        f.copy[f.copies] = copy_of(s, &t.copy[f.copies], arrived_ns, len);
        f.copies++;
    }
    f.turned_away = wanted - f.copies;
    return f;
}
