/* SPDX-License-Identifier: MIT */
/*
 * An origin whose region's store lives in another process. Requests go there over kept connections; a store that cannot
 * be reached is "not forwarded", one that does not answer is 502 or 504, outcome unknown. It asks the store's /healthz
 * ten times a second, so that its own /healthz can tell the gateways whether its region leads.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/origin.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/relay.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#define CHECK_MS 100
#define CONNECT_MS 200
#define TOTAL_MS 2000

struct passing {
    LIST_ENTRY(passing) among;
    struct call call;
    struct passer *passer;
    struct exchange *x;
};

static const char *const own_fields[] = {"x-dr-node", NULL};
static const char *const no_fields[] = {NULL};

static struct passing *passing_new(struct passer *p, struct exchange *x)
{
    struct passing *g = xcalloc(1, sizeof(*g));
    g->passer = p;
    g->x = x;
    LIST_INSERT_HEAD(&p->passing, g, among);
    return g;
}

static void passing_free(struct passing *g)
{
    LIST_REMOVE(g, among);
    call_deinit(&g->call);
    free(g);
}

static void on_passed(struct call *c, enum call_end end)
{
    struct passing *g = owner_of(c, struct passing, call);
    struct node *n = g->passer->node;
    scoped_text struct text fields = {0};
    if (end == CALL_ANSWERED) {
        struct http_span body = call_body(c);
        relay_fields(&fields, &c->res, call_bytes(c), own_fields);
        text_addf(&fields, "X-DR-Node: %s\r\n", n->config->node);
        exchange_answer(g->x, c->res.status, NULL, text_str(&fields), body.at, relay_length(&c->res));
    } else if (end == CALL_UNREACHABLE) {
        n->counters[COUNTER_not_forwarded]++;
        answer_error(g->x, 503, "X-DR-Not-Forwarded: 1\r\n", "the store of this region is out of reach");
    } else {
        n->counters[COUNTER_unknown_outcome]++;
        answer_error(g->x, end == CALL_TIMEOUT ? 504 : 502, "", "the store of this region did not answer");
    }
    passing_free(g);
}

void passer_handle(struct passer *p, struct exchange *x)
{
    struct passing *g = passing_new(p, x);
    relay_request(&g->call.request, x, no_fields, PASSED_FIELD ": 1\r\n");
    call_start(&g->call, &p->store, (struct call_times){CONNECT_MS, TOTAL_MS}, true, on_passed);
}

static void on_deep(struct call *c, enum call_end end)
{
    struct passing *g = owner_of(c, struct passing, call);
    answer_health(g->passer->node, g->x, end == CALL_ANSWERED && c->res.status == 200);
    passing_free(g);
}

void passer_deep(struct passer *p, struct exchange *x)
{
    struct passing *g = passing_new(p, x);
    text_add(&g->call.request, "GET /healthz?deep=1 HTTP/1.1\r\nHost: store\r\n" PASSED_FIELD ": 1\r\n\r\n");
    call_start(&g->call, &p->store, (struct call_times){CONNECT_MS, TOTAL_MS}, true, on_deep);
}

static void on_checked(struct call *c, enum call_end end)
{
    struct passer *p = owner_of(c, struct passer, check);
    p->reachable = end == CALL_ANSWERED && c->res.status == 200;
    p->leads = p->reachable && span_is(call_field(c, "x-dr-role"), "leader");
    if (p->reachable)
        (void)span_int(call_field(c, "x-dr-epoch"), &p->epoch);
    else
        upstream_drop_idle(&p->store);
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct passer *p = owner_of(t, struct passer, timer);
    loop_timer_set(p->node->loop, t, now + CHECK_MS * NS_PER_MS);
    if (p->check.under_way)
        return;
    text_clear(&p->check.request);
    text_add(&p->check.request, "GET /healthz HTTP/1.1\r\nHost: store\r\nConnection: close\r\n\r\n");
    call_start(&p->check, &p->store, (struct call_times){CONNECT_MS, CONNECT_MS}, false, on_checked);
}

void passer_open(struct passer *p, struct node *n)
{
    p->node = n;
    p->timer.due = on_due;
    upstream_init(&p->store, n->loop, n->config->store_at);
    loop_timer_set(n->loop, &p->timer, loop_now(n->loop));
}

void passer_close(struct passer *p)
{
    loop_timer_stop(&p->timer);
    while (!LIST_EMPTY(&p->passing))
        passing_free(LIST_FIRST(&p->passing));
    call_deinit(&p->check);
    upstream_deinit(&p->store);
}
