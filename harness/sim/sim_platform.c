/* SPDX-License-Identifier: MIT */
/*
 * The platform in the model: who hears of the control plane, whether an instance is up, what a probe through a gateway
 * sees.
 *
 * An endpoint that is up and within reach is heard at once. A serverless origin that keeps no instance has one
 * cold_start after the first request that comes when none is there, and as many as it needs from then on; warm-up is
 * left out. A deep probe is well when the store of some region is up and serves well.
 */
#include "harness/sim/sim.h"

static bool hears_from(const struct sim *s, uint16_t gateway, uint16_t site)
{
    uint16_t endpoint = topo_control_node(s->topology, site);
    return endpoint != TOPO_NONE && sim_serving(s, endpoint) &&
           sim_path_open(s, s->topology->nodes[gateway].site, site, TOPO_PORT_CONTROL);
}

bool sim_hears(const struct sim *s, uint16_t gateway)
{
    uint16_t own = s->topology->nodes[gateway].site;
    bool heard = !s->topology->control.there || hears_from(s, gateway, own);
    for (uint16_t site = 0; site < s->topology->site_count && !heard && s->topology->control.fallback; site++)
        if (s->topology->sites[site].kind == SITE_REGION && site != own) /* the first other one is all that is asked */
            return hears_from(s, gateway, site);
    return heard;
}

bool sim_out_of_touch(const struct sim *s, uint16_t gateway)
{
    const struct topo_control *c = &s->topology->control;
    return c->there && c->refuse_stale && loop_now(s->loop) - s->nodes[gateway].desired_as_of_ns > c->stale_after_ns;
}

bool sim_warm(struct sim *s, uint16_t site, int64_t now)
{
    const struct topo_scaling *c = &s->topology->scaling;
    struct sim_node *n = &s->nodes[sim_store_node(s, site)];
    int64_t kept = s->topology->sites[site].role == REGION_STANDBY ? c->standby : c->least;
    if (!c->there || kept > 0)
        return true;
    if (n->asked_at_ns == 0 || now - n->asked_at_ns > c->idle_after_ns)
        n->warm_at_ns = now + c->cold_start_ns;
    n->asked_at_ns = now;
    return now >= n->warm_at_ns;
}

bool sim_deep_well(struct sim *s)
{
    for (uint16_t site = 0; site < s->topology->site_count; site++) {
        if (s->topology->sites[site].kind != SITE_REGION)
            continue;
        uint16_t store = sim_store_node(s, site);
        if (sim_serving(s, store) && sim_draw(s, store).status == 0)
            return true;
    }
    return false;
}
