/* SPDX-License-Identifier: MIT */
/*
 * The walk is that of the report (reports/lanes.h), which is told of faults as their events come: begun with the first
 * instant of the injection, over with the last one of the heal, as in the result.
 */
#include "harness/cli/live_lanes.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/facts.h"
#include "reports/lanes.h"

#include <math.h>
#include <stdlib.h>

struct live_lanes {
    const struct plan *plan;
    struct lanes lanes;
    struct lanes_walk *walk;
    struct text told; /* states and leads of the last message */
};

struct live_lanes *live_lanes_new(const struct plan *plan)
{
    struct live_lanes *l = xcalloc(1, sizeof(*l));
    l->plan = plan;
    l->walk = lanes_walk_new(&l->lanes, plan->topology);
    return l;
}

static const struct plan_step *step_of(const struct plan *p, int64_t id)
{
    for (size_t i = 0; i < p->step_count; i++) {
        if (p->steps[i].id == id) {
            return &p->steps[i];
        }
    }
    return NULL;
}

static void take_fault(struct live_lanes *l, const struct event *ev)
{
    const struct plan_step *step = step_of(l->plan, ev->code);
    if (!step) {
        return;
    }
    bool begins = ev->kind == EVENT_FAULT_APPLY;
    struct arena arena = {0};
    struct result_fault fault = {.id = step->id, .do_ = step->action.type->verb};
    facts_subjects(&arena, l->plan->topology, &step->action, &fault.subject);
    lanes_walk_fault(l->walk, (double)(begins ? ev->at_ns : ev->end_ns) / (double)NS_PER_S, &fault, begins);
    arena_deinit(&arena);
}

_Static_assert(LANE_STATES <= 10, "a state is told as one digit");

static void write_states(const struct live_lanes *l, struct text *states, struct text *leads)
{
    for (size_t i = 0; i < l->lanes.all.len; i++) {
        const struct lane *lane = &l->lanes.all.at[i];
        enum lane_state state = lane->spans.len ? lane->spans.at[lane->spans.len - 1].state : LANE_ABSENT;
        bool led = lane->leads.len && isinf(lane->leads.at[lane->leads.len - 1].to_s);
        text_addf(states, "%d", (int)state);
        text_add(leads, led ? "1" : "0");
    }
}

json_t *live_lanes_take(struct live_lanes *l, const struct event *ev)
{
    scoped_text struct text states = {0}, leads = {0}, now = {0};
    if (ev->kind == EVENT_FAULT_APPLY || ev->kind == EVENT_FAULT_HEAL) {
        take_fault(l, ev);
    } else if (ev->kind == EVENT_NODE || ev->kind == EVENT_OBSERVED) {
        lanes_walk_event(l->walk, ev);
    } else {
        return NULL;
    }
    write_states(l, &states, &leads);
    text_addf(&now, "%s %s", text_str(&states), text_str(&leads));
    if (text_eq(text_str(&now), text_str(&l->told))) {
        return NULL;
    }
    text_deinit(&l->told);
    l->told = now;
    now = (struct text){0};
    int64_t at_ns = ev->kind == EVENT_FAULT_HEAL ? ev->end_ns : ev->at_ns;
    return json_pack("{s:s,s:f,s:s,s:s}", "kind", "lanes", "t", (double)at_ns / (double)NS_PER_S, "states",
                     text_str(&states), "leads", text_str(&leads));
}

void live_lanes_free(struct live_lanes *l)
{
    if (l) {
        lanes_walk_free(l->walk);
        lanes_deinit(&l->lanes);
        text_deinit(&l->told);
        free(l);
    }
}

json_t *live_lanes_list(const struct plan *plan)
{
    scoped_lanes struct lanes lanes = {0};
    struct lanes_walk *walk = lanes_walk_new(&lanes, plan->topology);
    json_t *list = json_array();
    for (size_t i = 0; i < lanes.all.len; i++) {
        const struct lane *lane = &lanes.all.at[i];
        json_array_append_new(list, json_pack("{s:s,s:i,s:b}", "name", lane->name, "site", (int)lane->site, "node",
                                              lane->node != TOPO_NONE));
    }
    lanes_walk_free(walk);
    return list;
}
