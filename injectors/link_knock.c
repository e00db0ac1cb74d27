/* SPDX-License-Identifier: MIT */
/*
 * Knocks on a port across links, from behind one router to behind the other, past every gateway.
 *
 * What a knock should meet follows from what all faults together want of the two paths of the link: the question goes
 * by one, the answer comes by the other. So faults that overlap do not refute each other. A question that gets there is
 * answered or, where nobody listens, refused by a reset from the far end; where the store, gateway or witness that we
 * ask is known to listen, only an answer will do.
 *
 * A knock that nobody may be blamed for (an end without power, a shape that loses packets) is not made.
 */
#include "harness/base/units.h"
#include "harness/lab/gate.h"
#include "injectors/link.h"
#include "injectors/target.h"

#include <stdio.h>

#define SOON_NS (50 * NS_PER_MS)

/* Who listens on a port in a site; TOPO_NONE: nobody. */
static uint16_t listener(const struct topology *t, uint16_t site, uint16_t port)
{
    static const enum node_role roles[][2] = {{NODE_GATEWAY, NODE_ORIGIN},
                                              {NODE_ORIGIN, NODE_ORIGIN},
                                              {NODE_WITNESS, NODE_WITNESS},
                                              {NODE_CONTROL, NODE_CONTROL}};
    size_t kind = port == TOPO_PORT_REPLICATION ? 1 : port == TOPO_PORT_LEASE ? 2 : port == TOPO_PORT_CONTROL ? 3 : 0;
    const struct topo_site *s = &t->sites[site];
    for (uint16_t n = s->first_node; n < s->first_node + s->node_count; n++) {
        if (t->nodes[n].role == roles[kind][0] || t->nodes[n].role == roles[kind][1]) {
            return n;
        }
    }
    return TOPO_NONE;
}

/* Where all packets are meant, the port on which the site can be asked. */
static uint16_t port_of(const struct topology *t, uint16_t site, uint16_t port)
{
    return port ? port : t->sites[site].kind == SITE_WITNESS ? TOPO_PORT_LEASE : TOPO_PORT_HTTP;
}

static bool lossy(const struct path_state *s)
{
    return s->loss_ppm > 0 || s->corrupt_ppm > 0 || s->rate_bps > 0 || s->limit_packets > 0;
}

/* The gate of a path that a port meets first, as the word of a knock; KNOCK_ANSWERED: none. */
static enum knock met(const struct path_state *s, uint16_t port)
{
    const struct path_gate *gate = gate_met(s->gates, s->gate_count, 0, port);
    return s->cut || (gate && gate->way == GATE_DROP) ? KNOCK_SILENT
           : !gate                                    ? KNOCK_ANSWERED
           : gate->way == GATE_REFUSE                 ? KNOCK_REFUSED
                                                      : KNOCK_UNREACHABLE;
}

static enum knock expected(struct fabric *f, uint16_t path, uint16_t port)
{
    struct path_state there = fabric_wanted(f, path), back = fabric_wanted(f, path ^ 1);
    enum knock first = met(&there, port);
    return first != KNOCK_ANSWERED ? first : met(&back, port) == KNOCK_ANSWERED ? KNOCK_ANSWERED : KNOCK_SILENT;
}

static bool knock_on(struct injection *in, struct look_round *r, uint16_t path, uint16_t port)
{
    const struct topology *t = fabric_topology(in->fabric);
    uint16_t from = t->sites[path_from(t, path)].first_node, site = path_to(t, path), node = listener(t, site, port);
    struct path_state there = fabric_wanted(in->fabric, path), back = fabric_wanted(in->fabric, path ^ 1);
    node = node == TOPO_NONE ? t->sites[site].first_node : node;
    if ((fabric_held(in->fabric, from) | fabric_held(in->fabric, node)) & HOLD_UNPLUGGED || lossy(&there) ||
        lossy(&back)) {
        return true;
    }
    return r->n == TARGET_NODES_MAX || look_round_port(r, in->fabric, from, node, port);
}

static bool begin(struct injection *in, struct look_round *r, uint16_t port, bool both_ways)
{
    const struct topology *t = fabric_topology(in->fabric);
    look_round_new(r);
    for (uint16_t path = 0; path < 2 * t->link_count; path++) {
        bool hit = action_hits_path(t, in->action, path) || (both_ways && action_hits_path(t, in->action, path ^ 1));
        if (hit && !knock_on(in, r, path, port_of(t, path_to(t, path), port))) {
            return false;
        }
    }
    return true;
}

static uint16_t path_of_look(const struct topology *t, const struct look *l)
{
    uint16_t from = t->nodes[l->from].site, link = topo_link_find(t, from, t->nodes[l->node].site);
    return path_of(link, t->links[link].a != from);
}

static bool fits(struct injection *in, const struct look *l, enum knock want)
{
    const struct topology *t = fabric_topology(in->fabric);
    bool listens = listener(t, t->nodes[l->node].site, l->port) == l->node && fabric_held(in->fabric, l->node) == 0;
    return l->status == (int)want || (want == KNOCK_ANSWERED && !listens && l->status == KNOCK_REFUSED);
}

static enum proof judge(struct injection *in, const struct look_round *r)
{
    static const char *const words[] = {"answered", "refused", "silent", "silent", "unreachable"};
    const struct topology *t = fabric_topology(in->fabric);
    bool late = false;
    for (size_t i = 0; i < r->n; i++) {
        const struct look *l = &r->at[i];
        enum knock want = expected(in->fabric, path_of_look(t, l), l->port);
        if (!fits(in, l, want)) {
            snprintf(in->method, sizeof(in->method), "a knock from %.40s on %.40s:%u was %s, not %s",
                     t->nodes[l->from].name, t->nodes[l->node].name, (unsigned)l->port, words[l->status], words[want]);
            return PROOF_REFUTED;
        }
        if ((want == KNOCK_REFUSED || want == KNOCK_UNREACHABLE) && l->took_ns > SOON_NS) {
            snprintf(in->method, sizeof(in->method), "a knock on %.40s:%u was %s after %lld ms only",
                     t->nodes[l->node].name, (unsigned)l->port, words[want], (long long)(l->took_ns / NS_PER_MS));
            late = true;
        }
    }
    return late ? PROOF_PENDING : PROOF_PROVEN;
}

enum proof link_knocks(struct injection *in, uint16_t port, bool both_ways, bool healed, size_t *knocks)
{
    struct look_round *r = look_round_of(in);
    *knocks = 0;
    if (!fabric_lab(in->fabric)->ops->knock_port) {
        return PROOF_PROVEN;
    }
    enum proof stand = look_round_stand(r, healed);
    if (stand == PROOF_REFUTED) {
        return begin(in, r, port, both_ways) ? PROOF_PENDING : PROOF_REFUTED;
    }
    *knocks = r->n;
    return stand == PROOF_PROVEN ? judge(in, r) : stand;
}
