/* SPDX-License-Identifier: MIT */
/*
 * Every endpoint is asked GET /readyz each probe_every, on a fresh connection, with probe_timeout. Probes leave by
 * an absolute schedule of their own and do not wait for each other. First probes are spread over the period, seeded,
 * so that vantages do not ask in step. Probes are no requests of the plan: they leave no sample, only what they
 * change does.
 *
 * A probe that could not leave this process says nothing about the endpoint and is not counted.
 */
#include "harness/load/worker_parts.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stddef.h>
#include <stdlib.h>

struct probing {
    struct flight flight;
    struct probe *probe;
};

static void on_landed(struct flight *f, const struct exchange_answer *a)
{
    struct probing *q = (struct probing *)f; /* flight is its first member */
    struct probe *p = q->probe;
    free(q);
    struct worker *w = p->worker;
    bool ready = a->code == 0 && a->status == 200;
    if (!a->local_error && endpoints_probe(&w->endpoints, p->endpoint, !ready, loop_now(w->loop))) {
        worker_note_switch(w);
    }
    worker_landed(w);
}

static void send_probe(struct probe *p)
{
    struct worker *w = p->worker;
    const struct endpoint *to = &w->endpoints.at[p->endpoint];
    struct probing *q = xcalloc(1, sizeof(*q));
    q->flight.landed = on_landed;
    q->probe = p;
    struct exchange_request r = {
        .fresh = true,
        .address = to->address,
        .port = w->config.http_port,
        .endpoint = to->node,
        .target = "/readyz",
        .nonce = rng_next(&p->rng),
        .timeout_ns = w->endpoints.rules->probe_timeout_ns,
    };
    struct err e = {0};
    if (flight_launch(&q->flight, &w->flights, w->transport, &r, &e) != 0) {
        worker_fail(w, &e);
        free(q);
    }
}

static void on_due(struct loop_timer *timer, int64_t now)
{
    struct probe *p = (struct probe *)(void *)((char *)timer - offsetof(struct probe, timer));
    struct worker *w = p->worker;
    send_probe(p);
    int64_t every = w->endpoints.rules->probe_every_ns;
    int64_t missed = (now - timer->at) / every; /* a stalled loop does not make up for probes */
    loop_timer_set(w->loop, timer, timer->at + (missed + 1) * every);
}

void probes_open(struct worker *w)
{
    const struct plan *plan = w->config.plan;
    int64_t every = w->endpoints.rules->probe_every_ns;
    w->probes = xcalloc(w->endpoints.count, sizeof(*w->probes));
    for (size_t i = 0; i < w->endpoints.count && every > 0; i++) {
        struct probe *p = &w->probes[i];
        p->worker = w;
        p->endpoint = i;
        p->timer.due = on_due;
        scoped_text struct text consumer = {0};
        text_addf(&consumer, "probe/%s/%zu", plan->topology->sites[w->config.vantage].name, i);
        rng_init(&p->rng, plan->seed, text_str(&consumer));
        loop_timer_set(w->loop, &p->timer, loop_now(w->loop) + (int64_t)rng_below(&p->rng, (uint64_t)every));
    }
}

void probes_stop(struct worker *w)
{
    for (size_t i = 0; w->probes && i < w->endpoints.count; i++) {
        loop_timer_stop(&w->probes[i].timer);
    }
}

void probes_close(struct worker *w)
{
    probes_stop(w);
    free(w->probes);
    w->probes = NULL;
}
