/* SPDX-License-Identifier: MIT */
/*
 * Three ways to hold a limit that several gateways have to hold together:
 *
 *     local      each lets the whole rate through: as many times too much as there are gateways
 *     divided    each lets its share through: never too much, and too little where the load is uneven
 *     shared     the store that leads counts (limit_book.c); gateways ask it every every_ms for what they are likely to
 *                need, going by what was asked of them since the last time, and spend what they were granted
 *
 * A gateway that shares and is cut off from the leader, which has not answered for ALONE_AFTER periods, goes by its
 * share: then too much is let through by the shares of those cut off at most, since the leader does not know of them.
 *
 * What was granted and is not spent within a period is kept, but no more than is likely to be needed, so that tokens do
 * not gather where nobody calls. The flaw limiter_local_only makes every mode local.
 */
#include "gateway-under-test/limit.h"

#include "gateway-under-test/gateway.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define ALONE_AFTER 5
#define CONNECT_MS 200
#define TOTAL_MS 400

static const struct config_limits *wish(const struct limiter *l)
{
    return &l->gateway->table->config->limits;
}

static enum limit_mode mode_of(const struct limiter *l)
{
    return config_flaw(l->gateway->table->config, FLAW_limiter_local_only) ? LIMIT_LOCAL : wish(l)->mode;
}

static const struct config_limit *limit_of(const struct limiter *l, const char *subject)
{
    const struct config_limits *w = wish(l);
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->at[i].subject, subject) == 0)
            return &w->at[i];
    }
    return NULL;
}

static struct allowance *allowance_of(struct limiter *l, const char *subject)
{
    for (size_t i = 0; i < l->allowances.len; i++) {
        if (strcmp(l->allowances.at[i].subject, subject) == 0)
            return &l->allowances.at[i];
    }
    struct allowance *fresh = vec_push(&l->allowances);
    (void)snprintf(fresh->subject, sizeof(fresh->subject), "%s", subject);
    return fresh;
}

bool limiter_alone(const struct limiter *l, int64_t now)
{
    return mode_of(l) == LIMIT_SHARED &&
           (l->granted_at == 0 || now - l->granted_at > ALONE_AFTER * wish(l)->every_ms * NS_PER_MS);
}

/* What it may spend without asking anybody: all of the rate, or its share of it, and a second's worth at most. */
static void fill(struct allowance *a, double per_s, int64_t now)
{
    double most = per_s > 1 ? per_s : 1;
    if (a->filled_at == 0)
        a->tokens = most;
    else
        a->tokens += (double)(now - a->filled_at) / (double)NS_PER_S * per_s;
    if (a->tokens > most)
        a->tokens = most;
}

bool limit_admit(struct limiter *l, const char *subject, int64_t now)
{
    const struct config_limit *limit = limit_of(l, subject);
    if (limit == NULL)
        return true;
    struct allowance *a = allowance_of(l, subject);
    double share = (double)limit->per_s / (double)wish(l)->gateways;
    enum limit_mode mode = mode_of(l);
    a->demand++;
    if (mode == LIMIT_LOCAL)
        fill(a, (double)limit->per_s, now);
    else if (mode == LIMIT_DIVIDED || limiter_alone(l, now) || a->filled_at == 0)
        fill(a, share, now);
    a->filled_at = now;
    if (a->tokens < 1)
        return false;
    a->tokens -= 1;
    return true;
}

/* A quarter more than was asked for lately, and one. */
static int64_t likely(const struct allowance *a)
{
    int64_t n = a->demand + a->demand / 4 + 1;
    return n < LIMIT_PER_S_MAX ? n : LIMIT_PER_S_MAX;
}

static void take_granted(struct limiter *l, const json_t *granted)
{
    for (size_t i = 0; i < l->allowances.len; i++) {
        struct allowance *a = &l->allowances.at[i];
        const json_t *n = json_object_get(granted, a->subject);
        if (json_is_integer(n) && json_integer_value(n) >= 0 && json_integer_value(n) <= LIMIT_PER_S_MAX)
            a->tokens += (double)json_integer_value(n);
    }
    l->granted_at = loop_now(l->gateway->node->loop);
}

static void on_answer(struct call *c, enum call_end end)
{
    struct limiter *l = owner_of(c, struct limiter, call);
    struct table *asked = steal(&l->asked);
    struct http_span body = end == CALL_ANSWERED && c->res.status == 200 ? call_body(c) : (struct http_span){0};
    scoped_json json_t *doc = body.at ? json_read(body.at, body.len, "grant", NULL) : NULL;
    const json_t *granted = json_object_get(doc, "granted");
    if (json_is_object(granted))
        take_granted(l, granted);
    call_deinit(c); /* its connection goes to the member while there is one */
    table_unref(asked);
}

static struct member *leader(struct limiter *l, struct pool *p)
{
    int64_t now = loop_now(l->gateway->node->loop);
    for (size_t i = 0; i < p->count; i++) {
        if (member_leads(&p->members[i]) && member_usable(&p->members[i], now))
            return &p->members[i];
    }
    return NULL;
}

/* The body of a question, and a new period begins. */
static json_t *needs(struct limiter *l)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->allowances.len; i++) {
        struct allowance *a = &l->allowances.at[i];
        const struct config_limit *limit = limit_of(l, a->subject);
        int64_t enough = likely(a);
        a->demand = 0;
        if (a->tokens > (double)enough)
            a->tokens = (double)enough;
        int64_t want = enough - (int64_t)a->tokens;
        if (limit != NULL)
            json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", a->subject, "per_s",
                                                  (json_int_t)limit->per_s, "want", (json_int_t)want));
    }
    return json_pack("{s:o}", "limits", list);
}

static void ask(struct limiter *l, struct table *table, struct member *m, const json_t *doc)
{
    scoped_free char *body = json_canonical(doc);
    table_ref(table);
    l->asked = table;
    text_clear(&l->call.request);
    text_addf(&l->call.request,
              "POST /gateway/limits HTTP/1.1\r\nHost: %s\r\n"
              "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
              m->cfg->address, strlen(body), body);
    call_start(&l->call, &m->up, (struct call_times){CONNECT_MS, TOTAL_MS}, true, on_answer);
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct limiter *l = owner_of(t, struct limiter, timer);
    struct table *table = l->gateway->table;
    bool shared = mode_of(l) == LIMIT_SHARED;
    int64_t every_ms = shared ? wish(l)->every_ms : NS_PER_S / NS_PER_MS;
    loop_timer_set(l->gateway->node->loop, t, now + every_ms * NS_PER_MS);
    struct member *m = shared ? leader(l, &table->pools[wish(l)->pool]) : NULL;
    if (!shared || l->call.under_way)
        return;
    scoped_json json_t *doc = needs(l);
    if (m != NULL)
        ask(l, table, m, doc);
}

void limiter_open(struct limiter *l, struct gateway *g)
{
    l->gateway = g;
    l->timer.due = on_due;
    loop_timer_set(g->node->loop, &l->timer, loop_now(g->node->loop));
}

void limiter_close(struct limiter *l)
{
    loop_timer_stop(&l->timer);
    call_deinit(&l->call);
    table_unref(steal(&l->asked));
    vec_deinit(&l->allowances);
}
