/* SPDX-License-Identifier: MIT */
/*
 * Read off the plan, so that it is known before anything is broken and does not shrink when a run is interrupted. A
 * region is touched when one of its nodes is; a vantage when its home is, when a link of its own is, or when it sends a
 * surge. Names come in the order of the topology.
 */
#include "harness/measure/blast.h"

#include "harness/base/text.h"

static bool is_fault(const struct plan_step *step)
{
    return step->action.type && step->action.type->class == ACTION_FAULT;
}

static bool node_hit(const struct plan *p, uint16_t node)
{
    for (size_t i = 0; i < p->step_count; i++)
        if (is_fault(&p->steps[i]) && action_hits_node(p->topology, &p->steps[i].action, node))
            return true;
    return false;
}

static bool link_hit(const struct plan *p, uint16_t link)
{
    for (size_t i = 0; i < p->step_count; i++)
        if (is_fault(&p->steps[i]) && action_hits_link(p->topology, &p->steps[i].action, link))
            return true;
    return false;
}

/* Extra load has no target: it comes from every vantage. */
static bool surges(const struct plan *p)
{
    for (size_t i = 0; i < p->step_count; i++)
        if (is_fault(&p->steps[i]) && p->steps[i].action.target == TARGET_NONE)
            return true;
    return false;
}

static bool site_hit(const struct plan *p, uint16_t site)
{
    for (uint16_t node = 0; node < p->topology->node_count; node++)
        if (p->topology->nodes[node].site == site && node_hit(p, node))
            return true;
    return false;
}

static bool vantage_hit(const struct plan *p, uint16_t site)
{
    const struct topology *t = p->topology;
    for (uint16_t link = 0; link < t->link_count; link++)
        if ((t->links[link].a == site || t->links[link].b == site) && link_hit(p, link))
            return true;
    return surges(p) || (t->sites[site].home < t->site_count && site_hit(p, t->sites[site].home));
}

static void add(const struct study *s, struct texts *to, const char *name)
{
    *arena_push(s->arena, to) = arena_strdup(s->arena, name);
}

void blast_fill(const struct study *s, struct result *out)
{
    const struct topology *t = s->plan->topology;
    struct result_blast *b = &out->blast_radius;
    out->has_blast_radius = t != NULL;
    for (uint16_t i = 0; t && i < t->site_count; i++) {
        if (t->sites[i].kind == SITE_REGION && site_hit(s->plan, i))
            add(s, &b->regions, t->sites[i].name);
        if (t->sites[i].kind == SITE_VANTAGE && vantage_hit(s->plan, i))
            add(s, &b->vantages, t->sites[i].name);
    }
    for (uint16_t i = 0; t && i < t->node_count; i++)
        if (node_hit(s->plan, i))
            add(s, &b->nodes, t->nodes[i].name);
    for (uint16_t i = 0; t && i < t->link_count; i++)
        if (link_hit(s->plan, i))
            *arena_push(s->arena, &b->links) =
                arena_printf(s->arena, "%s - %s", t->sites[t->links[i].a].name, t->sites[t->links[i].b].name);
}
