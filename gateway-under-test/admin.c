/* SPDX-License-Identifier: MIT */
/*
 * What is seen from outside: health, readiness, metrics, status, the running configuration.
 */
#include "gateway-under-test/node.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <string.h>

void answer_json(struct exchange *x, int status, json_t *take)
{
    scoped_free char *body = json_canonical(take);
    json_decref(take);
    exchange_answer(x, status, "application/json", "", body, strlen(body));
}

void answer_error(struct exchange *x, int status, const char *fields, const char *what)
{
    scoped_text struct text body = {0};
    text_addf(&body, "{\"error\":\"%s\"}\n", what);
    exchange_answer(x, status, "application/json", fields, body.at, body.len);
}

static void answer_metrics(struct node *n, struct exchange *x)
{
    scoped_text struct text body = {0};
    metrics_print(n->counters, &body);
    metrics_gauge(&body, "uptime_seconds", "seconds since the process began",
                  (double)(loop_now(n->loop) - n->started_ns) / (double)NS_PER_S);
    metrics_gauge(&body, "connections", "open client connections", (double)(n->service.open + n->secure.open));
    if (n->ops->gauges != NULL)
        n->ops->gauges(n, &body);
    exchange_answer(x, 200, "text/plain; version=0.0.4", "", body.at, body.len);
}

bool health_is_deep(const struct exchange *x)
{
    return span_is(exchange_path(x), "/healthz") && span_is(span_query(exchange_target(x), "deep"), "1");
}

void answer_health(struct node *n, struct exchange *x, bool fine)
{
    scoped_text struct text fields = {0};
    if (n->ops->role_fields != NULL)
        n->ops->role_fields(n, &fields);
    const char *body = fine ? "ok\n" : "not ready\n";
    exchange_answer(x, fine ? 200 : 503, "text/plain", text_str(&fields), body, strlen(body));
}

bool node_answer_health(struct node *n, struct exchange *x)
{
    struct http_span path = exchange_path(x);
    bool health = span_is(path, "/healthz") || span_is(path, "/livez"), ready = span_is(path, "/readyz"),
         metrics = span_is(path, "/metrics");
    if (!health && !ready && !metrics)
        return false;
    if (!span_is(exchange_method(x), "GET") && !span_is(exchange_method(x), "HEAD")) {
        answer_error(x, 405, "Allow: GET, HEAD\r\n", "method not allowed");
        return true;
    }
    if (metrics) {
        answer_metrics(n, x);
        return true;
    }
    if (n->ops->deep != NULL && health_is_deep(x))
        n->ops->deep(n, x);
    else
        answer_health(n, x, health || (!n->draining && !n->standby && n->ops->ready(n)));
    return true;
}

static void answer_status(struct node *n, struct exchange *x)
{
    const struct config *c = n->config;
    json_t *status =
        json_pack("{s:s, s:s, s:s, s:I, s:s}", "node", c->node, "role", role_words[c->role], "region", c->region,
                  "uptime_ms", (json_int_t)((loop_now(n->loop) - n->started_ns) / NS_PER_MS), "config", c->fingerprint);
    json_object_set_new(status, "applied", json_string(n->applied));
    json_object_set_new(status, "time_us", json_integer(wall_ns(&n->wall) / NS_PER_US));
    json_object_set_new(status, "clock", wall_status(&n->wall));
    n->ops->status(n, status);
    answer_json(x, 200, status);
}

/* Whoever goes past file and control plane: what runs is replaced, if it still is what he has seen. */
static void answer_patch(struct node *n, struct exchange *x)
{
    struct http_span body = exchange_body(x);
    struct err e = {0};
    scoped_json json_t *doc = json_read(body.at, body.len, "request", NULL);
    const char *from = json_string_value(json_object_get(doc, "from"));
    json_t *config = json_object_get(doc, "config");
    if (from == NULL || !json_is_object(config))
        answer_error(x, 400, "", "from must be a fingerprint and config an object");
    else if (strcmp(from, n->config->fingerprint) != 0)
        answer_json(x, 409, json_pack("{s:s, s:s}", "error", "another one runs", "config", n->config->fingerprint));
    else if (node_patch(n, config, &e) < 0)
        answer_json(x, 400, json_pack("{s:s, s:s}", "error", e.msg, "at", e.at));
    else
        answer_json(x, 200, json_pack("{s:s}", "config", n->config->fingerprint));
}

static void answer_clock(struct node *n, struct exchange *x)
{
    struct http_span body = exchange_body(x);
    json_t *doc = json_read(body.at, body.len, "request", NULL);
    int status = wall_order(&n->wall, doc);
    json_decref(doc);
    if (status == 200)
        answer_json(x, 200, json_pack("{s:o}", "clock", wall_status(&n->wall)));
    else
        answer_error(x, status, "",
                     status == 409 ? "no slot is left" : "fault must name a slot, and numbers be in range");
}

void node_answer_admin(struct node *n, struct exchange *x)
{
    struct http_span path = exchange_path(x);
    bool get = span_is(exchange_method(x), "GET");
    if (span_is(path, "/status") && get)
        answer_status(n, x);
    else if (span_is(path, "/config") && get)
        answer_json(x, 200, json_incref(n->config->doc));
    else if (span_is(path, "/config") && span_is(exchange_method(x), "PUT"))
        answer_patch(n, x);
    else if (span_is(path, "/clock") && span_is(exchange_method(x), "POST"))
        answer_clock(n, x);
    else if (n->ops->admin == NULL || !n->ops->admin(n, x))
        answer_error(x, 404, "", "no such call");
}
