/* SPDX-License-Identifier: MIT */
/*
 * Patrols: open loop like the streams, but each asks one gateway whatever becomes of it, shows what one caller shows,
 * and says nothing about how the service is. The first request of each falls at its own place within the interval, so
 * that the gateways are asked in turn. A patrol never blames an endpoint and never moves the customers.
 */
#include "harness/load/worker_parts.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/load/outcome.h"

#include <stdlib.h>

struct patrol {
    struct worker *worker;
    const struct plan_patrol *plan;
    const char *address;
    uint16_t index; /* in the plan */
    struct loop_timer timer;
    struct rng rng; /* nonces */
    int64_t first_ns;
    uint64_t sent;
};

struct visit {
    struct flight flight;
    struct patrol *patrol;
    struct sample sample;
};

static void conclude(struct visit *v, struct outcome_ruling ruling)
{
    struct worker *w = v->patrol->worker;
    v->sample.outcome = (uint8_t)ruling.outcome;
    v->sample.flags = ruling.flags;
    samples_add(w->samples, &v->sample);
    free(v);
}

static void on_landed(struct flight *f, const struct exchange_answer *a)
{
    struct visit *v = (struct visit *)f; /* flight is its first member */
    struct worker *w = v->patrol->worker;
    v->sample.status = (uint16_t)a->status;
    v->sample.sent_ns = worker_run_time(w, a->sent_ns);
    v->sample.done_ns = worker_run_time(w, a->done_ns);
    v->sample.code = a->code;
    v->sample.bytes = (uint32_t)a->body_len;
    int64_t latency_ns = v->sample.done_ns - v->sample.planned_ns;
    struct outcome_ruling ruling =
        outcome_rule(a, false, CONTENT_SILENT, latency_ns, v->patrol->plan->stream.timeout_ns);
    v->sample.sent_ns = ruling.outcome == OUTCOME_UNSENT ? 0 : v->sample.sent_ns;
    conclude(v, ruling);
    worker_landed(w);
}

static void visit(struct patrol *p, int64_t due_ns)
{
    struct worker *w = p->worker;
    const struct plan_stream *s = &p->plan->stream;
    struct visit *v = xcalloc(1, sizeof(*v));
    struct err e = {0};
    v->flight.landed = on_landed;
    v->patrol = p;
    v->sample = (struct sample){.kind = SAMPLE_PATROL,
                                .stream = p->index,
                                .k = p->sent++,
                                .planned_ns = worker_run_time(w, due_ns),
                                .key = UINT16_MAX,
                                .endpoint = p->plan->gateway,
                                .region = TOPO_NONE};
    struct exchange_request r = {.fresh = true,
                                 .address = p->address,
                                 .port = w->config.http_port,
                                 .endpoint = p->plan->gateway,
                                 .target = s->path,
                                 .nonce = rng_next(&p->rng),
                                 .timeout_ns = s->timeout_ns};
    if (wallet_show(&w->wallet, p->plan->who, loop_now(w->loop), &r, &e) != 0 ||
        flight_launch(&v->flight, &w->flights, w->transport, &r, &e) != 0) {
        worker_fail(w, &e);
        v->sample.done_ns = worker_run_time(w, loop_now(w->loop));
        conclude(v, outcome_unsent(false));
    }
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct patrol *p = (struct patrol *)(void *)((char *)t - offsetof(struct patrol, timer));
    const struct plan_stream *s = &p->plan->stream;
    int64_t due_ns = plan_due_ns(s, p->first_ns, p->sent);
    for (; due_ns <= now; due_ns = plan_due_ns(s, p->first_ns, p->sent)) {
        visit(p, due_ns);
    }
    loop_timer_set(p->worker->loop, t, due_ns);
}

static const char *address_of(const struct worker *w, uint16_t gateway)
{
    size_t at = 0;
    while (w->endpoints.at[at].node != gateway) {
        at++;
    }
    return w->endpoints.at[at].address;
}

void patrols_open(struct worker *w)
{
    const struct plan *plan = w->config.plan;
    w->patrols = xcalloc(plan->patrol_count, sizeof(*w->patrols));
    for (size_t i = 0; i < plan->patrol_count; i++) {
        const struct plan_patrol *from = &plan->patrols[i];
        if (from->stream.vantage != w->config.vantage) {
            continue;
        }
        struct patrol *p = &w->patrols[w->patrol_count++];
        *p = (struct patrol){.worker = w,
                             .plan = from,
                             .address = address_of(w, from->gateway),
                             .index = (uint16_t)i,
                             .timer.due = on_due};
        scoped_text struct text consumer = {0};
        text_addf(&consumer, "patrol/%zu", i);
        rng_init(&p->rng, plan->seed, text_str(&consumer));
    }
}

void patrols_close(struct worker *w)
{
    patrols_stop(w);
    free(w->patrols);
    w->patrols = NULL;
    w->patrol_count = 0;
}

void patrols_start(struct worker *w, int64_t start_ns)
{
    for (size_t i = 0; i < w->patrol_count; i++) {
        struct patrol *p = &w->patrols[i];
        int64_t turn = (int64_t)i * plan_interval_ns(&p->plan->stream) / (int64_t)w->patrol_count;
        p->first_ns = start_ns + turn;
        loop_timer_set(w->loop, &p->timer, p->first_ns);
    }
}

void patrols_stop(struct worker *w)
{
    for (size_t i = 0; i < w->patrol_count; i++) {
        loop_timer_stop(&w->patrols[i].timer);
    }
}
