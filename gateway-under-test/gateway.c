/* SPDX-License-Identifier: MIT */
/*
 * The role gateway on its node. A reload makes the new table first; only when that has worked are the tables swapped,
 * the old one being retired: its checks stop, its requests finish on it.
 *
 * Every answer is signed, refusals too: gateway, configuration and attempts; and region, node and epoch of where it
 * comes from. An origin that speaks our protocol says the latter itself, for one that does not we say which member it
 * is; an answer of our own comes from here, and its epoch is the highest that we have heard of.
 */
#include "gateway-under-test/gateway.h"

#include "gateway-under-test/jwt.h"
#include "gateway-under-test/node.h"
#include "gateway-under-test/tls.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define CONFIG_SHOWN 12 /* digits of its fingerprint */

static void renew_signature(struct gateway *g, const struct config *c)
{
    text_clear(&g->signature);
    text_addf(&g->signature, "X-DR-Gateway: %s\r\nX-DR-Config: %.*s\r\nX-DR-Attempt: ", c->node, CONFIG_SHOWN,
              c->fingerprint);
}

static int gateway_open(struct node *n, struct err *e)
{
    struct gateway *g = xcalloc(1, sizeof(*g));
    g->node = n;
    budget_init(&g->budget);
    n->self = g;
    struct jwt_keys *keys = NULL;
    if (config_guard(n->config, n->config, e) < 0 || callers_read_keys(n, n->config, &keys, e) < 0 ||
        table_new(n, n->config->doc, NULL, &g->table, e) < 0 || drift_open(&g->drift, n, e) < 0) {
        jwt_keys_free(keys);
        table_unref(g->table);
        free(g);
        n->self = NULL;
        return -1;
    }
    renew_signature(g, n->config);
    callers_open(&g->callers, g, keys);
    table_start_checks(g->table);
    alerts_open(&g->alerts, n);
    access_log_open(&g->access_log, n, n->config);
    last_good_keep(n, n->config);
    return 0;
}

static void gateway_close(struct node *n)
{
    struct gateway *g = n->self;
    drift_close(&g->drift);
    proxy_close(g);
    callers_close(&g->callers);
    alerts_close(&g->alerts);
    access_log_close(&g->access_log);
    table_retire(g->table);
    text_deinit(&g->signature);
    free(g);
}

static int gateway_reload(struct node *n, struct config *next, struct err *e)
{
    struct gateway *g = n->self;
    struct jwt_keys *keys;
    struct table *t;
    if (callers_read_keys(n, next, &keys, e) < 0)
        return -1;
    if (table_new(n, next->doc, g->table, &t, e) < 0) {
        jwt_keys_free(keys);
        return -1;
    }
    callers_renew(&g->callers, keys);
    renew_signature(g, next);
    table_retire(g->table);
    g->table = t;
    table_start_checks(t);
    alerts_adopt(&g->alerts, next);
    access_log_open(&g->access_log, n, next);
    drift_reloaded(&g->drift, next);
    return 0;
}

static void gateway_applied(struct node *n)
{
    last_good_keep(n, n->config);
}

static void refuse_unrouted(struct gateway *g, struct exchange *x)
{
    scoped_text struct text methods = {0}, fields = {0};
    route_methods(g->table, exchange_field(x, "host"), exchange_path(x), &methods);
    text_addf(&fields, "Allow: %s\r\n", text_str(&methods));
    if (methods.len > 0)
        answer_error(x, 405, text_str(&fields), "method not allowed");
    else
        answer_error(x, 404, "", "no route");
}

static void gateway_handle(struct node *n, struct exchange *x)
{
    struct gateway *g = n->self;
    if (drift_out_of_touch(&g->drift)) {
        n->counters[COUNTER_not_forwarded]++;
        answer_error(x, 503, "X-DR-Not-Forwarded: 1\r\n", "out of touch with the control plane");
        return;
    }
    struct route *r = route_find(g->table, exchange_field(x, "host"), exchange_path(x), exchange_method(x));
    if (r == NULL) {
        refuse_unrouted(g, x);
        return;
    }
    if (!route_admit(r, loop_now(n->loop))) {
        n->counters[COUNTER_rate_limited]++;
        answer_error(x, 429, "Retry-After: 1\r\n", "rate limit");
        return;
    }
    int bound = g->table->config->in_flight;
    if (bound > 0 && g->in_flight >= bound) {
        n->counters[COUNTER_shed]++;
        n->counters[COUNTER_not_forwarded]++;
        answer_error(x, 503, "Retry-After: 1\r\nX-DR-Not-Forwarded: 1\r\n", "too many requests in flight");
        return;
    }
    if (callers_admit(&g->callers, x, r->cfg))
        proxy_start(g, x, r);
}

/* The desired state comes late while a slot says so. */
static void answer_lag(struct node *n, struct exchange *x)
{
    struct gateway *g = n->self;
    struct http_span body = exchange_body(x);
    json_t *doc = json_read(body.at, body.len, "request", NULL);
    int status = lag_order(&g->drift.desired.lag, doc);
    json_decref(doc);
    if (status == 200)
        answer_json(x, 200, json_pack("{s:o}", "desired_lag", lag_status(&g->drift.desired.lag)));
    else
        answer_error(x, status, "", lag_refusal(status));
}

/* The body {"<key>": true | false}, or an error answered. */
static bool take_wish(struct exchange *x, const char *key, bool *wish)
{
    struct http_span body = exchange_body(x);
    scoped_json json_t *doc = json_read(body.at, body.len, "request", NULL);
    const json_t *value = json_object_get(doc, key);
    if (!json_is_boolean(value)) {
        char what[64];
        (void)snprintf(what, sizeof(what), "%s must be true or false", key);
        answer_error(x, 400, "", what);
        return false;
    }
    *wish = json_is_true(value);
    return true;
}

static void stand_by(struct node *n, struct exchange *x)
{
    if (take_wish(x, "standby", &n->standby))
        answer_json(x, 200, json_pack("{s:b}", "standby", n->standby));
}

/* A drill's wish: handshakes on the TLS port are begun by clients and not answered. */
static void stall_handshakes(struct node *n, struct exchange *x)
{
    struct err e = {0};
    bool stall;
    if (n->identity == NULL) {
        answer_error(x, 409, "", "there is no TLS here");
        return;
    }
    if (!take_wish(x, "stall", &stall))
        return;
    if (server_hold(&n->secure, stall, &e) < 0) {
        answer_error(x, 500, "", "the port cannot be watched");
        return;
    }
    answer_json(x, 200, json_pack("{s:b}", "stall", stall));
}

static bool gateway_admin(struct node *n, struct exchange *x)
{
    struct http_span path = exchange_path(x);
    const struct gateway *g = n->self;
    if (span_is(path, "/v1/alerts") && span_is(exchange_method(x), "GET")) {
        answer_json(x, 200, alerts_list(&g->alerts));
        return true;
    }
    if (!span_is(exchange_method(x), "POST"))
        return false;
    if (span_is(path, "/standby"))
        stand_by(n, x);
    else if (span_is(path, "/tls"))
        stall_handshakes(n, x);
    else if (span_is(path, "/lag"))
        answer_lag(n, x);
    else
        return false;
    return true;
}

static void add_place(struct text *out, const char *region, const char *node, int64_t epoch)
{
    text_add(out, "X-DR-Region: ");
    text_add(out, region);
    text_add(out, "\r\nX-DR-Node: ");
    text_add(out, node);
    text_add(out, "\r\nX-DR-Epoch: ");
    text_add_int(out, epoch);
    text_add_bytes(out, "\r\n", 2);
}

static void gateway_sign(struct node *n, const struct exchange *x, struct text *out)
{
    const struct gateway *g = n->self;
    const struct member *m = x->upstream;
    text_add_bytes(out, g->signature.at, g->signature.len);
    text_add_int(out, x->attempts);
    text_add_bytes(out, "\r\n", 2);
    if (m == NULL)
        add_place(out, n->config->region, n->config->node, table_epoch(g->table));
    else if (!x->named)
        add_place(out, m->cfg->region, m->cfg->name, m->pool->leader_epoch);
}

static void gateway_answered(struct node *n, struct exchange *x, int status, size_t len)
{
    struct gateway *g = n->self;
    int64_t took = loop_now(n->loop) - x->begun;
    alerts_note(&g->alerts, status, took);
    access_log_add(&g->access_log, x, status, len, took);
}

static bool gateway_ready(struct node *n)
{
    const struct gateway *g = n->self;
    if (drift_keeps_out(&g->drift) || drift_out_of_touch(&g->drift))
        return false;
    for (size_t i = 0; i < g->table->config->pool_count; i++) {
        if (pool_ready(&g->table->pools[i]))
            return true;
    }
    return false;
}

static void gateway_deep(struct node *n, struct exchange *x)
{
    answer_health(n, x, gateway_ready(n));
}

static json_t *tls_status(const struct node *n)
{
    if (n->identity == NULL)
        return json_null();
    return json_pack("{s:s, s:I, s:b, s:I, s:I}", "certificate", tls_identity_fingerprint(n->identity), "ends_s",
                     (json_int_t)tls_identity_ends_s(n->identity), "stall", n->secure.held, "handshakes",
                     (json_int_t)n->secure.handshakes, "handshakes_failed", (json_int_t)n->secure.handshakes_failed);
}

static void gateway_status(struct node *n, json_t *into)
{
    const struct gateway *g = n->self;
    int64_t now = loop_now(n->loop);
    json_t *upstreams = json_array();
    for (size_t i = 0; i < g->table->config->pool_count; i++) {
        for (size_t j = 0; j < g->table->pools[i].count; j++) {
            const struct member *m = &g->table->pools[i].members[j];
            json_array_append_new(upstreams, json_pack("{s:s, s:b, s:b, s:b, s:s}", "name", m->cfg->name, "healthy",
                                                       m->health == HEALTH_UP && now >= m->ejected_until, "leader",
                                                       member_leads(m), "ejected", now < m->ejected_until, "breaker",
                                                       breaker_words[m->breaker.state]));
        }
    }
    drift_status(&g->drift, into);
    json_object_set_new(into, "standby", json_boolean(n->standby));
    json_object_set_new(into, "tls", tls_status(n));
    json_object_set_new(into, "identity", callers_status(&g->callers));
    json_object_set_new(into, "upstreams", upstreams);
    json_object_set_new(into, "alerts", alerts_status(&g->alerts));
    json_object_set_new(into, "requests", json_integer(n->counters[COUNTER_requests]));
    json_object_set_new(into, "errors", json_integer(n->counters[COUNTER_errors]));
}

static void gateway_gauges(struct node *n, struct text *out)
{
    const struct gateway *g = n->self;
    text_add(out, "# HELP drgateway_upstream_up 1 while a member is healthy\n# TYPE drgateway_upstream_up gauge\n");
    for (size_t i = 0; i < g->table->config->pool_count; i++) {
        for (size_t j = 0; j < g->table->pools[i].count; j++) {
            const struct member *m = &g->table->pools[i].members[j];
            text_addf(out, "drgateway_upstream_up{name=\"%s\"} %d\n", m->cfg->name, m->health == HEALTH_UP);
        }
    }
    metrics_gauge(out, "in_flight", "requests being answered", g->in_flight);
    callers_gauges(&g->callers, out);
    metrics_gauge(out, "drift", "1 while the running configuration differs from the desired one",
                  drift_told(&g->drift));
    drift_gauges(&g->drift, out);
    alerts_metrics(&g->alerts, out);
}

const struct role_ops gateway_ops = {
    .open = gateway_open,
    .close = gateway_close,
    .handle = gateway_handle,
    .admin = gateway_admin,
    .status = gateway_status,
    .ready = gateway_ready,
    .deep = gateway_deep,
    .gauges = gateway_gauges,
    .sign = gateway_sign,
    .answered = gateway_answered,
    .reload = gateway_reload,
    .applied = gateway_applied,
};
