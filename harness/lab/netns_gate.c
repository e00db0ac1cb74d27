/* SPDX-License-Identifier: MIT */
/*
 * Gates: routing rules in the router that sends into the path, and the answerer's orders.
 *
 *     a port   two rules, TCP to the port and TCP from it: those who ask and those who answer
 *     all      one rule
 *
 * A rule says where to: routers know the network of a neighbouring site by the link to it, so "to 10.<site + 1>.0.0/16"
 * is the path. Not in the receiving router, as with cuts: an answer would come back by the other path of the link,
 * which is mostly rejected as well, and die there; and rules of one path that are tried one after the other have to
 * stand in one place. Rules for ports are tried first, that for all, then cuts and the power of nodes.
 *
 * The answerer gets its orders after the rules are there and loses them before they go (answerer_loop.c says why). What
 * is read back is what both say: black holes of which the answerer knows are refusals, a pair of rules of which one is
 * missing is half a gate.
 */
#include "harness/lab/netns.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/lab/gate.h"

#include <string.h>

enum { PORT_PRIORITY = 30000, ALL_PRIORITY = 30001, RULES_MAX = 2 * PATH_GATES_MAX + 2 };

struct rules {
    uint32_t to;
    struct netlink_rule at[RULES_MAX];
    size_t n;
    bool more; /* than there is room for */
};

static uint32_t network_of(const struct netns_lab *l, uint16_t path)
{
    return netns_network(path_to(l->topo, path));
}

static struct netlink *router_of(const struct netns_lab *l, uint16_t path)
{
    return l->routers[path_from(l->topo, path)].nl;
}

static void add_rule(struct rules *r, const struct netlink_rule *rule)
{
    r->more = r->more || r->n == RULES_MAX;
    if (r->n < RULES_MAX) {
        r->at[r->n++] = *rule;
    }
}

static void rules_of(uint32_t to, const struct path_state *wanted, struct rules *r)
{
    *r = (struct rules){.to = to};
    for (uint16_t i = 0; i < wanted->gate_count; i++) {
        const struct path_gate *g = &wanted->gates[i];
        struct netlink_rule rule = {.priority = g->port ? PORT_PRIORITY : ALL_PRIORITY, .to = to, .to_len = 16,
                                    .to_port = g->port, .unreachable = g->way == GATE_UNREACHABLE};
        add_rule(r, &rule);
        if (g->port) {
            rule.from_port = rule.to_port;
            rule.to_port = 0;
            add_rule(r, &rule);
        }
    }
}

static bool has(const struct rules *r, const struct netlink_rule *rule)
{
    for (size_t i = 0; i < r->n; i++) {
        if (netlink_rule_same(&r->at[i], rule)) {
            return true;
        }
    }
    return false;
}

static int collect(void *arg, const struct netlink_rule *rule)
{
    struct rules *r = arg;
    if (rule->to == r->to && rule->to_len == 16) {
        add_rule(r, rule);
    }
    return 0;
}

/* What there is. */
static int read_rules(const struct netns_lab *l, uint16_t path, struct rules *r, struct err *e)
{
    *r = (struct rules){.to = network_of(l, path)};
    if (netlink_rule_each(router_of(l, path), collect, r, e) != 0) {
        return -1;
    }
    return r->more ? err_set(e, ERR_RUN, l->mesh[path].name, "there are more rules for its path than anybody made") : 0;
}

static int drive_rules(const struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct err *e)
{
    struct rules want, there;
    rules_of(network_of(l, path), wanted, &want);
    if (read_rules(l, path, &there, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < there.n; i++) {
        if (!has(&want, &there.at[i]) && netlink_rule_delete(router_of(l, path), &there.at[i], e) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < want.n; i++) {
        if (!has(&there, &want.at[i]) && netlink_rule_add(router_of(l, path), &want.at[i], e) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool answers(const struct path_state *s)
{
    for (uint16_t i = 0; i < s->gate_count; i++) {
        if (s->gates[i].way != GATE_DROP) {
            return true;
        }
    }
    return false;
}

/* Is there somebody to answer on this path? */
static bool manned(const struct netns_lab *l, uint16_t path)
{
    return l->answerer && l->rejecting[path_from(l->topo, path)];
}

static int give_order(const struct netns_lab *l, uint16_t path, const struct path_state *gates, struct err *e)
{
    struct answerer_order o = {.path = path, .site = path_from(l->topo, path), .to = network_of(l, path)};
    if (!manned(l, path)) {
        return 0;
    }
    o.gate_count = answers(gates) ? gates->gate_count : 0;
    memcpy(o.gates, gates->gates, sizeof(o.gates));
    return answerer_set(l->answerer, &o, e);
}

static int ask_order(const struct netns_lab *l, uint16_t path, struct answerer_order *o, struct err *e)
{
    *o = (struct answerer_order){0};
    return manned(l, path) ? answerer_get(l->answerer, path, o, NULL, e) : 0;
}

/* What the rules and the answerer together make of the packets of one port, 0 all. */
static enum gate_way way_of(const struct rules *there, const struct netlink_rule *rule, const struct answerer_order *o)
{
    struct netlink_rule other = *rule;
    other.to_port = rule->from_port;
    other.from_port = rule->to_port;
    uint16_t port = rule->to_port ? rule->to_port : rule->from_port;
    const struct path_gate *told = gate_met(o->gates, o->gate_count, 0, port);
    enum gate_way said = told && told->port == port ? told->way : GATE_DROP;
    bool agree = rule->unreachable == (said == GATE_UNREACHABLE) && (port != 0 || said != GATE_DROP);
    return has(there, &other) && agree ? said : GATE_HALF;
}

int netns_gates_get(const struct netns_lab *l, uint16_t path, struct path_state *actual, struct err *e)
{
    struct rules there;
    struct answerer_order o;
    actual->gate_count = 0;
    if (!l->gated[path]) {
        return 0;
    }
    if (read_rules(l, path, &there, e) != 0 || ask_order(l, path, &o, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < there.n; i++) {
        const struct netlink_rule *r = &there.at[i];
        struct path_state one = {.gate_count = 1};
        one.gates[0] = (struct path_gate){r->to_port ? r->to_port : r->from_port, way_of(&there, r, &o)};
        if (!gates_add(actual, &one)) {
            return err_set(e, ERR_RUN, l->mesh[path].name, "there are more rules for its path than anybody made");
        }
    }
    return 0;
}

static int refuse(const struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct err *e)
{
    enum lab_effect effect = answers(wanted) ? EFFECT_REJECT : EFFECT_CUT_ONLY;
    if (!l->caps.effects[effect].available) {
        err_set(e, ERR_MACHINE, lab_effect_words[effect], "this machine cannot do it to a link");
        return err_help(e, "%s", l->caps.effects[effect].why);
    }
    return effect == EFFECT_CUT_ONLY || manned(l, path)
               ? 0
               : err_set(e, ERR_DEFECT, "reject", "nobody was posted on this link to answer when the lab was opened");
}

int netns_gates_set(struct netns_lab *l, uint16_t path, const struct path_state *wanted, struct err *e)
{
    struct path_state before, kept = {0}, got;
    if (!l->gated[path] && wanted->gate_count == 0) {
        return 0;
    }
    if (wanted->gate_count > 0 && refuse(l, path, wanted, e) != 0) {
        return -1;
    }
    if (netns_gates_get(l, path, &before, e) != 0) {
        return -1;
    }
    l->gated[path] = true;
    gates_common(&before, wanted, &kept);
    if (give_order(l, path, &kept, e) != 0 || drive_rules(l, path, wanted, e) != 0 ||
        give_order(l, path, wanted, e) != 0 || netns_gates_get(l, path, &got, e) != 0) {
        return -1;
    }
    if (!gates_same(wanted, &got)) {
        return err_set(e, ERR_RUN, l->mesh[path].name, "the rules of a gate were acknowledged but not carried out");
    }
    l->gated[path] = wanted->gate_count > 0;
    return 0;
}

/* The answerer is posted on both sides of links that a fault rejects. */
int netns_gates_furnish(struct netns_lab *l, struct err *e)
{
    const struct topology *t = l->topo;
    bool any = false;
    l->gated = xcalloc(2 * t->link_count + 1, sizeof(*l->gated));
    l->rejecting = xcalloc(t->site_count + 1, sizeof(*l->rejecting));
    for (size_t k = 0; k < t->link_count && l->options.link_effects && l->caps.effects[EFFECT_REJECT].available; k++) {
        if (l->options.link_effects[k] & 1u << EFFECT_REJECT) {
            any = l->rejecting[t->links[k].a] = l->rejecting[t->links[k].b] = true;
        }
    }
    if (!any) {
        return 0;
    }
    scoped_free int *routers = xcalloc(t->site_count, sizeof(*routers));
    for (size_t s = 0; s < t->site_count; s++) {
        routers[s] = l->rejecting[s] ? l->routers[s].fd : -1;
    }
    const struct answerer_options o = {.routers = routers, .site_count = t->site_count};
    return answerer_open(&l->answerer, &o, e);
}
