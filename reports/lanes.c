/* SPDX-License-Identifier: MIT */
/*
 * A walk over the timeline with one small state per node, and over the edges of the faults, merged by time.
 *
 * OBSERVED events carry what a node said of itself: `drift` of gateways, `leader` of origins; the outcome "silent"
 * means that it did not answer. NODE events say what became of a process (started, ready, exited, killed, stopped,
 * continued). Begin and end of faults come from the result: a kill makes its nodes down and a freeze frozen at once,
 * earlier than any poll could show; a fault on a link degrades the regions at both ends. After a kill ends, a node is
 * starting until it answers. After each step the lanes of the node and its region are brought up to date; a span closes
 * when the state differs from the one before. A region is down when every gateway or every origin of it is, frozen when
 * that is for being frozen, degraded while some of its nodes are hit, drifted when one of its gateways is. Unknown
 * nodes and words are passed over.
 */
#include "reports/lanes.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdlib.h>

const char *const lane_state_words[LANE_STATES] = {"absent", "starting", "up", "drifted", "degraded", "frozen", "down"};

struct node_state {
    enum lane_state process; /* as far as events tell */
    unsigned killed, frozen; /* open faults on it */
    bool silent, drifted, leads;
};

struct lanes_walk {
    const struct topology *topo;
    struct lanes *lanes;
    struct node_state *nodes; /* by node index */
    unsigned *cut;            /* by site index: open faults on links of the site */
};

/* Where a fault begins or ends. */
struct edge {
    double at_s;
    const struct result_fault *fault;
    bool begins;
};

struct edges {
    struct edge *at;
    size_t len, cap;
};

static void extend(struct lane *lane, double at_s, enum lane_state state, bool leads)
{
    size_t n = lane->spans.len;
    if (n > 0 && at_s < lane->spans.at[n - 1].from_s) { /* observations are bracketed and may look back a little */
        at_s = lane->spans.at[n - 1].from_s;
    }
    if (n > 0 && lane->spans.at[n - 1].from_s == at_s && lane->spans.at[n - 1].state != state) {
        n = --lane->spans.len; /* a state that lasted no time was none */
    }
    if (n == 0 || lane->spans.at[n - 1].state != state) {
        if (n > 0) {
            lane->spans.at[n - 1].to_s = at_s;
        }
        *vec_push(&lane->spans) = (struct lane_span){at_s, at_s, state};
    }
    size_t m = lane->leads.len;
    bool led = m > 0 && isinf(lane->leads.at[m - 1].to_s);
    if (leads && !led) {
        *vec_push(&lane->leads) = (struct lane_span){at_s, INFINITY, LANE_UP};
    } else if (!leads && led) {
        lane->leads.at[m - 1].to_s = at_s;
    }
}

static enum lane_state node_lane_state(const struct node_state *n)
{
    if (n->killed) {
        return LANE_DOWN;
    }
    if (n->frozen) {
        return LANE_FROZEN;
    }
    if (n->silent && n->process != LANE_STARTING && n->process != LANE_ABSENT) {
        return LANE_DOWN;
    }
    return n->process == LANE_UP && n->drifted ? LANE_DRIFTED : n->process;
}

static bool node_leads(const struct node_state *n)
{
    return n->leads && !n->killed && !n->silent;
}

/* Nodes of one role in a region. */
struct tally {
    unsigned all, absent, starting, frozen, down;
};

static struct tally count_role(const struct lanes_walk *w, const struct topo_site *site, enum node_role role)
{
    struct tally c = {0};
    for (size_t i = site->first_node; i < (size_t)site->first_node + site->node_count && i < w->topo->node_count; i++) {
        if (w->topo->nodes[i].role == role) {
            enum lane_state state = node_lane_state(&w->nodes[i]);
            c.all++;
            c.absent += state == LANE_ABSENT;
            c.starting += state == LANE_STARTING;
            c.frozen += state == LANE_FROZEN;
            c.down += state == LANE_DOWN;
        }
    }
    return c;
}

static enum lane_state region_state(const struct lanes_walk *w, uint16_t s)
{
    const struct topo_site *site = &w->topo->sites[s];
    struct tally gateways = count_role(w, site, NODE_GATEWAY), origins = count_role(w, site, NODE_ORIGIN);
    struct tally sum = {gateways.all + origins.all, gateways.absent + origins.absent,
                        gateways.starting + origins.starting, gateways.frozen + origins.frozen,
                        gateways.down + origins.down};
    if (sum.absent == sum.all) {
        return LANE_ABSENT;
    }
    if ((gateways.all && gateways.down == gateways.all) || (origins.all && origins.down == origins.all)) {
        return LANE_DOWN;
    }
    if ((gateways.all && gateways.down + gateways.frozen == gateways.all) ||
        (origins.all && origins.down + origins.frozen == origins.all)) {
        return LANE_FROZEN;
    }
    if (sum.starting + sum.absent > 0) {
        return LANE_STARTING;
    }
    if (sum.down + sum.frozen > 0 || w->cut[s] > 0) {
        return LANE_DEGRADED;
    }
    for (size_t i = site->first_node; i < (size_t)site->first_node + site->node_count && i < w->topo->node_count; i++) {
        if (w->nodes[i].drifted) {
            return LANE_DRIFTED;
        }
    }
    return LANE_UP;
}

static bool region_leads(const struct lanes_walk *w, uint16_t s)
{
    const struct topo_site *site = &w->topo->sites[s];
    for (size_t i = site->first_node; i < (size_t)site->first_node + site->node_count && i < w->topo->node_count; i++) {
        if (node_leads(&w->nodes[i])) {
            return true;
        }
    }
    return false;
}

static void refresh(struct lanes_walk *w, double at_s, uint16_t site, uint16_t node)
{
    for (size_t i = 0; i < w->lanes->all.len; i++) {
        struct lane *lane = &w->lanes->all.at[i];
        if (lane->node != TOPO_NONE && lane->node == node) {
            extend(lane, at_s, node_lane_state(&w->nodes[node]), node_leads(&w->nodes[node]));
        } else if (lane->node == TOPO_NONE && lane->site == site) {
            extend(lane, at_s, region_state(w, site), region_leads(w, site));
        }
    }
}

static uint16_t node_named(const struct topology *t, const char *name)
{
    for (size_t i = 0; name && i < t->node_count; i++) {
        if (text_eq(t->nodes[i].name, name)) {
            return (uint16_t)i;
        }
    }
    return TOPO_NONE;
}

static bool take_process(struct node_state *n, const char *what)
{
    static const struct {
        const char *word;
        enum lane_state state;
    } words[] = {{"started", LANE_STARTING}, {"ready", LANE_UP},    {"continued", LANE_UP},
                 {"exited", LANE_DOWN},      {"killed", LANE_DOWN}, {"stopped", LANE_FROZEN}};
    for (size_t i = 0; i < array_len(words); i++) {
        if (text_eq(words[i].word, what)) {
            n->process = words[i].state;
            n->silent = false;
            n->leads = n->leads && (n->process == LANE_UP || n->process == LANE_FROZEN);
            n->drifted = n->drifted && n->process != LANE_STARTING;
            return true;
        }
    }
    return false;
}

static void take_observation(struct node_state *n, const struct event *ev)
{
    n->silent = text_eq(ev->outcome, "silent");
    if (n->silent) {
        return;
    }
    const json_t *drift = json_object_get(ev->data, "drift"), *leader = json_object_get(ev->data, "leader");
    n->process = LANE_UP;
    n->drifted = drift ? json_is_true(drift) : n->drifted;
    n->leads = leader ? json_is_true(leader) : n->leads;
}

void lanes_walk_event(struct lanes_walk *w, const struct event *ev)
{
    uint16_t node = node_named(w->topo, ev->subject);
    if (node == TOPO_NONE || (ev->kind != EVENT_NODE && ev->kind != EVENT_OBSERVED)) {
        return;
    }
    struct node_state *n = &w->nodes[node];
    double at_s = (double)ev->at_ns / (double)NS_PER_S;
    if (ev->kind == EVENT_NODE) {
        if (!take_process(n, ev->detail)) {
            return;
        }
    } else {
        take_observation(n, ev);
    }
    refresh(w, at_s, w->topo->nodes[node].site, node);
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct edge *)a)->at_s, y = ((const struct edge *)b)->at_s;
    return (x > y) - (x < y);
}

static void collect_edges(struct edges *edges, const struct result *r)
{
    for (size_t i = 0; i < r->faults.len; i++) {
        const struct result_fault *f = &r->faults.at[i];
        if (isfinite(f->t_ib_s)) {
            *vec_push(edges) = (struct edge){f->t_ib_s, f, true};
            if (isfinite(f->t_he_s)) {
                *vec_push(edges) = (struct edge){f->t_he_s, f, false};
            }
        }
    }
    if (edges->len > 1) {
        qsort(edges->at, edges->len, sizeof(*edges->at), by_time);
    }
}

static void count_edge(unsigned *open, bool begins)
{
    *open = begins ? *open + 1 : *open > 0 ? *open - 1 : 0;
}

/* A kill, stop or freeze begins or ends on one node. */
static void hit_node(struct lanes_walk *w, const struct edge *edge, uint16_t node)
{
    struct node_state *n = &w->nodes[node];
    if (text_eq(edge->fault->do_, "kill") || text_eq(edge->fault->do_, "stop")) {
        count_edge(&n->killed, edge->begins);
        n->process = LANE_STARTING; /* shows once no fault is open */
        n->leads = n->drifted = false;
    } else if (text_eq(edge->fault->do_, "freeze")) {
        count_edge(&n->frozen, edge->begins);
        n->silent = n->silent && edge->begins;
    }
    refresh(w, edge->at_s, w->topo->nodes[node].site, node);
}

static bool is_among(const struct texts *names, const char *name)
{
    for (size_t i = 0; i < names->len; i++) {
        if (text_eq(names->at[i], name)) {
            return true;
        }
    }
    return false;
}

static void take_edge(struct lanes_walk *w, const struct edge *edge)
{
    const struct texts *subject = &edge->fault->subject;
    bool link = subject->len > 1; /* a fault on links names all of their ends */
    for (size_t s = 0; link && s < w->topo->site_count; s++) {
        if (is_among(subject, w->topo->sites[s].name)) {
            count_edge(&w->cut[s], edge->begins);
            refresh(w, edge->at_s, (uint16_t)s, TOPO_NONE);
        }
    }
    for (size_t n = 0; !link && subject->len == 1 && n < w->topo->node_count; n++) {
        const struct topo_node *node = &w->topo->nodes[n];
        bool in_site = node->site < w->topo->site_count && text_eq(w->topo->sites[node->site].name, subject->at[0]);
        if (in_site || text_eq(node->name, subject->at[0])) {
            hit_node(w, edge, (uint16_t)n);
        }
    }
}

static void add_lanes(struct lanes *l, const struct topology *topo)
{
    for (size_t s = 0; s < topo->site_count; s++) {
        const struct topo_site *site = &topo->sites[s];
        if (site->kind == SITE_VANTAGE) {
            continue;
        }
        if (site->kind == SITE_REGION) {
            *vec_push(&l->all) = (struct lane){.name = site->name, .site = (uint16_t)s, .node = TOPO_NONE};
        }
        for (size_t n = site->first_node; n < (size_t)site->first_node + site->node_count && n < topo->node_count;
             n++) {
            *vec_push(&l->all) = (struct lane){.name = topo->nodes[n].name, .site = (uint16_t)s, .node = (uint16_t)n};
        }
    }
}

static void close_spans(struct lanes *l, double end_s)
{
    for (size_t i = 0; i < l->all.len; i++) {
        struct lane *lane = &l->all.at[i];
        if (lane->spans.len) {
            lane->spans.at[lane->spans.len - 1].to_s = end_s;
        }
        if (lane->leads.len && isinf(lane->leads.at[lane->leads.len - 1].to_s)) {
            lane->leads.at[lane->leads.len - 1].to_s = end_s;
        }
    }
}

struct lanes_walk *lanes_walk_new(struct lanes *l, const struct topology *topo)
{
    struct lanes_walk *w = xcalloc(1, sizeof(*w));
    *l = (struct lanes){0};
    *w = (struct lanes_walk){.topo = topo,
                             .lanes = l,
                             .nodes = xcalloc(topo->node_count + 1, sizeof(*w->nodes)),
                             .cut = xcalloc(topo->site_count + 1, sizeof(*w->cut))};
    add_lanes(l, topo);
    return w;
}

void lanes_walk_fault(struct lanes_walk *w, double at_s, const struct result_fault *fault, bool begins)
{
    take_edge(w, &(struct edge){at_s, fault, begins});
}

void lanes_walk_free(struct lanes_walk *w)
{
    if (w) {
        free(w->nodes);
        free(w->cut);
        free(w);
    }
}

const char *lanes_endpoint(const struct topology *topo, uint64_t k)
{
    return k < topo->endpoint_count && topo->endpoints[k] < topo->node_count ? topo->nodes[topo->endpoints[k]].name
                                                                             : "another endpoint";
}

void lanes_make(struct lanes *l, const struct report_input *in, double end_s)
{
    *l = (struct lanes){0};
    if (!in->plan || !in->plan->topology) {
        return;
    }
    struct lanes_walk *w = lanes_walk_new(l, in->plan->topology);
    struct edges edges = {0};
    collect_edges(&edges, in->result);
    size_t next = 0;
    for (size_t i = 0; in->evidence && i < in->evidence->event_count; i++) {
        const struct event *ev = &in->evidence->events[i];
        for (; next < edges.len && edges.at[next].at_s <= (double)ev->at_ns / (double)NS_PER_S; next++) {
            take_edge(w, &edges.at[next]);
        }
        lanes_walk_event(w, ev);
    }
    for (; next < edges.len; next++) {
        take_edge(w, &edges.at[next]);
    }
    vec_deinit(&edges);
    lanes_walk_free(w);
    close_spans(l, end_s);
}

void lanes_deinit(struct lanes *l)
{
    for (size_t i = 0; i < l->all.len; i++) {
        vec_deinit(&l->all.at[i].spans);
        vec_deinit(&l->all.at[i].leads);
    }
    vec_deinit(&l->all);
}
