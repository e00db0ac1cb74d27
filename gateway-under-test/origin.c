/* SPDX-License-Identifier: MIT */
/*
 * The role origin on its node. What a reload may change is flaws, drain_ms, numbers of the scaling and how the store
 * acknowledges (mode, degrade): its ports, peers and timing are part of what replication and leases rest on, so they
 * stay as they are while the process lives.
 */
#include "gateway-under-test/origin.h"

#include "gateway-under-test/node.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <string.h>

/* The work is done, or costs nothing. */
static void serve(struct node *n, struct exchange *x)
{
    struct origin *o = n->self;
    struct http_span path = exchange_path(x);
    if (health_is_deep(x) && o->store != NULL)
        answer_health(n, x, true);
    else if (health_is_deep(x))
        passer_deep(o->passer, x);
    else if (probes_know(path))
        probes_handle(&o->probes, x);
    else if (!span_starts(path, "/v1/"))
        answer_error(x, 404, "", "no such resource");
    else if (o->store != NULL)
        orders_handle(o->store, x);
    else
        passer_handle(o->passer, x);
}

static int open_store(struct origin *o, struct node *n, struct err *e)
{
    o->store = xcalloc(1, sizeof(*o->store));
    if (backup_recall(n, &o->recalled, e) < 0 || store_open(o->store, n, e) < 0) {
        free(o->store);
        return -1;
    }
    if (backup_open(&o->backup, n, o->store, e) < 0) {
        store_close(o->store);
        free(o->store);
        return -1;
    }
    return 0;
}

static int origin_open(struct node *n, struct err *e)
{
    struct origin *o = xcalloc(1, sizeof(*o));
    if (n->config->store != NULL) {
        if (open_store(o, n, e) < 0) {
            free(o);
            return -1;
        }
    } else {
        o->passer = xcalloc(1, sizeof(*o->passer));
        passer_open(o->passer, n);
    }
    probes_open(&o->probes, n);
    misbehave_open(&o->misbehave, n);
    capacity_open(&o->capacity, n, serve);
    scaling_open(&o->scaling, n);
    n->self = o;
    return 0;
}

static void origin_close(struct node *n)
{
    struct origin *o = n->self;
    probes_close(&o->probes);
    misbehave_close(&o->misbehave);
    capacity_close(&o->capacity);
    scaling_close(&o->scaling);
    backup_close(&o->backup);
    if (o->store != NULL)
        store_close(o->store);
    else
        passer_close(o->passer);
    limit_book_deinit(&o->limits);
    free(o->store);
    free(o->passer);
    free(o);
}

static bool origin_takes(struct node *n, struct exchange *x)
{
    struct origin *o = n->self;
    return misbehave_takes(&o->misbehave, x) || scaling_takes(&o->scaling, x);
}

static bool leads(const struct origin *o)
{
    return o->store != NULL ? store_leads(o->store) : o->passer->leads;
}

/* Who does not lead refuses, which is no work. */
static bool limited(struct origin *o, struct exchange *x)
{
    return leads(o) && exchange_field(x, PASSED_FIELD).at == NULL && capacity_takes(&o->capacity, x);
}

/* Requests of limited subjects, granted in advance by the store that leads. */
static void answer_limits(struct origin *o, struct exchange *x)
{
    struct http_span body = exchange_body(x);
    if (!store_leads(o->store)) {
        orders_refuse(o->store, x);
        return;
    }
    scoped_json json_t *doc = json_read(body.at, body.len, "request", NULL);
    json_t *granted = limit_book_grant(&o->limits, doc, loop_now(o->store->node->loop));
    if (granted != NULL)
        answer_json(x, 200, granted);
    else
        answer_error(x, 400, "", "limits must be a list of name, per_s and want");
}

/* What gateways ask for themselves; no route leads here. */
static void answer_gateway(struct origin *o, struct exchange *x)
{
    struct http_span path = exchange_path(x), method = exchange_method(x);
    if (o->store == NULL)
        passer_handle(o->passer, x);
    else if (span_is(path, "/gateway/revocations") && span_is(method, "GET"))
        revoked_answer_list(o->store, x);
    else if (span_is(path, "/gateway/limits") && span_is(method, "POST"))
        answer_limits(o, x);
    else
        answer_error(x, 404, "", "no such resource");
}

static void origin_handle(struct node *n, struct exchange *x)
{
    struct origin *o = n->self;
    int64_t attempt = 0;
    n->counters[COUNTER_repeats] += span_int(exchange_field(x, "x-dr-attempt"), &attempt) && attempt > 1;
    if (span_starts(exchange_path(x), "/gateway/"))
        answer_gateway(o, x);
    else if (!backup_handle(&o->backup, x) && !limited(n->self, x))
        serve(n, x);
}

/* A request like any other, and what it needs is asked in its turn. */
static void origin_deep(struct node *n, struct exchange *x)
{
    if (!limited(n->self, x))
        serve(n, x);
}

static void origin_role_fields(struct node *n, struct text *out)
{
    const struct origin *o = n->self;
    int64_t epoch = o->store ? o->store->epoch : o->passer->epoch;
    text_addf(out, "X-DR-Role: %s\r\nX-DR-Epoch: %lld\r\nX-DR-Region: %s\r\nX-DR-Node: %s\r\n",
              leads(o) ? "leader" : "follower", (long long)epoch, n->config->region, n->config->node);
}

static bool origin_ready(struct node *n)
{
    const struct origin *o = n->self;
    return o->store != NULL || o->passer->reachable;
}

static void answer_handover(struct node *n, struct exchange *x)
{
    struct origin *o = n->self;
    struct http_span body = exchange_body(x);
    json_t *doc = json_read(body.at, body.len, "request", NULL);
    const char *to = json_string_value(json_object_get(doc, "to"));
    struct link *link = o->store && to ? leader_link(o->store, to, strlen(to)) : NULL;
    if (to == NULL)
        answer_error(x, 400, "", "to must name a region");
    else if (o->store == NULL || link == NULL || !handover_begin(o->store, link, true))
        answer_error(x, 409, "", "not the leader, or that region's store is not connected");
    else
        answer_json(x, 202, json_pack("{s:s}", "to", to));
    json_decref(doc);
}

/* What is shipped to a region comes late, or damaged, while a slot of ours says so. */
static void answer_lag(struct node *n, struct exchange *x)
{
    struct origin *o = n->self;
    struct http_span body = exchange_body(x);
    json_t *doc = json_read(body.at, body.len, "request", NULL);
    const char *to = json_string_value(json_object_get(doc, "to"));
    struct link *link = o->store && to ? leader_link(o->store, to, strlen(to)) : NULL;
    int status = to == NULL ? 400 : link == NULL ? 404 : lag_order(&link->lag, doc);
    json_decref(doc);
    if (status == 200)
        answer_json(x, 200, json_pack("{s:o}", "lag", lag_status(&link->lag)));
    else
        answer_error(x, status, "", status == 404 ? "no store here, or it has no such peer" : lag_refusal(status));
}

static bool origin_admin(struct node *n, struct exchange *x)
{
    struct origin *o = n->self;
    struct http_span path = exchange_path(x), method = exchange_method(x);
    if (span_is(path, "/handover") && span_is(method, "POST"))
        answer_handover(n, x);
    else if (span_is(path, "/promote") && span_is(method, "POST") && o->store != NULL)
        promote_take_order(o->store, x);
    else if (span_is(path, "/lag") && span_is(method, "POST"))
        answer_lag(n, x);
    else if (span_is(path, "/revocations") && span_is(method, "POST") && o->store != NULL)
        revoked_take_order(o->store, x);
    else if (span_is(path, "/v1/ops") && span_is(method, "GET") && o->store != NULL)
        orders_answer_ops(o->store, x);
    else if (span_is(path, "/v1/lost") && span_is(method, "GET") && o->store != NULL)
        lost_answer(o->store, x);
    else
        return misbehave_admin(&o->misbehave, x);
    return true;
}

static void origin_status(struct node *n, json_t *into)
{
    const struct origin *o = n->self;
    json_object_set_new(into, "scaling", scaling_status(&o->scaling));
    if (o->store != NULL) {
        store_status(o->store, into);
        json_object_set_new(into, "backup", backup_status(&o->backup, &o->recalled));
        return;
    }
    json_object_set_new(into, "leader", json_boolean(o->passer->leads));
    json_object_set_new(into, "epoch", json_integer(o->passer->epoch));
    json_object_set_new(into, "store_reachable", json_boolean(o->passer->reachable));
}

static void origin_gauges(struct node *n, struct text *out)
{
    const struct origin *o = n->self;
    metrics_gauge(out, "waiting", "requests in the queue of this origin", (double)o->capacity.waiting);
    if (o->scaling.node != NULL)
        metrics_gauge(out, "instances", "instances of this origin, those that start included", o->scaling.count);
    if (o->store == NULL)
        return;
    store_gauges(o->store, out);
    backup_gauges(&o->backup, out);
}

/* What must stay as it is: capacity, and where the store is, or a store without the ways in which it acknowledges. */
static json_t *foundations(const struct config *c)
{
    json_t *store = json_copy(json_object_get(c->doc, "store"));
    json_object_del(store, "mode");
    json_object_del(store, "degrade");
    return json_pack("{s:o*, s:O*, s:O*, s:O*}", "store", store, "store_at", json_object_get(c->doc, "store_at"),
                     "capacity", json_object_get(c->doc, "capacity"), "backup", json_object_get(c->doc, "backup"));
}

static int origin_reload(struct node *n, struct config *next, struct err *e)
{
    struct origin *o = n->self;
    scoped_json json_t *now = foundations(n->config), *then = foundations(next);
    if (!json_equal(now, then) || (n->config->scaling.most == 0) != (next->scaling.most == 0))
        return err_set(e, ERR_MEANING, "configuration",
                       "what the store rests on, and the capacity, cannot change in a running process");
    scaling_adopt(&o->scaling, &next->scaling);
    if (o->store != NULL) {
        o->store->cfg = next->store;
        for (size_t i = 0; i < o->store->link_count; i++)
            o->store->links[i].peer = &next->store->peers[i];
        if (next->backup != NULL)
            backup_adopt(&o->backup, next);
        leader_mode_changed(o->store);
    }
    return 0;
}

const struct role_ops origin_ops = {
    .open = origin_open,
    .close = origin_close,
    .handle = origin_handle,
    .takes = origin_takes,
    .admin = origin_admin,
    .status = origin_status,
    .ready = origin_ready,
    .deep = origin_deep,
    .role_fields = origin_role_fields,
    .gauges = origin_gauges,
    .reload = origin_reload,
};
