/* SPDX-License-Identifier: MIT */
/*
 * Config RPO: how old was the configuration of the region that took over?
 *
 * A gateway says how old its knowledge of what is desired is (desired_age_ms). The age that counts is the one in the
 * first status, after the first fault, in which a gateway outside the primary sees its own region lead; of several
 * gateways the oldest. Told, not judged: what a region did not hear in time may never have been said.
 */
#include "harness/measure/facts.h"

#include "harness/base/text.h"
#include "harness/base/units.h"

/* The site whose origin leads, by a gateway's status; TOPO_NONE: none. */
static uint16_t leading_site(const struct topology *t, const json_t *status)
{
    size_t i;
    json_t *member;
    json_array_foreach(json_object_get(status, "upstreams"), i, member)
    {
        const char *name = json_string_value(json_object_get(member, "name"));
        uint16_t node = name && json_is_true(json_object_get(member, "leader")) ? topo_node_find(t, name) : TOPO_NONE;
        if (node != TOPO_NONE)
            return t->nodes[node].site;
    }
    return TOPO_NONE;
}

static bool takes_over(const struct study *s, const struct event *e, uint16_t node)
{
    const struct topology *t = s->plan->topology;
    return e->kind == EVENT_OBSERVED && text_eq(e->subject, t->nodes[node].name) && e->at_ns >= s->zero_ns &&
           json_is_object(e->data) && leading_site(t, e->data) == t->nodes[node].site;
}

void facts_config_age(const struct study *s, struct result *out)
{
    const struct topology *t = s->plan->topology;
    for (uint16_t node = 0; t && s->fault_count && node < t->node_count; node++) {
        bool seen = t->nodes[node].role != NODE_GATEWAY || t->nodes[node].site == t->primary;
        for (size_t i = 0; i < s->ev->event_count && !seen; i++) {
            const json_t *age = json_object_get(s->ev->events[i].data, "desired_age_ms");
            seen = takes_over(s, &s->ev->events[i], node);
            double age_s = seen && json_is_integer(age) ? (double)json_integer_value(age) / 1e3 : NAN;
            if (!isnan(age_s) && !(out->measures.config_rpo_s >= age_s))
                out->measures.config_rpo_s = age_s;
        }
    }
}
