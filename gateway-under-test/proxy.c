/* SPDX-License-Identifier: MIT */
/*
 * One request on its way through the gateway. Request and response are taken in whole before they are passed on, so
 * that an attempt can be made again until the very end and no response is ever cut in the middle by us.
 *
 * An attempt ends in one of four ways. No connection, or a 503 that says "not forwarded": nothing has happened, any
 * other member may be asked. An answer: it is passed on. No answer after the request was sent, or a gateway error from
 * an upstream: it may have happened; such a request is made again only when that is safe (an idempotent method or an
 * Idempotency-Key, by which the store tells repeats), retries are left, and so is the gateway's budget of them
 * (budget.c), and after a random pause. The same requests do not wait for an upstream that is found down meanwhile.
 * When every member has been asked, those who merely do not lead are asked again after 20 to 50 ms, as long as the
 * budget of total_ms lasts.
 *
 * What the client is told at the end: 503 with X-DR-Not-Forwarded only if no attempt can have been applied, else 502 or
 * 504, which mean "unknown".
 */
#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/relay.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"


#define DUPLICATE_EVERY 20

struct proxied {
    LIST_ENTRY(proxied) among; /* those of the gateway */
    struct call call;
    struct exchange *x;
    struct gateway *gateway;
    struct table *table;
    struct pool *pool;
    struct member *member;
    struct loop_timer pause;
    int64_t deadline;
    int attempts, failures;
    bool repeatable, tainted, broken, twice;
    bool paid; /* its next retry is out of the budget already */
    struct asking asking;
};

static void try_next(struct proxied *p);

static const char *const own_fields[] = {"x-dr-gateway", "x-dr-attempt", "x-dr-config", "x-api-key", NULL};

static void proxied_free(struct proxied *p)
{
    p->gateway->in_flight--;
    LIST_REMOVE(p, among);
    loop_timer_stop(&p->pause);
    call_deinit(&p->call);
    table_unref(p->table);
    free(p);
}

static void build_request(struct proxied *p)
{
    char attempt[48];
    (void)snprintf(attempt, sizeof(attempt), "X-DR-Attempt: %d\r\n", p->attempts);
    relay_request(&p->call.request, p->x, own_fields, attempt);
}

/* No answer of an upstream can be passed on. */
static void give_up(struct proxied *p)
{
    struct node *n = p->gateway->node;
    p->x->attempts = p->attempts;
    if (p->tainted) {
        n->counters[COUNTER_unknown_outcome]++;
        answer_error(p->x, p->broken ? 502 : 504, "", "outcome unknown");
    } else {
        n->counters[COUNTER_not_forwarded]++;
        answer_error(p->x, 503, "X-DR-Not-Forwarded: 1\r\nRetry-After: 1\r\n", "no upstream could take it");
    }
    proxied_free(p);
}

static void pass_on(struct proxied *p)
{
    struct call *c = &p->call;
    struct http_span body = call_body(c);
    scoped_text struct text fields = {0};
    text_room(&fields, c->res.head_len);
    relay_fields(&fields, &c->res, call_bytes(c), own_fields);
    p->x->attempts = p->attempts;
    p->x->upstream = p->member;
    p->x->named = call_field(c, "x-dr-region").at != NULL;
    exchange_answer(p->x, c->res.status, NULL, text_str(&fields), body.at, relay_length(&c->res));
    proxied_free(p);
}

static void mark(struct proxied *p, enum tried how)
{
    p->asking.tried[p->member - p->pool->members] = (unsigned char)how;
}

static void learn(struct proxied *p, const char *region_field, const char *epoch_field)
{
    int64_t epoch = 0;
    struct http_span region = call_field(&p->call, region_field);
    if (region.at != NULL && span_int(call_field(&p->call, epoch_field), &epoch))
        pool_learn_leader(p->pool, region.at, region.len, epoch);
}

static bool retries_left(const struct proxied *p)
{
    return p->repeatable && p->failures < p->pool->cfg->retries;
}

static bool may_retry(struct proxied *p)
{
    if (!retries_left(p))
        return false;
    bool may = p->paid || budget_spend(&p->gateway->budget) || config_flaw(p->table->config, FLAW_no_retry_budget);
    p->paid = false;
    p->gateway->node->counters[COUNTER_retries_refused] += !may;
    return may;
}

/* Sent to a member that is found down: paid for at once, since whoever cannot pay had better wait. */
static bool moves(struct call *c)
{
    struct proxied *p = owner_of(c, struct proxied, call);
    p->paid = p->paid || may_retry(p);
    return p->paid;
}

/* The attempt has failed, by its member's doing or by ours. */
static void judge(struct proxied *p, enum attempt_end end, enum counter counter)
{
    if (p->call.called_off) {
        member_left(p->member);
        return;
    }
    p->gateway->node->counters[counter]++;
    member_ended(p->member, end);
}

/* Sent, and no answer that settles it. */
static void note_failure(struct proxied *p, enum attempt_end end)
{
    mark(p, TRIED_FAILED);
    p->tainted = true;
    p->broken = end == ATTEMPT_RESET;
}

static void on_backoff_over(struct loop_timer *t, int64_t now)
{
    (void)now;
    try_next(owner_of(t, struct proxied, pause));
}

/* Many that failed together must not come back together: anything up to backoff_ms, twice that the next time. */
static void retry(struct proxied *p)
{
    struct node *n = p->gateway->node;
    int64_t most = p->pool->cfg->backoff_ms * NS_PER_MS << (p->failures < 8 ? p->failures - 1 : 7);
    int64_t at = loop_now(n->loop) + (int64_t)rng_below(&n->rng, (uint64_t)most + 1);
    p->pause.due = on_backoff_over;
    loop_timer_set(n->loop, &p->pause, at < p->deadline ? at : p->deadline);
}

static void failed(struct proxied *p, enum attempt_end end, enum counter counter)
{
    judge(p, end, counter);
    note_failure(p, end);
    if (!may_retry(p)) {
        give_up(p);
        return;
    }
    p->failures++;
    retry(p);
}

static void answered(struct proxied *p)
{
    int status = p->call.res.status;
    if (status == 503 && call_field(&p->call, "x-dr-not-forwarded").at != NULL) {
        pool_learn_follower(p->pool, p->member->cfg->region, p->pool->leader_epoch);
        learn(p, "x-dr-leader", "x-dr-leader-epoch");
        member_ended(p->member, ATTEMPT_GOOD);
        mark(p, TRIED_NOT_LEADER);
        try_next(p);
        return;
    }
    if (status >= 502 && status <= 504 && may_retry(p)) {
        p->failures++;
        member_ended(p->member, ATTEMPT_5XX);
        note_failure(p, ATTEMPT_5XX);
        p->broken = status == 502;
        retry(p);
        return;
    }
    member_ended(p->member, status < 500 ? ATTEMPT_GOOD : ATTEMPT_5XX);
    if (status == 200 && !p->asking.is_read)
        learn(p, "x-dr-region", "x-dr-epoch");
    if (p->twice) {
        p->twice = false;
        try_next(p);
    } else {
        pass_on(p);
    }
}

static void on_done(struct call *c, enum call_end end)
{
    struct proxied *p = owner_of(c, struct proxied, call);
    switch (end) {
    case CALL_ANSWERED:
        answered(p);
        return;
    case CALL_UNREACHABLE:
        judge(p, ATTEMPT_REFUSE, COUNTER_upstream_unreachable);
        mark(p, TRIED_AWAY);
        try_next(p);
        return;
    case CALL_TIMEOUT:
        failed(p, ATTEMPT_TIMEOUT, COUNTER_upstream_timeouts);
        return;
    case CALL_BROKEN:
        failed(p, ATTEMPT_RESET, COUNTER_upstream_broken);
        return;
    }
}

static void on_pause_over(struct loop_timer *t, int64_t now)
{
    struct proxied *p = owner_of(t, struct proxied, pause);
    (void)now;
    if (balance_again(p->pool, &p->asking))
        try_next(p);
    else
        give_up(p);
}

static void try_next(struct proxied *p)
{
    struct node *n = p->gateway->node;
    int64_t now = loop_now(n->loop), left_ms = (p->deadline - now) / NS_PER_MS;
    if (left_ms < 1) {
        give_up(p);
        return;
    }
    p->member = balance_pick(p->pool, &p->asking);
    p->asking.again = true;
    if (p->member == NULL && balance_refuses(p->pool)) {
        n->counters[COUNTER_panics]++;
        give_up(p);
        return;
    }
    if (p->member == NULL) {
        p->pause.due = on_pause_over;
        int64_t wait = (20 + (int64_t)rng_below(&n->rng, 31)) * NS_PER_MS;
        loop_timer_set(n->loop, &p->pause, now + wait < p->deadline ? now + wait : p->deadline);
        return;
    }
    p->attempts++;
    member_begins(p->member);
    n->counters[COUNTER_attempts]++;
    if (p->attempts > 1)
        n->counters[COUNTER_retries]++;
    build_request(p);
    const struct config_pool *cfg = p->pool->cfg;
    int64_t try_ms = cfg->try_ms < left_ms ? cfg->try_ms : left_ms;
    call_start(&p->call, &p->member->up, (struct call_times){cfg->connect_ms, try_ms}, true, on_done);
}

static bool is_idempotent(struct http_span method)
{
    return span_is(method, "GET") || span_is(method, "HEAD") || span_is(method, "PUT") || span_is(method, "DELETE") ||
           span_is(method, "OPTIONS");
}

void proxy_start(struct gateway *g, struct exchange *x, struct route *route)
{
    struct proxied *p = xcalloc(1, sizeof(*p));
    struct http_span method = exchange_method(x);
    p->x = x;
    p->gateway = g;
    p->table = g->table;
    p->pool = &g->table->pools[route->cfg->pool];
    p->call.moves = moves;
    p->call.first_byte_ms = p->pool->cfg->first_byte_ms;
    p->deadline = loop_now(g->node->loop) + p->pool->cfg->total_ms * NS_PER_MS;
    g->in_flight++;
    LIST_INSERT_HEAD(&g->proxied, p, among);
    budget_earn(&g->budget);
    p->asking.is_read = span_is(method, "GET") || span_is(method, "HEAD");
    p->repeatable = is_idempotent(method) || exchange_field(x, "idempotency-key").at != NULL;
    p->asking.user = balance_user(p->pool->cfg, x);
    if (!p->asking.is_read && config_flaw(g->table->config, FLAW_duplicate_on_retry))
        p->twice = ++g->writes % DUPLICATE_EVERY == 0;
    table_ref(p->table);
    try_next(p);
}

void proxy_close(struct gateway *g)
{
    while (!LIST_EMPTY(&g->proxied))
        proxied_free(LIST_FIRST(&g->proxied));
}
