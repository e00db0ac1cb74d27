/* SPDX-License-Identifier: MIT */
#include "tests/unit/lab/fake_lab.h"
#include "tests/unit/lab/fake_files.h"
#include "tests/unit/lab/fake_ill.h"
#include "tests/unit/lab/fake_late.h"
#include "tests/unit/lab/fake_supply.h"
#include "tests/unit/lab/fake_tls.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct fake_call {
    struct fake_call *next;
    struct fake_lab *lab;
    struct loop_timer timer;
    lab_answer_fn *done;
    void *arg;
    int status;
    json_t *body;
    struct lab_course course;
};

struct fake_lab *fake_of(struct lab *lab)
{
    return (struct fake_lab *)(void *)lab;
}

int fake_permit(struct fake_lab *f, struct err *e)
{
    f->operations++;
    if (f->fail_after >= 0 && f->fail_after-- == 0) {
        return err_set(e, ERR_RUN, "fake", "told to fail");
    }
    return f->deaf ? 1 : 0;
}

static struct loop *fake_loop(struct lab *lab)
{
    return fake_of(lab)->loop;
}

static struct lab_mechanism fake_mechanism(struct lab *lab, enum lab_effect effect)
{
    (void)lab;
    (void)effect;
    return (struct lab_mechanism){.name = "sim", .why = "a lab of arrays", .available = true};
}

static int fake_start(struct lab *lab, uint16_t node, unsigned how, struct err *e)
{
    struct fake_lab *f = fake_of(lab);
    int rc = fake_permit(f, e);
    if (rc == 0 && f->stalling & 1u << node) {
        rc = loop_run(f->loop, loop_now(f->loop) + 60 * NS_PER_S, NULL, e) < 0 ? -1 : 0;
    }
    if (rc == 0) {
        struct fake_node *n = &f->nodes[node];
        n->state = NODE_UP;
        n->starts++;
        n->fresh_starts += (how & LAB_START_FRESH) != 0;
        n->started = how;
        json_object_clear(n->ills);
        json_object_clear(n->slots);
        n->clock_step_ns = n->clock_gain_ppm = 0;
    }
    return rc < 0 ? -1 : 0;
}

static int fake_kill(struct lab *lab, uint16_t node, struct err *e)
{
    int rc = fake_permit(fake_of(lab), e);
    if (rc == 0) {
        fake_of(lab)->nodes[node].state = NODE_DOWN;
    }
    return rc < 0 ? -1 : 0;
}

static int fake_freeze(struct lab *lab, uint16_t node, bool frozen, struct err *e)
{
    int rc = fake_permit(fake_of(lab), e);
    struct fake_node *n = &fake_of(lab)->nodes[node];
    if (rc == 0 && n->state != NODE_DOWN) {
        n->state = frozen ? NODE_FROZEN : NODE_UP;
    }
    return rc < 0 ? -1 : 0;
}

static int fake_signal(struct lab *lab, uint16_t node, int sig, struct err *e)
{
    struct fake_node *n = &fake_of(lab)->nodes[node];
    int rc = fake_permit(fake_of(lab), e);
    if (rc == 0 && sig == SIGTERM && !fake_of(lab)->ignores_hangup) {
        n->state = NODE_DOWN;
    }
    if (rc == 0 && sig == SIGHUP && n->file && strcmp(fake_file_word(n), "ok") == 0 && !fake_of(lab)->ignores_hangup) {
        json_decref(n->running);
        n->running = json_deep_copy(n->file);
        n->applied[0] = '\0';
        fake_tls_read(n);
    }
    return rc < 0 ? -1 : 0;
}

static enum node_state fake_state(struct lab *lab, uint16_t node)
{
    return fake_of(lab)->nodes[node].state;
}

static int fake_exit(struct lab *lab, uint16_t node)
{
    return fake_of(lab)->nodes[node].exit;
}

static int fake_path_set(struct lab *lab, uint16_t path, const struct path_state *wanted, struct err *e)
{
    int rc = fake_permit(fake_of(lab), e);
    if (rc == 0) {
        fake_of(lab)->paths[path] = *wanted;
    }
    return rc < 0 ? -1 : 0;
}

static int fake_path_get(struct lab *lab, uint16_t path, struct path_state *actual, struct err *e)
{
    (void)e;
    *actual = fake_of(lab)->paths[path];
    return 0;
}

static int fake_unplug(struct lab *lab, uint16_t node, bool unplugged, struct err *e)
{
    int rc = fake_permit(fake_of(lab), e);
    if (rc == 0) {
        fake_of(lab)->nodes[node].unplugged = unplugged;
    }
    return rc < 0 ? -1 : 0;
}

static void forget(struct fake_call *c)
{
    for (struct fake_call **at = &c->lab->pending; *at; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    loop_timer_stop(&c->timer);
    json_decref(c->body);
    free(c);
}

static void call_back(struct loop_timer *t, int64_t now)
{
    struct fake_call *c = (struct fake_call *)(void *)((char *)t - offsetof(struct fake_call, timer));
    struct lab_answer answer = {
        .status = c->status, .body = c->body, .sent_ns = now, .done_ns = now, .course = c->course};
    c->done(c->arg, &answer);
    forget(c);
}

int fake_answer_later(struct fake_lab *f, int status, json_t *take_body, int64_t after_ns, lab_answer_fn *done,
                      void *arg)
{
    struct fake_call *c = xcalloc(1, sizeof(*c));
    *c = (struct fake_call){.next = f->pending,
                            .lab = f,
                            .timer.due = call_back,
                            .done = done,
                            .arg = arg,
                            .status = status,
                            .body = take_body};
    f->pending = c;
    loop_timer_set(f->loop, &c->timer, loop_now(f->loop) + after_ns);
    return 0;
}

/* An origin that answers /bytes/N and /healthz as its knobs say. */
static int fake_ask(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
                    lab_answer_fn *done, void *arg, struct err *e)
{
    struct fake_lab *f = fake_of(lab);
    int64_t after_ns = NS_PER_MS;
    struct lab_course course = {.connected_ns = loop_now(f->loop) + 1, .retry_after_s = -1};
    (void)from;
    (void)e;
    int status = fake_ill_answer(&f->nodes[to], http_target, timeout_ns, &course, &after_ns);
    course.first_byte_ns = status ? loop_now(f->loop) + after_ns : 0;
    fake_answer_later(f, status, NULL, after_ns, done, arg);
    f->pending->course = course;
    return 0;
}

static json_t *status_of(const struct fake_lab *f, uint16_t node)
{
    const struct fake_node *n = &f->nodes[node];
    char running[SHA256_HEX], desired[SHA256_HEX], refused[SHA256_HEX];
    json_fingerprint(n->running, running);
    json_fingerprint(n->desired, desired);
    if (n->refused) {
        json_fingerprint(n->refused, refused);
    }
    json_t *status = json_pack("{s:s, s:s, s:s?, s:b}", "config", running, "desired", desired, "desired_refused",
                               n->refused ? refused : NULL, "leader", f->leader == (int)node);
    json_object_update_new(status, fake_lateness(f, node));
    json_object_set_new(status, "applied", json_string(n->applied[0] ? n->applied : running));
    json_object_set_new(status, "tls", fake_tls_status(n));
    json_object_set_new(status, "time_us", json_integer(fake_wall_ns(f, node) / NS_PER_US));
    if (!n->silent_about_files) {
        char file[SHA256_HEX];
        json_fingerprint(n->file, file);
        json_object_update_new(status, json_pack("{s:s?, s:s}", "file", strcmp(fake_file_word(n), "ok") ? NULL : file,
                                                 "file_state", fake_file_word(n)));
    }
    return status;
}

/* The traffic manager: the document, unless it ignores what it was told, decides about every name but the control. */
static json_t *dns_answer(const struct fake_lab *f, uint16_t node, bool control)
{
    const json_t *doc = f->ignores_hangup ? f->nodes[node].running : f->nodes[node].file;
    const char *word = json_string_value(json_object_get(doc, "answer"));
    if (control) {
        return json_pack("{s:i, s:[s], s:i}", "rcode", 0, "answer", "192.0.2.53", "ttl", 0);
    }
    if (word && (strcmp(word, "nxdomain") == 0 || strcmp(word, "empty") == 0)) {
        return json_pack("{s:i, s:[], s:i}", "rcode", *word == 'n' ? 3 : 0, "answer", "ttl", 0);
    }
    return json_pack("{s:i, s:[s], s:I}", "rcode", 0, "answer",
                     word && strcmp(word, "other") == 0 ? "192.0.2.1" : "10.1.1.2", "ttl",
                     json_integer_value(json_object_get(doc, "ttl")));
}

static int fake_admin(struct lab *lab, uint16_t node, const char *method, const char *target, const char *body,
                      int64_t timeout_ns, lab_answer_fn *done, void *arg, struct err *e)
{
    struct fake_lab *f = fake_of(lab);
    scoped_json json_t *doc = body ? json_loads(body, 0, NULL) : NULL;
    (void)e;
    if (f->nodes[node].state != NODE_UP) {
        return fake_answer_later(f, 0, NULL, timeout_ns, done, arg);
    }
    if (f->topo.nodes[node].role == NODE_DNS) {
        return fake_answer_later(f, 200, dns_answer(f, node, strcmp(target, "/control") == 0), NS_PER_MS, done, arg);
    }
    if (strcmp(target, "/status") == 0 && strcmp(method, "GET") == 0) {
        return fake_answer_later(f, 200, status_of(f, node), NS_PER_MS, done, arg);
    }
    if (strcmp(target, "/config") == 0 && strcmp(method, "GET") == 0) {
        return fake_answer_later(f, 200, json_deep_copy(f->nodes[node].running), NS_PER_MS, done, arg);
    }
    if (strcmp(target, "/config") == 0) {
        return fake_answer_later(f, fake_patch(f, &f->nodes[node], doc), NULL, NS_PER_MS, done, arg);
    }
    if (strcmp(target, "/misbehave") == 0) {
        return fake_answer_later(f, 200, json_pack("{s:O}", "slots", f->nodes[node].ills), NS_PER_MS, done, arg);
    }
    if (strncmp(target, "/misbehave/", 11) == 0) {
        return fake_answer_later(f, fake_ill_order(f, &f->nodes[node], method, target + 11, doc), NULL, NS_PER_MS, done,
                                 arg);
    }
    if (strcmp(target, "/tls") == 0) {
        f->nodes[node].stall = f->deaf ? f->nodes[node].stall : json_is_true(json_object_get(doc, "stall"));
        return fake_answer_later(f, 200, NULL, NS_PER_MS, done, arg);
    }
    if (strcmp(target, "/lag") == 0) {
        return fake_answer_later(f, fake_lag_order(f, node, doc), NULL, NS_PER_MS, done, arg);
    }
    if (strcmp(target, "/clock") == 0) {
        return fake_answer_later(f, fake_clock_order(f, node, doc), NULL, NS_PER_MS, done, arg);
    }
    if (strcmp(target, "/standby") == 0) {
        f->nodes[node].standby = json_is_true(json_object_get(doc, "standby"));
        return fake_answer_later(f, 200, NULL, NS_PER_MS, done, arg);
    }
    if (strcmp(target, "/revocations") == 0) {
        bool taken = f->leader == (int)node && !f->deaf;
        (void)snprintf(f->revoked, sizeof(f->revoked), "%s",
                       taken ? json_string_value(json_object_get(doc, "subject")) : "");
        return fake_answer_later(f, taken ? 200 : 409, NULL, NS_PER_MS, done, arg);
    }
    bool leads = strcmp(target, "/handover") == 0 && f->leader == (int)node;
    const char *to = json_string_value(json_object_get(doc, "to"));
    if (leads) {
        f->leader = to && strcmp(to, "west") == 0 ? 5 : 2;
    }
    return fake_answer_later(f, leads ? 202 : 409, NULL, NS_PER_MS, done, arg);
}

static bool open_between(const struct fake_lab *f, uint16_t a, uint16_t b)
{
    for (uint16_t p = 0; p < FAKE_PATHS; p++) {
        bool this_way = path_from(&f->topo, p) == a && path_to(&f->topo, p) == b;
        bool that_way = path_from(&f->topo, p) == b && path_to(&f->topo, p) == a;
        if ((this_way || that_way) && f->paths[p].cut && !f->leaky) {
            return false;
        }
    }
    return true;
}

static int fake_knock(struct lab *lab, uint16_t from, uint16_t to, const char *http_target, int64_t timeout_ns,
                      lab_answer_fn *done, void *arg, struct err *e)
{
    (void)http_target;
    (void)e;
    struct fake_lab *f = fake_of(lab);
    const struct fake_node *n = &f->nodes[to];
    if (n->unplugged || !open_between(f, f->topo.nodes[from].site, f->topo.nodes[to].site)) {
        return fake_answer_later(f, KNOCK_SILENT, NULL, timeout_ns, done, arg);
    }
    bool full = n->limits[RESOURCE_DESCRIPTORS] != LAB_PLENTY && n->crowd > 0;
    if (n->state == NODE_FROZEN || (n->state == NODE_UP && full)) {
        return fake_answer_later(f, f->topo.nodes[to].role == NODE_DNS ? KNOCK_SILENT : KNOCK_CONNECTED_SILENT, NULL,
                                 timeout_ns, done, arg);
    }
    return fake_answer_later(f, n->state == NODE_UP ? KNOCK_ANSWERED : KNOCK_REFUSED, NULL, NS_PER_MS, done, arg);
}

/* What stands in the way of a port from one site to another. */
static enum knock obstacle(const struct fake_lab *f, uint16_t from, uint16_t to, uint16_t port)
{
    uint16_t link = topo_link_find(&f->topo, from, to);
    const struct path_state *p = &f->paths[path_of(link, f->links[link].a != from)];
    for (uint16_t i = 0; i < p->gate_count && !p->cut; i++) {
        if (p->gates[i].port == 0 || p->gates[i].port == port) {
            enum gate_way way = p->gates[i].way;
            return way == GATE_DROP ? KNOCK_SILENT : way == GATE_REFUSE ? KNOCK_REFUSED : KNOCK_UNREACHABLE;
        }
    }
    return p->cut ? KNOCK_SILENT : KNOCK_ANSWERED;
}

static int fake_knock_port(struct lab *lab, uint16_t from, uint16_t to, uint16_t port, int64_t timeout_ns,
                           lab_answer_fn *done, void *arg, struct err *e)
{
    (void)e;
    struct fake_lab *f = fake_of(lab);
    uint16_t here = f->topo.nodes[from].site, there = f->topo.nodes[to].site;
    enum knock how = f->leaky ? KNOCK_ANSWERED : obstacle(f, here, there, port);
    if (how == KNOCK_ANSWERED && !f->leaky && obstacle(f, there, here, port) != KNOCK_ANSWERED) {
        how = KNOCK_SILENT;
    }
    return fake_answer_later(f, (int)how, NULL, how == KNOCK_SILENT ? timeout_ns : NS_PER_MS, done, arg);
}

static const struct lab_ops fake_ops = {
    .kind = "fake",
    .loop = fake_loop,
    .mechanism = fake_mechanism,
    .node_start = fake_start,
    .node_kill = fake_kill,
    .node_freeze = fake_freeze,
    .node_signal = fake_signal,
    .node_state = fake_state,
    .node_exit = fake_exit,
    .node_starve = fake_starve,
    .node_supply = fake_supply,
    .node_crowd = fake_crowd,
    .node_config_get = fake_config_get,
    .node_config_first = fake_config_first,
    .node_file_get = fake_file_get,
    .node_file_set = fake_file_set,
    .node_desired_get = fake_desired_get,
    .node_desired_set = fake_desired_set,
    .path_set = fake_path_set,
    .path_get = fake_path_get,
    .node_unplug = fake_unplug,
    .admin = fake_admin,
    .knock = fake_knock,
    .tls_issue = fake_tls_issue,
    .tls_get = fake_tls_get,
    .tls_set = fake_tls_set,
    .handshake = fake_handshake,
    .connections = fake_connections,
    .disconnect = fake_disconnect,
    .knock_port = fake_knock_port,
    .ask = fake_ask,
};

static void draw_world(struct fake_lab *f)
{
    static const char *const names[FAKE_NODES] = {"east/1", "east/2", "east/origin-1", "west/1",
                                                  "west/2", "west/origin-1", "clients/1"};
    f->sites[0] = (struct topo_site){
        .name = "east", .kind = SITE_REGION, .first_node = 0, .node_count = 3, .gateways = 2, .origins = 1};
    f->sites[1] = (struct topo_site){.name = "west",
                                     .kind = SITE_REGION,
                                     .role = REGION_STANDBY,
                                     .home = 1,
                                     .first_node = 3,
                                     .node_count = 3,
                                     .gateways = 2,
                                     .origins = 1};
    f->sites[2] =
        (struct topo_site){.name = "clients", .kind = SITE_VANTAGE, .first_node = FAKE_CLIENT, .node_count = 1};
    for (uint16_t i = 0; i < FAKE_NODES; i++) {
        struct topo_node *n = &f->nodes_on_paper[i];
        n->name = names[i];
        n->site = i / 3;
        n->role = i == FAKE_CLIENT ? NODE_CLIENT : i % 3 == 2 ? NODE_ORIGIN : NODE_GATEWAY;
        n->number = n->role == NODE_ORIGIN ? 1 : (uint16_t)(i % 3 + 1);
        snprintf(n->address, sizeof(n->address), "10.%u.%u.2", i / 3u + 1, i % 3u + 1);
    }
    f->links[0] = (struct topo_link){.a = 0, .b = 1, .baseline = {.delay_ns = 40 * NS_PER_MS}};
    f->links[1] = (struct topo_link){.a = 0, .b = 2, .baseline = {.loss_ppm = 1000, .rate_bps = 8000000}};
    f->links[2] = (struct topo_link){.a = 1, .b = 2};
    f->topo = (struct topology){.name = "fake", .sites = f->sites, .nodes = f->nodes_on_paper, .links = f->links,
                                .site_count = FAKE_SITES, .node_count = FAKE_NODES, .link_count = FAKE_LINKS};
}

struct fake_lab *fake_lab_new(void)
{
    struct fake_lab *f = xcalloc(1, sizeof(*f));
    f->lab.ops = &fake_ops;
    f->loop = loop_new_virtual(0);
    f->leader = 2;
    f->fail_after = -1;
    draw_world(f);
    for (uint16_t i = 0; i < FAKE_NODES; i++) {
        f->nodes[i].state = NODE_UP;
        for (int r = 0; r < LAB_RESOURCES; r++) {
            f->nodes[i].limits[r] = LAB_PLENTY;
        }
        f->nodes[i].ills = json_object();
        rng_init(&f->nodes[i].dice, 1, "fake");
        f->nodes[i].slots = json_object();
        f->nodes[i].file = json_pack("{s:s, s:i}", "node", f->topo.nodes[i].name, "drain_ms", 500);
        f->nodes[i].running = json_deep_copy(f->nodes[i].file);
        f->nodes[i].desired = json_deep_copy(f->nodes[i].file);
        fake_tls_furnish(&f->nodes[i]);
    }
    for (uint16_t p = 0; p < FAKE_PATHS; p++) {
        f->paths[p] = f->links[p / 2].baseline;
    }
    return f;
}

void fake_lab_free(struct fake_lab *f)
{
    if (!f) {
        return;
    }
    while (f->pending) {
        forget(f->pending);
    }
    for (uint16_t i = 0; i < FAKE_NODES; i++) {
        json_decref(f->nodes[i].ills);
        json_decref(f->nodes[i].file);
        json_decref(f->nodes[i].running);
        json_decref(f->nodes[i].desired);
        json_decref(f->nodes[i].refused);
        free(f->nodes[i].broken);
        fake_tls_forget(&f->nodes[i]);
        json_decref(f->nodes[i].slots);
    }
    loop_free(f->loop);
    free(f);
}

void fake_lab_pass(struct fake_lab *f, int64_t ns)
{
    loop_run(f->loop, loop_now(f->loop) + ns, NULL, NULL);
}
