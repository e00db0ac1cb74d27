/* SPDX-License-Identifier: MIT */
/*
 * lab_sim: nodes, paths and the heartbeat of the model.
 *
 * One timer ticks every 10 ms of virtual time and lets leases run out, logs ship and drift be noticed; requests are
 * timers of their own. A node that is started serves after SIM_STARTUP_NS. What a real lab reads back from the kernel
 * is read back from the model here, so injectors prove themselves the same way.
 */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include <signal.h>
#include <string.h>

#define TICK_NS (10 * NS_PER_MS)

static struct sim *sim_of(struct lab *lab)
{
    return (struct sim *)lab;
}

bool sim_serving(const struct sim *s, uint16_t node)
{
    const struct sim_node *n = &s->nodes[node];
    return n->state == NODE_UP && !n->unplugged && loop_now(s->loop) >= n->ready_at_ns;
}

bool sim_path_open(const struct sim *s, uint16_t from_site, uint16_t to_site, uint16_t port)
{
    if (from_site == to_site)
        return true;
    uint16_t link = topo_link_find(s->topology, from_site, to_site);
    if (link == TOPO_NONE)
        return false;
    const struct path_state *there = &s->paths[path_of(link, false)], *back = &s->paths[path_of(link, true)];
    return path_passes(there, port) && path_passes(back, port) && !there->down && !back->down;
}

bool sim_lets_in(const struct sim *s, uint16_t from_site, uint16_t to_site)
{
    uint16_t link = from_site == to_site ? TOPO_NONE : topo_link_find(s->topology, from_site, to_site);
    return link == TOPO_NONE || !s->paths[path_of(link, s->topology->links[link].a != from_site)].block_new;
}

bool sim_turned_away(const struct sim *s, uint16_t from_site, uint16_t to_site, uint16_t port)
{
    uint16_t link = from_site == to_site ? TOPO_NONE : topo_link_find(s->topology, from_site, to_site);
    if (link == TOPO_NONE)
        return false;
    const struct path_state *p = &s->paths[path_of(link, s->topology->links[link].a != from_site)];
    for (uint16_t i = 0; i < p->gate_count; i++)
        if (p->gates[i].port == 0 || p->gates[i].port == port)
            return p->gates[i].way != GATE_DROP;
    return false;
}

int64_t sim_round_trip_ns(const struct sim *s, uint16_t from_site, uint16_t to_site)
{
    uint16_t link = from_site == to_site ? TOPO_NONE : topo_link_find(s->topology, from_site, to_site);
    int64_t links =
        link == TOPO_NONE ? 0 : s->paths[path_of(link, false)].delay_ns + s->paths[path_of(link, true)].delay_ns;
    return links + 2 * SIM_HOP_NS;
}

bool sim_flaw(const struct sim *s, const char *name)
{
    for (size_t i = 0; i < s->topology->flaw_count; i++)
        if (text_eq(s->topology->flaws[i], name))
            return true;
    return false;
}

void sim_pending_start(struct sim *s, struct sim_pending *p, int64_t at_ns)
{
    p->sim = s;
    p->next = s->pending;
    p->link = &s->pending;
    if (p->next)
        p->next->link = &p->next;
    s->pending = p;
    loop_timer_set(s->loop, &p->timer, at_ns);
}

void sim_pending_free(struct sim_pending *p)
{
    loop_timer_stop(&p->timer);
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    free(p);
}

static int sim_node_kill(struct lab *lab, uint16_t node, struct err *e);

static void sim_tick(struct loop_timer *t, int64_t now)
{
    struct sim *s = (struct sim *)((char *)t - offsetof(struct sim, tick));
    for (uint16_t node = 0; node < s->topology->node_count; node++)
        if (s->nodes[node].leave_at_ns && now >= s->nodes[node].leave_at_ns)
            (void)sim_node_kill(&s->lab, node, NULL);
    sim_store_tick(s, now);
    sim_config_tick(s, now);
    sim_callers_tick(s, now);
    loop_timer_set(s->loop, t, now + TICK_NS);
}

static int sim_open(struct lab **lab, const struct topology *t, const struct lab_options *o, struct err *e)
{
    (void)e;
    struct sim *s = xcalloc(1, sizeof(*s));
    *lab = &s->lab;
    *s = (struct sim){
        .lab = {.ops = &lab_sim, .seed = o->seed}, .topology = t, .leader = TOPO_NONE, .tick.due = sim_tick};
    s->loop = loop_new_virtual(o->zero_ns);
    s->nodes = xcalloc(t->node_count, sizeof(*s->nodes));
    s->paths = xcalloc(2 * t->link_count + 1, sizeof(*s->paths));
    s->stores = xcalloc(t->site_count, sizeof(*s->stores));
    for (uint16_t path = 0; path < 2 * t->link_count; path++)
        s->paths[path] = t->links[path / 2].baseline;
    for (uint16_t site = 0; site < t->site_count; site++)
        s->stores[site].in_sync = true;
    for (uint16_t node = 0; node < t->node_count; node++) {
        s->nodes[node].ills = json_object();
        sim_config_new(s, node);
        sim_tls_furnish(s, node);
    }
    sim_callers_new(s);
    sim_service_new(s);
    loop_timer_set(s->loop, &s->tick, o->zero_ns + TICK_NS);
    return 0;
}

static void sim_close(struct lab *lab)
{
    if (!lab)
        return;
    struct sim *s = sim_of(lab);
    while (s->pending)
        sim_pending_free(s->pending);
    sim_callers_free(s);
    sim_service_free(s);
    loop_timer_stop(&s->tick);
    for (size_t i = 0; i < s->topology->site_count; i++) {
        vec_deinit(&s->stores[i].log);
        vec_deinit(&s->stores[i].aside);
        vec_deinit(&s->stores[i].medium);
    }
    for (size_t i = 0; i < s->topology->node_count; i++) {
        json_decref(s->nodes[i].ills);
        sim_config_free(&s->nodes[i]);
    }
    loop_free(s->loop);
    free(s->nodes);
    free(s->paths);
    free(s->stores);
    free(s);
}

static struct loop *sim_loop(struct lab *lab)
{
    return sim_of(lab)->loop;
}

static struct lab_mechanism sim_mechanism(struct lab *lab, enum lab_effect effect)
{
    (void)lab;
    if (effect == EFFECT_DNS)
        return (struct lab_mechanism){.name = "none", .why = "the model has no traffic manager; use --lab netns"};
    if (effect >= EFFECT_DESCRIPTORS && effect <= EFFECT_IO)
        return (struct lab_mechanism){.name = "none", .why = "the model's nodes have no resources; use --lab netns"};
    if (effect == EFFECT_SLOW_CLIENTS)
        return (struct lab_mechanism){.name = "none",
                                      .why = "the model has requests, not connections; use the netns lab"};
    if (effect == EFFECT_DISCONNECT)
        return (struct lab_mechanism){.name = "none",
                                      .why = "the model has no connections that could break; use --lab netns"};
    if (effect == EFFECT_DEGRADE_ONLY)
        return (struct lab_mechanism){.name = "none",
                                      .why = "the model has no packets that could be told apart; use --lab netns"};
    if (effect == EFFECT_STALL)
        return (struct lab_mechanism){.name = "none",
                                      .why = "the model has no packets that could be held; use --lab netns"};
    return (struct lab_mechanism){.name = "sim", .why = "the model does as it is told", .available = true};
}

static int sim_node_start(struct lab *lab, uint16_t node, unsigned how, struct err *e)
{
    (void)e;
    struct sim *s = sim_of(lab);
    const struct topo_node *n = &s->topology->nodes[node];
    bool fresh_disk = how & LAB_START_FRESH;
    s->nodes[node].state = NODE_UP;
    s->nodes[node].standby = s->nodes[node].stall = false;
    if (fresh_disk)
        sim_tls_furnish(s, node);
    sim_tls_read(&s->nodes[node]);
    json_object_clear(s->nodes[node].ills);
    s->nodes[node].slot_count = 0;
    s->nodes[node].clock_step_ns = s->nodes[node].clock_gain_ppm = 0;
    sim_config_reload(&s->nodes[node]);
    s->nodes[node].ready_at_ns = loop_now(s->loop) + SIM_STARTUP_NS;
    if (n->role == NODE_ORIGIN && n->number == 1)
        sim_store_starts(s, n->site, how);
    return 0;
}

static int sim_node_kill(struct lab *lab, uint16_t node, struct err *e)
{
    (void)e;
    sim_of(lab)->nodes[node].state = NODE_DOWN;
    sim_of(lab)->nodes[node].leave_at_ns = 0;
    return 0;
}

static int sim_node_freeze(struct lab *lab, uint16_t node, bool frozen, struct err *e)
{
    struct sim_node *n = &sim_of(lab)->nodes[node];
    if (n->state == NODE_DOWN)
        return err_set(e, ERR_RUN, sim_of(lab)->topology->nodes[node].name, "the node is dead: it cannot be frozen");
    n->state = frozen ? NODE_FROZEN : NODE_UP;
    return 0;
}

static int sim_node_signal(struct lab *lab, uint16_t node, int sig, struct err *e)
{
    (void)e;
    struct sim *s = sim_of(lab);
    if (s->nodes[node].state == NODE_DOWN)
        return 0;
    if (sig == SIGHUP) {
        sim_config_reload(&s->nodes[node]);
        sim_tls_read(&s->nodes[node]);
    }
    if (sig != SIGTERM)
        return 0;
    bool drains = !sim_flaw(s, "drain_ignored");
    s->nodes[node].leave_at_ns = loop_now(s->loop) + (drains ? topo_drain_ms(s->topology) * NS_PER_MS : 1);
    if (drains && node == sim_store_node(s, s->topology->nodes[node].site))
        sim_store_leaves(s, s->topology->nodes[node].site);
    return 0;
}

static enum node_state sim_node_state(struct lab *lab, uint16_t node)
{
    return sim_of(lab)->nodes[node].state;
}

/* Who is told to leave there always does so in order. */
static int sim_node_exit(struct lab *lab, uint16_t node)
{
    (void)lab, (void)node;
    return 0;
}

static int sim_path_set(struct lab *lab, uint16_t path, const struct path_state *wanted, struct err *e)
{
    (void)e;
    sim_of(lab)->paths[path] = *wanted;
    return 0;
}

static int sim_path_get(struct lab *lab, uint16_t path, struct path_state *actual, struct err *e)
{
    (void)e;
    *actual = sim_of(lab)->paths[path];
    return 0;
}

static int sim_node_unplug(struct lab *lab, uint16_t node, bool unplugged, struct err *e)
{
    (void)e;
    sim_of(lab)->nodes[node].unplugged = unplugged;
    return 0;
}

/* A rehearsal needs no more: what a node may have makes no difference to the
 * model, and no run with it takes place there. */
static int sim_node_starve(struct lab *lab, uint16_t node, enum lab_resource r, int64_t limit, struct err *e)
{
    (void)lab, (void)node, (void)r, (void)limit, (void)e;
    return 0;
}

static int sim_node_crowd(struct lab *lab, uint16_t from, uint16_t to, size_t connections, struct err *e)
{
    (void)lab, (void)from, (void)to, (void)connections, (void)e;
    return 0;
}

const struct lab_ops lab_sim = {
    .kind = "sim",
    .open = sim_open,
    .close = sim_close,
    .loop = sim_loop,
    .mechanism = sim_mechanism,
    .node_start = sim_node_start,
    .node_kill = sim_node_kill,
    .node_freeze = sim_node_freeze,
    .node_signal = sim_node_signal,
    .node_state = sim_node_state,
    .node_exit = sim_node_exit,
    .node_starve = sim_node_starve,
    .node_crowd = sim_node_crowd,
    .node_config_get = sim_node_config_get,
    .node_config_first = sim_node_config_first,
    .node_file_get = sim_node_file_get,
    .node_file_set = sim_node_file_set,
    .node_desired_get = sim_node_desired_get,
    .node_desired_set = sim_node_desired_set,
    .path_set = sim_path_set,
    .path_get = sim_path_get,
    .node_unplug = sim_node_unplug,
    .admin = sim_admin,
    .knock = sim_knock,
    .tls_issue = sim_tls_issue,
    .tls_get = sim_tls_get,
    .tls_set = sim_tls_set,
    .tls_authority = sim_tls_authority,
    .handshake = sim_handshake,
    .ask = sim_ask,
    .transport = sim_transport,
};
