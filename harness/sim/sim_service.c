/* SPDX-License-Identifier: MIT */
/*
 * What a customer's exchange meets: the way to the gateway, the gateway's patience, the store, the way back.
 *
 * A new connection to the TLS port begins with a handshake, which may never be answered or show what is not accepted.
 *
 * An exchange is one pending thing with up to three stops: it arrives (or vanishes and times out, or is refused), it is
 * tried at the leader every 20 ms until it is served or the gateway's budget is spent, and its answer travels home (or
 * vanishes on the way).
 */
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include <stdio.h>
#include <string.h>

#define RETRY_NS (20 * NS_PER_MS)
#define CURLE_OPERATION_TIMEDOUT_CODE 28
#define CURLE_COULDNT_CONNECT_CODE 7
#define CURLE_PEER_FAILED_VERIFICATION_CODE 60

struct sim_transport {
    struct transport base;
    struct sim *sim;
    uint16_t site;
};

struct sim_exchange {
    struct sim_pending pending;
    struct sim_transport *transport;
    struct exchange_request request;
    char target[128], body_out[256], api_key[64];
    exchange_done *done;
    void *arg;
    int64_t sent_ns, budget_end_ns;
    uint16_t store;       /* region whose store the attempt under way is made at */
    struct sim_fate fate; /* of that attempt */
    int failures;
    bool let_in;
    struct exchange_answer answer;
    struct text body;
};

static void exchange_finish(struct sim_exchange *x, int64_t now)
{
    x->answer.sent_ns = x->sent_ns;
    x->answer.done_ns = now;
    x->answer.body = text_str(&x->body);
    x->answer.body_len = x->body.len;
    x->done(x->arg, &x->answer);
    text_deinit(&x->body);
    sim_pending_free(&x->pending);
}

static void exchange_time_out(struct sim_pending *p, int64_t now)
{
    struct sim_exchange *x = (struct sim_exchange *)p;
    bool reached = x->answer.status != 0; /* it was served, only the answer is gone */
    x->answer = (struct exchange_answer){.code = CURLE_OPERATION_TIMEDOUT_CODE, .timed_out = true,
                                         .connected = reached || x->answer.connected};
    text_clear(&x->body);
    exchange_finish(x, now);
}

static void exchange_lose(struct sim_exchange *x)
{
    x->pending.end = exchange_time_out;
    loop_timer_set(x->pending.sim->loop, &x->pending.timer, x->sent_ns + x->request.timeout_ns);
}

static void exchange_home(struct sim_pending *p, int64_t now)
{
    struct sim_exchange *x = (struct sim_exchange *)p;
    if (now > x->sent_ns + x->request.timeout_ns)
        exchange_time_out(p, x->sent_ns + x->request.timeout_ns);
    else
        exchange_finish(x, now);
}

static void exchange_answer_json(struct sim_exchange *x, int status, json_t *body)
{
    scoped_free char *text = body ? json_dumps(body, JSON_COMPACT) : xstrdup("");
    text_add(&x->body, text);
    json_decref(body);
    x->answer.status = status;
    x->answer.connected = true;
    x->answer.has_nonce = x->answer.nonce_ok = x->answer.has_check = x->answer.check_ok = true;
    x->answer.attempts = 1;
    struct sim *s = x->pending.sim;
    uint16_t gateway_site = s->topology->nodes[x->request.endpoint].site;
    if (!sim_path_open(s, x->transport->site, gateway_site, x->request.port) || !sim_serving(s, x->request.endpoint)) {
        exchange_lose(x);
        return;
    }
    x->pending.end = exchange_home;
    loop_timer_set(s->loop, &x->pending.timer,
                   loop_now(s->loop) + sim_round_trip_ns(s, x->transport->site, gateway_site) / 2);
}

static void exchange_served_by(struct sim_exchange *x, uint16_t site)
{
    snprintf(x->answer.region, sizeof(x->answer.region), "%s", x->pending.sim->topology->sites[site].name);
    x->answer.epoch = x->pending.sim->epoch;
}

static void serve_ops(struct sim_exchange *x, uint16_t site)
{
    unsigned long long from = 1, limit = 1000;
    const char *query = strchr(x->target, '?');
    if (query)
        sscanf(query, "?from=%llu&limit=%llu", &from, &limit);
    exchange_served_by(x, site);
    exchange_answer_json(x, 200, sim_ops_page(x->pending.sim, site, from, limit < 1000 ? limit : 1000));
}

static void serve_read(struct sim_exchange *x)
{
    struct sim *s = x->pending.sim;
    unsigned key = 0;
    const char *query = strstr(x->target, "key=k");
    if (query)
        sscanf(query, "key=k%u", &key);
    const struct sim_op *op = sim_latest(s, x->store, (uint16_t)key);
    exchange_served_by(x, x->store);
    exchange_answer_json(x, 200, json_pack("{s:o,s:i,s:o?,s:o?}", "key", json_sprintf("k%u", key), "version",
                                           op ? (int)op->version : 0, "op", op ? json_string(op->op) : NULL, "value",
                                           op ? json_string(op->value) : NULL));
}

static bool serve_write(struct sim_exchange *x)
{
    struct sim *s = x->pending.sim;
    scoped_json json_t *doc = json_loads(x->body_out, 0, NULL);
    const char *op = "", *key = "", *value = "";
    uint32_t version = 0;
    struct sim_op stored = {0};
    if (json_unpack(doc, "{s:s,s:s,s:s}", "op", &op, "key", &key, "value", &value) < 0) {
        exchange_answer_json(x, 400, NULL);
        return true;
    }
    snprintf(stored.op, sizeof(stored.op), "%s", op);
    snprintf(stored.value, sizeof(stored.value), "%s", value);
    stored.key = (uint16_t)strtoul(key + (key[0] == 'k'), NULL, 10);
    if (!sim_append(s, &stored, &version, &x->answer.lsn))
        return false;
    exchange_served_by(x, s->leader);
    exchange_answer_json(x, 200, json_pack("{s:s,s:s,s:i,s:I}", "op", op, "key", key, "version", (int)version, "lsn",
                                           (json_int_t)x->answer.lsn));
    return true;
}

static bool gateway_without_routes(const struct sim *s, uint16_t gateway)
{
    return json_object_size(json_object_get(s->nodes[gateway].config, "routes")) == 0;
}

static bool gateway_misrouted(const struct sim *s, uint16_t gateway)
{
    const json_t *upstream = json_at(s->nodes[gateway].config, "/routes/orders/upstream");
    return upstream && !text_eq(json_string_value(upstream), "pool:orders");
}

static void exchange_try(struct sim_pending *p, int64_t now);

/* A status of the origin is passed on, unless it says that something is wrong behind it. */
static bool passed_on(const struct sim_fate *f)
{
    return f->status && (f->status < 502 || f->status > 504) && !f->is_short && f->reset_after < 0;
}

/* The origin's answer is here, or will not come: serve it, try again, or give up not knowing. */
static void exchange_attempted(struct sim_pending *p, int64_t now)
{
    struct sim_exchange *x = (struct sim_exchange *)p;
    const struct sim_fate f = x->fate;
    bool served = !f.hangs && !f.status && !f.is_short && f.reset_after < 0;
    if (!f.hangs && passed_on(&f)) {
        exchange_answer_json(x, f.status, NULL);
    } else if (served && !x->request.post && sim_may_serve(p->sim, p->sim->topology->nodes[x->request.endpoint].site)) {
        serve_read(x);
    } else if (served && x->request.post && serve_write(x)) {
        return;
    } else if (served) {
        p->end = exchange_try;
        loop_timer_set(p->sim->loop, &p->timer, now + RETRY_NS);
    } else if (x->failures++ < SIM_RETRIES && now < x->budget_end_ns) {
        p->end = exchange_try;
        exchange_try(p, now);
    } else {
        exchange_answer_json(x, f.hangs ? 504 : f.status ? f.status : 502, NULL);
    }
}

/* One attempt at the store that is to serve; false: its origin does not misbehave with this request. */
static bool exchange_misbehaved(struct sim_exchange *x, int64_t now)
{
    struct sim *s = x->pending.sim;
    x->store = x->request.post ? s->leader : sim_reader(s, s->topology->nodes[x->request.endpoint].site);
    x->fate = sim_draw(s, sim_store_node(s, x->store));
    const struct sim_fate *f = &x->fate;
    int64_t took = f->first_byte_ns + f->body_ns;
    if (!f->hangs && !f->is_short && f->reset_after < 0 && !f->status && took == 0)
        return false;
    int64_t left = x->budget_end_ns - now, patience = left < SIM_TRY_NS ? left : SIM_TRY_NS;
    x->fate.hangs = f->hangs || took > patience;
    x->pending.end = exchange_attempted;
    loop_timer_set(s->loop, &x->pending.timer, now + (x->fate.hangs ? patience : took));
    return true;
}

/* Who calls, and what any origin can give by itself. An exchange that is tried again was let in before. */
static bool exchange_turned_away(struct sim_exchange *x, uint16_t gateway)
{
    int status = x->let_in ? 0 : sim_callers_rule(x->pending.sim, gateway, x->api_key);
    x->let_in = true;
    if (status != 0 || text_starts(x->target, "/bytes/")) {
        x->answer.not_forwarded = status == 503;
        exchange_answer_json(x, status ? status : 200, NULL);
        return true;
    }
    return false;
}

/* The region that leads has answered, or will; false: not now. */
static bool leader_takes(struct sim_exchange *x, bool listing, int64_t now)
{
    struct sim *s = x->pending.sim;
    if (listing) {
        serve_ops(x, s->leader);
        return true;
    }
    if (!sim_warm(s, s->leader, now))
        return false;
    if (exchange_misbehaved(x, now))
        return true;
    if (x->request.post)
        return serve_write(x);
    serve_read(x);
    return true;
}

/* At the gateway: serve, or come back in 20 ms, or give up with 503. */
static void exchange_try(struct sim_pending *p, int64_t now)
{
    struct sim_exchange *x = (struct sim_exchange *)p;
    struct sim *s = p->sim;
    uint16_t gateway = x->request.endpoint, site = s->topology->nodes[gateway].site;
    bool listing = text_starts(x->target, "/v1/ops");
    if (!sim_serving(s, gateway)) {
        exchange_lose(x);
        return;
    }
    if (text_starts(x->target, "/readyz") || text_starts(x->target, "/healthz")) {
        bool ready = !s->nodes[gateway].standby && !s->nodes[gateway].leave_at_ns && !sim_out_of_touch(s, gateway);
        exchange_answer_json(x, ready ? 200 : 503, NULL);
        return;
    }
    if (listing && s->topology->nodes[gateway].role == NODE_ORIGIN) {
        serve_ops(x, site);
        return;
    }
    if (gateway_without_routes(s, gateway)) {
        exchange_answer_json(x, 404, NULL);
        return;
    }
    if (sim_out_of_touch(s, gateway)) {
        x->answer.not_forwarded = true;
        exchange_answer_json(x, 503, NULL);
        return;
    }
    if (exchange_turned_away(x, gateway))
        return;
    if (sim_may_serve(s, site) && !gateway_misrouted(s, gateway) && leader_takes(x, listing, now))
        return;
    if (now < x->budget_end_ns) {
        loop_timer_set(s->loop, &p->timer, now + RETRY_NS);
        return;
    }
    x->answer.not_forwarded = true;
    exchange_answer_json(x, 503, NULL);
}

static void exchange_refuse(struct sim_exchange *x, int64_t now)
{
    x->answer = (struct exchange_answer){.code = CURLE_COULDNT_CONNECT_CODE, .refused = true};
    exchange_finish(x, now);
}

static void exchange_arrive(struct sim_pending *p, int64_t now)
{
    struct sim_exchange *x = (struct sim_exchange *)p;
    struct sim *s = p->sim;
    const struct sim_node *node = &s->nodes[x->request.endpoint];
    uint16_t site = s->topology->nodes[x->request.endpoint].site;
    bool barred = x->request.fresh && !sim_lets_in(s, x->transport->site, site);
    bool silent = barred || !sim_path_open(s, x->transport->site, site, x->request.port) || node->unplugged ||
                  node->state == NODE_FROZEN;
    if (sim_turned_away(s, x->transport->site, site, x->request.port)) {
        exchange_refuse(x, now);
        return;
    }
    if (silent) {
        x->answer.connected = node->state == NODE_FROZEN && !node->unplugged && !barred;
        exchange_lose(x);
        return;
    }
    if (!sim_serving(s, x->request.endpoint)) {
        exchange_refuse(x, now);
        return;
    }
    if (x->request.port == TOPO_PORT_HTTPS && x->request.fresh && node->stall) {
        exchange_lose(x);
        return;
    }
    if (x->request.port == TOPO_PORT_HTTPS && x->request.fresh && !sim_tls_accepted(s, x->request.endpoint)) {
        x->answer =
            (struct exchange_answer){.code = CURLE_PEER_FAILED_VERIFICATION_CODE, .refused = true, .insecure = true};
        exchange_finish(x, now);
        return;
    }
    x->answer.connected = true;
    x->budget_end_ns = now + SIM_BUDGET_NS;
    p->end = exchange_try;
    exchange_try(p, now);
}

static void exchange_due(struct loop_timer *t, int64_t now)
{
    struct sim_pending *p = (struct sim_pending *)t;
    p->end(p, now);
}

static int transport_send(struct transport *t, const struct exchange_request *r, exchange_done *done, void *arg,
                          struct err *e)
{
    (void)e;
    struct sim_transport *from = (struct sim_transport *)t;
    struct sim *s = from->sim;
    struct sim_exchange *x = xcalloc(1, sizeof(*x));
    x->transport = from;
    x->request = *r;
    snprintf(x->target, sizeof(x->target), "%s", r->target);
    snprintf(x->body_out, sizeof(x->body_out), "%s", r->body ? r->body : "");
    snprintf(x->api_key, sizeof(x->api_key), "%s", r->api_key ? r->api_key : "");
    x->done = done;
    x->arg = arg;
    x->sent_ns = loop_now(s->loop);
    x->pending.timer.due = exchange_due;
    x->pending.end = exchange_arrive;
    sim_pending_start(s, &x->pending,
                      x->sent_ns + sim_round_trip_ns(s, from->site, s->topology->nodes[r->endpoint].site) / 2);
    return 0;
}

static void transport_free(struct transport *t)
{
    (void)t; /* the sim owns its transports */
}

static const struct transport_ops sim_transport_ops = {.send = transport_send, .free = transport_free};

void sim_service_new(struct sim *s)
{
    s->transports = xcalloc(s->topology->site_count, sizeof(*s->transports));
    for (uint16_t site = 0; site < s->topology->site_count; site++)
        s->transports[site] = (struct sim_transport){.base.ops = &sim_transport_ops, .sim = s, .site = site};
}

void sim_service_free(struct sim *s)
{
    free(s->transports);
}

struct transport *sim_transport(struct lab *lab, uint16_t site)
{
    return &((struct sim *)lab)->transports[site].base;
}
