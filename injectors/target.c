/* SPDX-License-Identifier: MIT */
/*
 * Selecting targets is a walk over the topology; looking at them is a round of asynchronous questions.
 *
 * A look must not blame the target for what another fault does to the way there, so the observer is chosen among the
 * sites whose two paths to the target are meant to be open. The patience of a look grows with the delay of that way.
 */
#include "injectors/target.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_NS (300 * NS_PER_MS)
#define STATUS_PATIENCE_NS (500 * NS_PER_MS)
#define STEP_NS (5 * NS_PER_MS)
#define TAKE_UP_NS (3 * NS_PER_S)
#define ASK_AGAIN_NS (20 * NS_PER_MS)

size_t target_nodes(const struct topology *t, const struct action *a, uint16_t *nodes, size_t max)
{
    if (a->target == TARGET_NODE) {
        nodes[0] = a->node;
        return max > 0 && a->node < t->node_count ? 1 : 0;
    }
    if (a->target != TARGET_REGION || a->site >= t->site_count) {
        return 0;
    }
    const struct topo_site *s = &t->sites[a->site];
    size_t n = 0;
    for (uint16_t i = 0; i < s->node_count && n < max; i++) {
        nodes[n++] = (uint16_t)(s->first_node + i);
    }
    return n;
}

size_t target_gateways(const struct topology *t, const struct action *a, uint16_t nodes[TARGET_NODES_MAX])
{
    uint16_t all[TARGET_NODES_MAX];
    size_t n = 0, count = target_nodes(t, a, all, TARGET_NODES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (t->nodes[all[i]].role == NODE_GATEWAY) {
            nodes[n++] = all[i];
        }
    }
    return n;
}

uint16_t injection_lane(const struct action *a)
{
    return a->type->selective && !a->type->severing ? a->port : 0;
}

int64_t injection_train_bps(const struct action *a)
{
    return a->target == TARGET_LINK && train_size_for(a->shape.rate_bps).datagrams > 0 ? a->shape.rate_bps : 0;
}

size_t injection_paths(const struct topology *t, const struct action *a, uint16_t *paths, size_t max)
{
    size_t n = 0;
    for (uint16_t path = 0; path < 2 * t->link_count && n < max; path++) {
        if (action_hits_path(t, a, path)) {
            paths[n++] = path;
        }
    }
    return n;
}

/* Where a node is looked at from: a vantage next to its site, or another region. */
static uint16_t neighbour_of(const struct topology *t, uint16_t site)
{
    uint16_t found = TOPO_NONE;
    for (size_t i = 0; i < t->link_count; i++) {
        const struct topo_link *l = &t->links[i];
        uint16_t other = l->a == site ? l->b : l->b == site ? l->a : TOPO_NONE;
        if (other == TOPO_NONE || t->sites[other].kind == SITE_WITNESS) {
            continue;
        }
        found = found == TOPO_NONE || t->sites[other].kind == SITE_VANTAGE ? other : found;
    }
    return found == TOPO_NONE ? TOPO_NONE : t->sites[found].first_node;
}

size_t injection_tethers(const struct topology *t, const struct action *a, struct tether_ends *ends, size_t max)
{
    uint16_t places[TARGET_NODES_MAX];
    size_t n = 0;
    if (!injector_find(a->type->verb)->tethered) {
        return 0;
    }
    if (a->target == TARGET_LINK) {
        size_t paths = injection_paths(t, a, places, TARGET_NODES_MAX);
        for (size_t i = 0; i < paths && n < max; i++) {
            const struct topo_site *from = &t->sites[path_from(t, places[i])], *to = &t->sites[path_to(t, places[i])];
            ends[n++] = (struct tether_ends){from->first_node, to->first_node};
        }
        return n;
    }
    size_t nodes = target_nodes(t, a, places, TARGET_NODES_MAX);
    for (size_t i = 0; i < nodes && n < max; i++) {
        uint16_t from = neighbour_of(t, t->nodes[places[i]].site);
        if (from != TOPO_NONE) {
            ends[n++] = (struct tether_ends){from, places[i]};
        }
    }
    return n;
}

void injection_link_effects(const struct topology *t, const struct action *a, unsigned *by_link)
{
    for (uint16_t link = 0; link < t->link_count; link++) {
        by_link[link] |= action_hits_link(t, a, link) ? injector_effects(a) : 0;
    }
    for (uint16_t k = 0; a->slow_ns && k < t->link_count; k++) { /* dns: its links to the vantages */
        bool vantage = t->sites[t->links[k].a].kind == SITE_VANTAGE || t->sites[t->links[k].b].kind == SITE_VANTAGE;
        bool own = t->links[k].a == t->nodes[a->node].site || t->links[k].b == t->nodes[a->node].site;
        by_link[k] |= vantage && own ? 1u << EFFECT_DEGRADE : 0;
    }
}

/* Does a knock get nowhere, or its answer? */
static bool shuts(const struct path_state *s)
{
    return !path_passes(s, TOPO_PORT_HTTP) || s->down || s->block_new || s->stalled;
}

static bool open_way(const struct fabric *f, uint16_t link)
{
    if (link == TOPO_NONE) {
        return false;
    }
    struct path_state there = fabric_wanted(f, path_of(link, false)), back = fabric_wanted(f, path_of(link, true));
    return !(shuts(&there) || shuts(&back));
}

uint16_t target_observer(struct fabric *f, uint16_t node)
{
    const struct topology *t = fabric_topology(f);
    static const enum site_kind order[] = {SITE_VANTAGE, SITE_REGION};
    for (size_t k = 0; k < 2; k++) {
        for (uint16_t s = 0; s < t->site_count; s++) {
            const struct topo_site *site = &t->sites[s];
            if (site->kind != order[k] || s == t->nodes[node].site || site->node_count == 0 ||
                fabric_held(f, site->first_node) != 0) {
                continue;
            }
            if (open_way(f, topo_link_find(t, s, t->nodes[node].site))) {
                return site->first_node;
            }
        }
    }
    return TOPO_NONE;
}

uint16_t target_bystander(struct fabric *f, const uint16_t *nodes, size_t n)
{
    const struct topology *t = fabric_topology(f);
    uint16_t found = TOPO_NONE;
    for (uint16_t i = 0; i < t->node_count; i++) {
        bool serves = t->nodes[i].role == NODE_GATEWAY || t->nodes[i].role == NODE_ORIGIN;
        bool hit = false;
        for (size_t k = 0; k < n; k++) {
            hit = hit || nodes[k] == i;
        }
        if (!serves || hit || fabric_held(f, i) != 0 || target_observer(f, i) == TOPO_NONE) {
            continue;
        }
        if (n > 0 && t->nodes[i].site != t->nodes[nodes[0]].site) {
            return i;
        }
        found = found == TOPO_NONE ? i : found;
    }
    return found;
}

int64_t target_round_trip_ns(const struct fabric *f, uint16_t from, uint16_t to, int64_t *jitter_ns)
{
    const struct topology *t = fabric_topology(f);
    uint16_t link = topo_link_find(t, t->nodes[from].site, t->nodes[to].site);
    *jitter_ns = 0;
    if (link == TOPO_NONE) {
        return 0;
    }
    struct path_state there = fabric_wanted(f, path_of(link, false)), back = fabric_wanted(f, path_of(link, true));
    *jitter_ns = there.jitter_ns + back.jitter_ns;
    return there.delay_ns + back.delay_ns;
}

static int64_t patience(const struct fabric *f, uint16_t from, uint16_t to)
{
    int64_t jitter_ns, trip_ns = target_round_trip_ns(f, from, to, &jitter_ns);
    return PATIENCE_NS + 2 * (trip_ns + jitter_ns);
}

static void take_text(const json_t *status, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(status, key));
    snprintf(out, size, "%s", text ? text : "");
}

static void take_addresses(const json_t *body, struct look *l)
{
    size_t i;
    json_t *address;
    l->answer[0] = '\0';
    json_array_foreach(json_object_get(body, "answer"), i, address)
    {
        size_t len = strlen(l->answer);
        snprintf(l->answer + len, sizeof(l->answer) - len, "%s%.20s", i ? " " : "", json_string_value(address));
    }
    l->rcode = (int)json_integer_value(json_object_get(body, "rcode"));
    l->ttl = (int)json_integer_value(json_object_get(body, "ttl"));
}

static void take(void *arg, const struct lab_answer *answer)
{
    struct look *l = arg;
    l->status = answer->status;
    take_text(answer->body, "config", l->config, sizeof(l->config));
    take_text(answer->body, "applied", l->applied, sizeof(l->applied));
    take_text(answer->body, "desired", l->desired, sizeof(l->desired));
    take_text(answer->body, "desired_refused", l->refused, sizeof(l->refused));
    take_text(answer->body, "file", l->file, sizeof(l->file));
    take_text(answer->body, "file_state", l->file_state, sizeof(l->file_state));
    l->desired_late = json_is_object(json_object_get(answer->body, "desired_lag"));
    l->time_ns = json_integer_value(json_object_get(answer->body, "time_us")) * NS_PER_US;
    l->took_ns = answer->done_ns - answer->sent_ns;
    take_addresses(answer->body, l);
    l->at_ns = answer->sent_ns + l->took_ns / 2;
    l->leader = json_is_true(json_object_get(answer->body, "leader"));
    const json_t *tls = json_object_get(answer->body, "tls");
    take_text(tls ? tls : answer->body, "certificate", l->certificate, sizeof(l->certificate));
    l->verify = (int)json_integer_value(json_object_get(answer->body, "verify"));
    l->stall = json_is_true(json_object_get(tls, "stall"));
    l->answered = true;
}

void look_round_new(struct look_round *r)
{
    r->n = 0;
    r->open = true;
}

static void begin_round(struct look_round *r, const uint16_t *nodes, size_t n)
{
    look_round_new(r);
    r->n = n < TARGET_NODES_MAX + 1 ? n : TARGET_NODES_MAX + 1;
    for (size_t i = 0; i < r->n; i++) {
        r->at[i] = (struct look){.node = nodes[i], .answered = true}; /* until asked: a round may break off */
    }
}

bool look_round_knock(struct look_round *r, struct fabric *f, const uint16_t *nodes, size_t n)
{
    struct lab *lab = fabric_lab(f);
    begin_round(r, nodes, n);
    for (size_t i = 0; i < r->n; i++) {
        struct look *l = &r->at[i];
        uint16_t from = target_observer(f, l->node);
        l->status = KNOCK_SILENT;
        if (from == TOPO_NONE) {
            continue; /* cut off from everywhere: silent is what anyone would see */
        }
        l->answered = false;
        if (lab->ops->knock(lab, from, l->node, "/healthz", patience(f, from, l->node), take, l, NULL) != 0) {
            l->answered = true;
            return false;
        }
    }
    return true;
}

int look_round_call(struct look_round *r, struct fabric *f, uint16_t node, const char *method, const char *target,
                    const char *body, struct err *e)
{
    struct lab *lab = fabric_lab(f);
    if (r->n > TARGET_NODES_MAX) {
        return err_set(e, ERR_DEFECT, "injector", "more than %d nodes at once", TARGET_NODES_MAX);
    }
    struct look *l = &r->at[r->n++];
    *l = (struct look){.node = node};
    int rc = lab->ops->admin(lab, node, method, target, body, STATUS_PATIENCE_NS, take, l, e);
    l->answered = rc != 0;
    return rc;
}

int look_round_handshake(struct look_round *r, struct fabric *f, uint16_t node, struct err *e)
{
    struct lab *lab = fabric_lab(f);
    if (r->n > TARGET_NODES_MAX) {
        return err_set(e, ERR_DEFECT, "injector", "more than %d nodes at once", TARGET_NODES_MAX);
    }
    uint16_t from = target_observer(f, node);
    struct look *l = &r->at[r->n++];
    *l = (struct look){.node = node, .status = HANDSHAKE_SILENT, .answered = from == TOPO_NONE};
    if (from == TOPO_NONE) {
        return 0;
    }
    int64_t patience_ns = patience(f, from, node) + STATUS_PATIENCE_NS - PATIENCE_NS;
    int rc = lab->ops->handshake(lab, from, node, patience_ns, take, l, e);
    l->answered = rc != 0;
    return rc;
}

bool look_round_port(struct look_round *r, struct fabric *f, uint16_t from, uint16_t node, uint16_t port)
{
    struct lab *lab = fabric_lab(f);
    if (r->n > TARGET_NODES_MAX) {
        return false;
    }
    struct look *l = &r->at[r->n++];
    *l = (struct look){.node = node, .from = from, .port = port};
    l->answered = lab->ops->knock_port(lab, from, node, port, patience(f, from, node), take, l, NULL) != 0;
    return !l->answered;
}

bool look_round_status(struct look_round *r, struct fabric *f, const uint16_t *nodes, size_t n)
{
    look_round_new(r);
    for (size_t i = 0; i < n && i <= TARGET_NODES_MAX; i++) {
        if (look_round_call(r, f, nodes[i], "GET", "/status", NULL, NULL) != 0) {
            return false;
        }
    }
    return true;
}

int look_round_wait(struct look_round *r, struct fabric *f, struct err *e)
{
    struct loop *loop = fabric_lab(f)->ops->loop(fabric_lab(f));
    int64_t until_ns = loop_tick(loop) + 4 * STATUS_PATIENCE_NS;
    while (!look_round_over(r)) {
        if (loop_tick(loop) >= until_ns) {
            return err_set(e, ERR_RUN, "injector", "an admin port did not answer and did not fail either");
        }
        if (loop_run(loop, loop_now(loop) + STEP_NS, NULL, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int look_round_until(struct look_round *r, struct injection *in, const uint16_t *nodes, size_t n,
                     size_t (*taken_up)(const struct injection *in), struct err *e)
{
    struct loop *loop = fabric_lab(in->fabric)->ops->loop(fabric_lab(in->fabric));
    const char *verb = in->action->type->verb;
    int64_t until_ns = loop_tick(loop) + TAKE_UP_NS;
    for (;;) {
        if (!look_round_status(r, in->fabric, nodes, n) || look_round_wait(r, in->fabric, e) != 0) {
            return err_set(e, ERR_RUN, verb, "the nodes cannot be asked what they have taken up");
        }
        size_t have = taken_up(in);
        if (have == n) {
            return 0;
        }
        if (loop_tick(loop) > until_ns) {
            return err_set(e, ERR_RUN, verb, "%zu of %zu nodes have taken it up", have, n);
        }
        if (loop_run(loop, loop_now(loop) + ASK_AGAIN_NS, NULL, e) < 0) {
            return -1;
        }
    }
}

bool look_round_over(struct look_round *r)
{
    for (size_t i = 0; i < r->n; i++) {
        if (!r->at[i].answered) {
            return false;
        }
    }
    r->open = false;
    return true;
}

enum proof look_round_stand(struct look_round *r, bool healed)
{
    if (!r->open) {
        r->healed = healed;
        return PROOF_REFUTED;
    }
    if (!look_round_over(r)) {
        return PROOF_PENDING; /* also when it was asked before the heal: its answers would land in the next round */
    }
    bool fits = r->healed == healed;
    r->healed = healed;
    return fits ? PROOF_PROVEN : PROOF_REFUTED;
}

struct look_round *look_round_of(struct injection *in)
{
    if (!in->state) {
        in->state = xcalloc(1, sizeof(struct look_round));
    }
    return (struct look_round *)(void *)in->state;
}

int look_round_accepted(const struct look_round *r, struct fabric *f, const char *doing, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->at[i].status / 100 != 2) {
            rc = err_set(e, ERR_RUN, fabric_topology(f)->nodes[r->at[i].node].name, "%s: %s %d", doing,
                         r->at[i].status ? "refused with" : "no answer,", r->at[i].status);
        }
    }
    return rc;
}

uint16_t look_round_leader(struct look_round *r, struct fabric *f, struct err *e)
{
    const struct topology *t = fabric_topology(f);
    uint16_t origins[TARGET_NODES_MAX];
    size_t n = 0;
    for (uint16_t i = 0; i < t->node_count && n < TARGET_NODES_MAX; i++) {
        if (t->nodes[i].role == NODE_ORIGIN) {
            origins[n++] = i;
        }
    }
    if (!look_round_status(r, f, origins, n) || look_round_wait(r, f, e) != 0) {
        return TOPO_NONE;
    }
    for (size_t i = 0; i < r->n; i++) {
        if (r->at[i].leader) {
            return r->at[i].node;
        }
    }
    return TOPO_NONE;
}
