/* SPDX-License-Identifier: MIT */
/*
 * Whom an action hits: a node, the nodes of a region, or links. One link is named by its ends; any more by sides: each
 * site stands on one side or on none, and what joins two sides is hit. A site against all others is two sides, itself
 * and the rest.
 */
#include "harness/spec/action.h"

#include <stddef.h>

static bool runs_so(enum link_direction d, bool forward)
{
    return d == DIRECTION_BOTH || (d == DIRECTION_FORWARD) == forward;
}

bool action_hits_path(const struct topology *t, const struct action *a, uint16_t path)
{
    if (a->target != TARGET_LINK || path / 2 >= t->link_count) {
        return false;
    }
    if (!a->sides) {
        return path / 2 == a->link && runs_so(a->direction, path % 2 == 0);
    }
    unsigned from = a->sides[path_from(t, path)], to = a->sides[path_to(t, path)];
    return from && to && from != to && runs_so(a->direction, from < to);
}

bool action_hits_link(const struct topology *t, const struct action *a, uint16_t link)
{
    return action_hits_path(t, a, path_of(link, false)) || action_hits_path(t, a, path_of(link, true));
}

bool action_hits_node(const struct topology *t, const struct action *a, uint16_t node)
{
    return a->target == TARGET_NODE ? a->node == node : a->target == TARGET_REGION && t->nodes[node].site == a->site;
}

bool action_severs(const struct topology *t, const struct action *a)
{
    bool control = t && a->target == TARGET_NODE && a->node < t->node_count && t->nodes[a->node].role == NODE_CONTROL;
    return a->type->severing && !control;
}

uint16_t action_isolates(const struct topology *t, const struct action *a)
{
    uint16_t alone = TOPO_NONE;
    for (uint16_t i = 0; a->sides && i < t->site_count; i++) {
        if (a->sides[i] == 0 || a->sides[i] > 2 || (a->sides[i] == 1 && alone != TOPO_NONE)) {
            return TOPO_NONE;
        }
        alone = a->sides[i] == 1 ? i : alone;
    }
    return alone;
}

const struct action_plane action_planes[] = {
    {"clients", TOPO_PORT_HTTP}, {"replication", TOPO_PORT_REPLICATION}, {"control", TOPO_PORT_LEASE},
    {"config", TOPO_PORT_CONTROL}, {NULL, 0}};

const char *action_plane_word(uint16_t port)
{
    const struct action_plane *p = action_planes;
    port = port == TOPO_PORT_HTTPS ? TOPO_PORT_HTTP : port; /* of clients, both */
    while (p->word && p->port != port) {
        p++;
    }
    return p->word;
}

bool action_plane_crosses(const struct topology *t, uint16_t link, uint16_t port)
{
    enum site_kind a = t->sites[t->links[link].a].kind, b = t->sites[t->links[link].b].kind;
    bool witness = a == SITE_WITNESS || b == SITE_WITNESS, vantage = a == SITE_VANTAGE || b == SITE_VANTAGE;
    return port == TOPO_PORT_HTTP          ? !witness && !(vantage && t->tls)
           : port == TOPO_PORT_HTTPS       ? vantage && t->tls
           : port == TOPO_PORT_REPLICATION ? !witness && !vantage
           : port == TOPO_PORT_LEASE       ? witness
           : port == TOPO_PORT_CONTROL     ? !witness && !vantage && t->control.there && t->control.fallback
                                           : false;
}
