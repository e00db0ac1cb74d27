/* SPDX-License-Identifier: MIT */
/*
 * New customers, open loop: request k is due at start + k / rate whatever became of the others, on a connection of its
 * own. They are naive on purpose: they go to the first gateway of their list, and on to the next one after as many
 * failures in a row as the clients' rules allow; a failed request is made again at once, as often as `retries` says; a
 * herd's request that failed for good waits, and all that wait (a thousand at most) come back in the instant in which a
 * fault is healed.
 *
 * A request that is due and cannot be handed over is counted as unsent and not made up for: it was planned and did not
 * come.
 */
#include "harness/load/surge.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/load/endpoints.h"
#include "harness/load/flight.h"
#include "harness/load/outcome.h"
#include "harness/load/surge_slow.h"
#include "harness/load/wallet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 16, SHARE = 64, HERD_MAX = 1000 }; /* SHARE: of a backlog, before answers are looked at again */

struct surge {
    struct surge_config config;
    struct loop *loop;
    struct transport *transport;
    struct endpoints endpoints; /* for its list; who is next is ours to say */
    struct wallet wallet;
    struct flights flights;
    struct loop_timer timer;
    struct plan_stream paper; /* so that plan_due_ns tells when */
    struct slow_clients *slow;
    struct rng rng;
    struct surge_tally tally;
    int64_t start_ns;
    int64_t failures_in_a_row;
    bool started, stopped;
};

struct visit {
    struct flight flight;
    struct surge *surge;
    int64_t retries_left;
    bool came_back; /* a member of the herd */
};

static void attempt(struct visit *v);

size_t surge_max_in_flight(const struct plan_step *step)
{
    const struct surge_wish *w = &step->action.surge;
    double one = (double)w->rate_micro / 1e6 * (double)w->timeout_ns / 1e9;
    return (size_t)(one * (double)(1 + w->retries)) + (w->herd ? HERD_MAX : 0) + SHARE;
}

static const struct surge_wish *wish_of(const struct surge *s)
{
    return &s->config.step->action.surge;
}

static void ended(struct visit *v, bool good)
{
    struct surge *s = v->surge;
    s->tally.good += good;
    s->tally.bad += !good;
    s->tally.waiting += !good && wish_of(s)->herd && !v->came_back && !s->stopped && s->tally.waiting < HERD_MAX;
    free(v);
}

static void on_landed(struct flight *f, const struct exchange_answer *a)
{
    struct visit *v = (struct visit *)f; /* flight is its first member */
    struct surge *s = v->surge;
    struct outcome_ruling r = outcome_rule(a, false, CONTENT_SILENT, a->done_ns - a->sent_ns, wish_of(s)->timeout_ns);
    bool good = r.outcome == OUTCOME_GOOD;
    s->tally.unsent += r.outcome == OUTCOME_UNSENT;
    s->failures_in_a_row = outcome_blames_endpoint(r.outcome, a->status) ? s->failures_in_a_row + 1 : 0;
    if (s->failures_in_a_row >= s->endpoints.rules->unhealthy_after) {
        s->endpoints.current = (s->endpoints.current + 1) % s->endpoints.count;
        s->failures_in_a_row = 0;
    }
    if (!good && v->retries_left > 0 && !s->stopped) {
        v->retries_left--;
        attempt(v);
    } else {
        ended(v, good);
    }
}

static void attempt(struct visit *v)
{
    struct surge *s = v->surge;
    char target[160];
    struct err e = {0};
    const struct endpoint *to = &s->endpoints.at[s->endpoints.current];
    snprintf(target, sizeof(target), "%.120s?key=k%u", wish_of(s)->path, (unsigned)rng_below(&s->rng, KEYS));
    struct exchange_request r = {.fresh = true,
                                 .address = to->address,
                                 .port = s->config.http_port,
                                 .endpoint = to->node,
                                 .target = target,
                                 .nonce = rng_next(&s->rng),
                                 .timeout_ns = wish_of(s)->timeout_ns};
    s->tally.sent++;
    if (wallet_show(&s->wallet, CALLER_CUSTOMER, loop_now(s->loop), &r, &e) != 0 ||
        flight_launch(&v->flight, &s->flights, s->transport, &r, &e) != 0) {
        s->tally.sent--;
        s->tally.unsent++;
        ended(v, false);
    }
}

static void visit(struct surge *s, bool came_back)
{
    struct visit *v = xcalloc(1, sizeof(*v));
    *v = (struct visit){
        .flight.landed = on_landed, .surge = s, .retries_left = wish_of(s)->retries, .came_back = came_back};
    attempt(v);
}

static int64_t next_due(const struct surge *s)
{
    return plan_due_ns(&s->paper, s->start_ns, s->tally.offered);
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct surge *s = (struct surge *)(void *)((char *)t - offsetof(struct surge, timer));
    for (size_t i = 0; i < SHARE && next_due(s) <= now; i++) {
        s->tally.offered++;
        visit(s, false);
    }
    loop_timer_set(s->loop, t, next_due(s));
}

/* How many are due by an instant: the smallest k whose due instant lies beyond it. */
static uint64_t due_by(const struct surge *s, int64_t at_ns)
{
    uint64_t k = s->tally.offered;
    while (s->paper.rate_micro > 0 && plan_due_ns(&s->paper, s->start_ns, k) <= at_ns) {
        k++;
    }
    return k;
}

int surge_new(struct surge **out, const struct surge_config *c, struct loop *l, struct transport *t, struct err *e)
{
    if (c->plan->topology->endpoint_count == 0) {
        return err_set(e, ERR_DEFECT, "load", "the topology has no endpoint");
    }
    struct surge *s = xcalloc(1, sizeof(*s));
    char consumer[96];
    s->config = *c;
    s->loop = l;
    s->transport = t;
    s->timer.due = on_due;
    s->paper.rate_micro = c->step->action.surge.rate_micro;
    endpoints_init(&s->endpoints, c->plan->topology, c->addresses);
    wallet_init(&s->wallet, c->plan->topology, c->token_key);
    snprintf(consumer, sizeof(consumer), "surge/%u/%.60s", (unsigned)c->step->id,
             c->plan->topology->sites[c->vantage].name);
    rng_init(&s->rng, c->plan->seed, consumer);
    *out = s;
    return 0;
}

void surge_free(struct surge *s)
{
    if (!s) {
        return;
    }
    flights_abandon(&s->flights);
    loop_timer_stop(&s->timer);
    slow_clients_free(s->slow);
    endpoints_deinit(&s->endpoints);
    wallet_deinit(&s->wallet);
    free(s);
}

static void open_slow(struct surge *s)
{
    const struct endpoint *first = &s->endpoints.at[0];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(s->config.authority ? TOPO_PORT_HTTP : s->config.http_port)};
    if (wish_of(s)->slow_clients > 0 && !loop_is_virtual(s->loop) &&
        inet_pton(AF_INET, first->address, &to.sin_addr) == 1) {
        s->slow = slow_clients_new(s->loop, (size_t)wish_of(s)->slow_clients, &to, wish_of(s)->path);
    }
}

void surge_start(struct surge *s, int64_t start_ns)
{
    if (s->started) {
        return;
    }
    s->started = true;
    s->start_ns = start_ns;
    open_slow(s);
    if (s->paper.rate_micro > 0) {
        loop_timer_set(s->loop, &s->timer, next_due(s));
    }
}

void surge_heal(struct surge *s)
{
    uint64_t herd = s->stopped ? 0 : s->tally.waiting;
    s->tally.waiting = 0;
    for (uint64_t i = 0; i < herd; i++) {
        s->tally.returned++;
        visit(s, true);
    }
}

void surge_stop(struct surge *s)
{
    if (s->stopped) {
        return;
    }
    int64_t now = loop_tick(s->loop);
    s->tally.planned = s->started ? due_by(s, now) : 0;
    s->stopped = true;
    s->tally.reopened = slow_clients_reopened(s->slow);
    loop_timer_stop(&s->timer);
    slow_clients_free(steal(&s->slow));
}

bool surge_idle(const struct surge *s)
{
    return s->stopped && s->flights.count == 0;
}

struct surge_tally surge_count(const struct surge *s)
{
    struct surge_tally t = s->tally;
    t.at_ns = loop_now(s->loop);
    t.planned = s->stopped ? s->tally.planned : s->started ? due_by(s, t.at_ns) : 0;
    t.held = slow_clients_held(s->slow);
    t.reopened = s->stopped ? t.reopened : slow_clients_reopened(s->slow);
    return t;
}
