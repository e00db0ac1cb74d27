/* SPDX-License-Identifier: MIT */
/*
 * What the model's nodes say of themselves, and the orders that they take.
 */
#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include <stdio.h>
#include <string.h>

#define ADMIN_NS (200 * NS_PER_US)
#define EPOCH_US INT64_C(1700000000000000) /* wall time at run time 0 in this world */

struct sim_question {
    struct sim_pending pending;
    lab_answer_fn *done;
    void *arg;
    int64_t sent_ns;
    int status;
    json_t *body;
    struct lab_course course;
};

static void question_end(struct sim_pending *p, int64_t now)
{
    struct sim_question *q = (struct sim_question *)p;
    struct lab_answer a = {.status = q->status, .body = q->body, .sent_ns = q->sent_ns, .done_ns = now,
                           .course = q->course};
    q->done(q->arg, &a);
    json_decref(q->body);
    sim_pending_free(p);
}

static void question_due(struct loop_timer *t, int64_t now)
{
    question_end((struct sim_pending *)t, now);
}

static struct sim_question *question_start(struct sim *s, int status, json_t *body, int64_t after_ns,
                                           lab_answer_fn *done, void *arg)
{
    struct sim_question *q = xcalloc(1, sizeof(*q));
    *q = (struct sim_question){.pending = {.timer.due = question_due, .end = question_end}, .done = done, .arg = arg,
                               .sent_ns = loop_now(s->loop), .status = status, .body = body};
    sim_pending_start(s, &q->pending, q->sent_ns + after_ns);
    return q;
}

json_t *sim_node_config(const struct topology *t, uint16_t node)
{
    const struct topo_node *n = &t->nodes[node];
    static const char *const roles[] = {"gateway", "origin", "witness", "client", "dns", "control"};
    json_t *config =
        json_pack("{s:s,s:s,s:s}", "node", n->name, "role", roles[n->role], "region", t->sites[n->site].name);
    if (n->role != NODE_GATEWAY)
        return config;
    json_t *members = json_array();
    for (uint16_t i = 0; i < t->node_count; i++)
        if (t->nodes[i].role == NODE_ORIGIN)
            json_array_append_new(members, json_pack("{s:s,s:s}", "name", t->nodes[i].name, "region",
                                                     t->sites[t->nodes[i].site].name));
    json_object_set_new(config, "routes", json_pack("{s:{s:s,s:s,s:{s:i}}}", "orders", "path", "/v1/", "upstream",
                                                    "pool:orders", "rate_limit", "per_s", 100000));
    json_object_set_new(config, "pools", json_pack("{s:{s:o}}", "orders", "members", members));
    return config;
}

static int64_t wall_us(const struct sim *s, const struct sim_node *n)
{
    int64_t now = loop_now(s->loop);
    double gained = (double)(now - n->clock_since_ns) * (double)n->clock_gain_ppm / (double)PPM;
    return EPOCH_US + (now + n->clock_step_ns + (int64_t)gained) / NS_PER_US;
}

/* One fault at a time: the loader lets no two on one node overlap. */
static int clock_order(struct sim *s, struct sim_node *n, const json_t *body)
{
    const json_t *rate = json_object_get(body, "rate_ppm");
    n->clock_step_ns = json_integer_value(json_object_get(body, "step_ms")) * NS_PER_MS;
    n->clock_gain_ppm = rate ? json_integer_value(rate) - PPM : 0;
    n->clock_since_ns = loop_now(s->loop);
    return 200;
}

static json_t *status_common(const struct sim *s, uint16_t node)
{
    const struct topo_node *n = &s->topology->nodes[node];
    static const char *const roles[] = {"gateway", "origin", "witness", "client", "dns", "control"};
    char fingerprint[SHA256_HEX];
    json_fingerprint(s->nodes[node].config, fingerprint);
    return json_pack("{s:s,s:s,s:s,s:s,s:I}", "node", n->name, "role", roles[n->role], "region",
                     s->topology->sites[n->site].name, "config", fingerprint, "time_us",
                     (json_int_t)wall_us(s, &s->nodes[node]));
}

static void status_file(const struct sim *s, uint16_t node, json_t *status)
{
    const struct sim_node *n = &s->nodes[node];
    char file[SHA256_HEX];
    const char *word = sim_file_word(n);
    json_fingerprint(n->file, file);
    json_object_update_new(status, json_pack("{s:s?,s:s,s:I,s:o}", "file", text_eq(word, "ok") ? file : NULL,
                                             "file_state", word, "desired_age_ms",
                                             (json_int_t)((loop_now(s->loop) - n->desired_as_of_ns) / NS_PER_MS),
                                             "desired_lag", sim_lag_status(s, node, s->topology->nodes[node].site)));
}

static void status_gateway(const struct sim *s, uint16_t node, json_t *status)
{
    char desired[SHA256_HEX];
    json_fingerprint(s->nodes[node].desired, desired);
    bool drift = s->nodes[node].drift_since_ns != 0 && !sim_flaw(s, "drift_unreported");
    json_t *upstreams = json_array();
    for (uint16_t site = 0; site < s->topology->site_count; site++) {
        if (s->topology->sites[site].kind != SITE_REGION)
            continue;
        uint16_t store = sim_store_node(s, site);
        json_array_append_new(upstreams, json_pack("{s:s,s:b,s:b}", "name", s->topology->nodes[store].name, "healthy",
                                                   sim_serving(s, store), "leader", site == s->leader));
    }
    if (s->topology->tls)
        json_object_set_new(status, "tls", sim_tls_status(s, node));
    char refused[SHA256_HEX] = "";
    if (s->nodes[node].refused)
        json_fingerprint(s->nodes[node].refused, refused);
    json_object_set_new(status, "desired_refused", refused[0] ? json_string(refused) : json_null());
    char applied[SHA256_HEX];
    json_fingerprint(s->nodes[node].applied, applied);
    json_object_update_new(status, json_pack("{s:s,s:b,s:s?,s:s,s:b,s:o}", "desired", desired, "drift", drift,
                                             "drift_kind", drift ? sim_drift_kind(&s->nodes[node]) : NULL, "applied",
                                             applied, "standby", s->nodes[node].standby, "upstreams", upstreams));
    status_file(s, node, status);
}

static void status_origin(const struct sim *s, uint16_t node, json_t *status)
{
    uint16_t site = s->topology->nodes[node].site;
    json_t *peers = json_array();
    for (uint16_t to = 0; to < s->topology->site_count; to++)
        if (s->topology->sites[to].kind == SITE_REGION && to != site)
            json_array_append_new(peers, json_pack("{s:s,s:o}", "region", s->topology->sites[to].name, "lag",
                                                   sim_lag_status(s, node, to)));
    json_object_update_new(status, json_pack("{s:b,s:i,s:I,s:s,s:o,s:I}", "leader", site == s->leader, "epoch",
                                             (int)s->epoch, "lsn", (json_int_t)s->stores[site].log.len, "mode",
                                             s->topology->replication.mode == REPLICATION_SYNC ? "sync" : "async",
                                             "peers", peers, "frames_broken", (json_int_t)s->nodes[node].noticed));
}

static json_t *node_status(const struct sim *s, uint16_t node)
{
    json_t *status = status_common(s, node);
    enum node_role role = s->topology->nodes[node].role;
    if (role == NODE_GATEWAY)
        status_gateway(s, node, status);
    else if (role == NODE_ORIGIN)
        status_origin(s, node, status);
    else if (role != NODE_CONTROL)
        json_object_update_new(status, json_pack("{s:s?,s:i}", "holder", s->leader == TOPO_NONE ? NULL
                               : s->topology->sites[s->leader].name, "epoch", (int)s->epoch));
    return status;
}

static int admin_post(struct sim *s, uint16_t node, const char *target, const char *body, json_t **answer)
{
    scoped_json json_t *doc = json_loads(body ? body : "{}", 0, NULL);
    *answer = json_object();
    if (text_eq(target, "/standby")) {
        s->nodes[node].standby = json_is_true(json_object_get(doc, "standby"));
        return 200;
    }
    if (text_eq(target, "/tls")) {
        s->nodes[node].stall = json_is_true(json_object_get(doc, "stall"));
        return 200;
    }
    if (text_eq(target, "/revocations"))
        return sim_callers_revoke(s, node);
    if (text_eq(target, "/lag"))
        return sim_lag_order(s, node, doc);
    if (text_eq(target, "/clock"))
        return clock_order(s, &s->nodes[node], doc);
    const char *region = json_string_value(json_object_get(doc, "to"));
    uint16_t to = region ? topo_site_find(s->topology, region) : TOPO_NONE;
    bool leads = s->topology->nodes[node].site == s->leader;
    return text_eq(target, "/handover") && to != TOPO_NONE && leads && sim_hand_over(s, to) ? 202 : 409;
}

int sim_admin(struct lab *lab, uint16_t node, const char *method, const char *target, const char *body,
              int64_t timeout_ns, lab_answer_fn *done, void *arg, struct err *e)
{
    (void)e;
    struct sim *s = (struct sim *)lab;
    bool up = s->nodes[node].state == NODE_UP && loop_now(s->loop) >= s->nodes[node].ready_at_ns;
    if (!up) {
        question_start(s, 0, NULL, s->nodes[node].state == NODE_FROZEN ? timeout_ns : ADMIN_NS, done, arg);
        return 0;
    }
    json_t *answer = NULL;
    int status = 200;
    unsigned long long from = 1, limit = 1000;
    if (text_starts(target, "/misbehave/")) {
        scoped_json json_t *knobs = json_loads(body ? body : "{}", 0, NULL);
        status = sim_misbehave_call(s, node, method, target + strlen("/misbehave/"), knobs);
    } else if (text_eq(target, "/misbehave"))
        answer = json_pack("{s:O}", "slots", s->nodes[node].ills);
    else if (text_eq(method, "POST"))
        status = admin_post(s, node, target, body, &answer);
    else if (sscanf(target, "/v1/ops?from=%llu&limit=%llu", &from, &limit) >= 1)
        answer = sim_ops_page(s, s->topology->nodes[node].site, from, limit);
    else if (sscanf(target, "/v1/lost?from=%llu&limit=%llu", &from, &limit) >= 1)
        answer = sim_lost_page(s, s->topology->nodes[node].site, from, limit);
    else if (text_eq(method, "PUT") && text_eq(target, "/config")) {
        scoped_json json_t *order = json_loads(body ? body : "{}", 0, NULL);
        status = sim_config_patch(&s->nodes[node], order);
    } else if (text_starts(target, "/config"))
        answer = json_deep_copy(s->nodes[node].config);
    else
        answer = node_status(s, node);
    question_start(s, status, answer, ADMIN_NS, done, arg);
    return 0;
}

int sim_knock(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
              lab_answer_fn *done, void *arg, struct err *e)
{
    (void)e;
    (void)http_target;
    struct sim *s = (struct sim *)lab;
    const struct sim_node *n = &s->nodes[to];
    enum knock how = KNOCK_ANSWERED;
    uint16_t here = s->topology->nodes[from].site, there = s->topology->nodes[to].site;
    uint16_t port = topo_service_port(s->topology->nodes[to].role);
    bool away = sim_turned_away(s, here, there, port);
    if (!away && (n->unplugged || !sim_path_open(s, here, there, port) || !sim_lets_in(s, here, there)))
        how = KNOCK_SILENT;
    else if (!away && n->state == NODE_FROZEN)
        how = KNOCK_CONNECTED_SILENT;
    else if (away || !sim_serving(s, to))
        how = KNOCK_REFUSED;
    bool waits = how == KNOCK_SILENT || how == KNOCK_CONNECTED_SILENT;
    question_start(s, (int)how, NULL, waits ? timeout_ns : ADMIN_NS, done, arg);
    return 0;
}

int sim_handshake(struct lab *lab, uint16_t from, uint16_t to, int64_t timeout_ns, lab_answer_fn *done, void *arg,
                  struct err *e)
{
    (void)e;
    struct sim *s = (struct sim *)lab;
    const struct sim_node *n = &s->nodes[to];
    enum handshake_end how = HANDSHAKE_DONE;
    if (n->unplugged || !sim_path_open(s, s->topology->nodes[from].site, s->topology->nodes[to].site, TOPO_PORT_HTTPS))
        how = HANDSHAKE_SILENT;
    else if (n->state == NODE_FROZEN || n->stall)
        how = HANDSHAKE_STALLED;
    else if (!sim_serving(s, to))
        how = HANDSHAKE_REFUSED;
    bool waits = how == HANDSHAKE_SILENT || how == HANDSHAKE_STALLED;
    question_start(s, (int)how, how == HANDSHAKE_DONE ? sim_tls_seen(s, to) : NULL, waits ? timeout_ns : ADMIN_NS, done,
                   arg);
    return 0;
}

int sim_ask(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
            lab_answer_fn *done, void *arg, struct err *e)
{
    (void)e;
    struct sim *s = (struct sim *)lab;
    const struct sim_node *n = &s->nodes[to];
    struct lab_answer a = {.course = {.end = END_TIMEOUT, .retry_after_s = -1}};
    int64_t after = timeout_ns;
    bool reached =
        !n->unplugged && sim_path_open(s, s->topology->nodes[from].site, s->topology->nodes[to].site, TOPO_PORT_HTTP);
    if (reached && sim_serving(s, to)) {
        sim_answer_course(s, from, to, http_target, &a, &after);
        if (text_eq(http_target, "/healthz?deep=1") && !sim_deep_well(s))
            a.status = 503;
    } else if (reached && n->state != NODE_FROZEN) {
        a.course.end = END_REFUSED;
        after = ADMIN_NS;
    }
    question_start(s, a.status, NULL, after, done, arg)->course = a.course;
    return 0;
}
