/* SPDX-License-Identifier: MIT */
/*
 * One flight at a time. The next one leaves a gap after the last one left, or at once when its answer took longer than
 * that: while nothing answers, that is one request per time-out.
 */
#include "harness/selftest/closed_loop.h"
#include "harness/base/arena.h"
#include "harness/base/rng.h"
#include "harness/base/vec.h"
#include "harness/load/flight.h"
#include <stdlib.h>

struct closed_probe {
    int64_t sent_ns;
    bool good;
};

struct closed_loop {
    struct closed_loop_config config;
    struct loop *loop;
    struct transport *transport;
    struct loop_timer timer;
    struct flights flights;
    struct rng nonces;
    bool stopped;
    vec_of(struct closed_probe) probes;
};

struct closed_flight {
    struct flight flight;
    struct closed_loop *home;
};

static void landed(struct flight *f, const struct exchange_answer *a)
{
    struct closed_flight *q = (struct closed_flight *)f; /* flight is its first member */
    struct closed_loop *c = q->home;
    free(q);
    bool good = a->code == 0 && a->status == 200 && a->nonce_ok && a->check_ok;
    *vec_push(&c->probes) = (struct closed_probe){a->sent_ns, good};
    int64_t next = a->sent_ns + c->config.gap_ns, now = loop_now(c->loop);
    if (!c->stopped)
        loop_timer_set(c->loop, &c->timer, next > now ? next : now);
}

static void send_next(struct loop_timer *t, int64_t now)
{
    struct closed_loop *c = (struct closed_loop *)(void *)((char *)t - offsetof(struct closed_loop, timer));
    struct closed_flight *q = xcalloc(1, sizeof(*q));
    q->flight.landed = landed;
    q->home = c;
    struct exchange_request r = {.fresh = true, .address = c->config.address, .port = c->config.port,
                                 .target = c->config.target, .nonce = rng_next(&c->nonces),
                                 .timeout_ns = c->config.timeout_ns};
    if (flight_launch(&q->flight, &c->flights, c->transport, &r, NULL) != 0) {
        free(q);
        loop_timer_set(c->loop, t, now + c->config.gap_ns);
    }
}

void closed_loop_new(struct closed_loop **out, const struct closed_loop_config *config, struct loop *l,
                     struct transport *t)
{
    struct closed_loop *c = xcalloc(1, sizeof(*c));
    c->config = *config;
    c->loop = l;
    c->transport = t;
    c->timer.due = send_next;
    rng_init(&c->nonces, config->seed, "closed-loop");
    loop_timer_set(l, &c->timer, loop_now(l));
    *out = c;
}

void closed_loop_stop(struct closed_loop *c)
{
    c->stopped = true;
    loop_timer_stop(&c->timer);
}

bool closed_loop_idle(const struct closed_loop *c)
{
    return c->flights.count == 0;
}

void closed_loop_free(struct closed_loop *c)
{
    if (!c)
        return;
    closed_loop_stop(c);
    flights_abandon(&c->flights);
    vec_deinit(&c->probes);
    free(c);
}

struct closed_loop_count closed_loop_count(const struct closed_loop *c, int64_t from_ns, int64_t to_ns)
{
    struct closed_loop_count n = {0};
    for (size_t i = 0; i < c->probes.len; i++) {
        if (c->probes.at[i].sent_ns < from_ns || c->probes.at[i].sent_ns >= to_ns)
            continue;
        n.all++;
        n.bad += !c->probes.at[i].good;
    }
    return n;
}
