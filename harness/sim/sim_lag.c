/* SPDX-License-Identifier: MIT */
/*
 * Lateness and damage in the model. As in the reference system a fault has a slot of its name: in each store that may
 * ship to the region, in each gateway that fetches what is desired. Slots go with the process.
 *
 * Damage is without dice: of messages with a share p every (1/p)-th is hit. The follower notices it and takes nothing
 * from it; what it carried comes with the next one, since both begin anew from where the follower stands.
 */
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include <stdio.h>
#include <string.h>

static int slot_of(const struct sim_node *n, const char *fault, uint16_t to)
{
    for (int i = 0; i < (int)n->slot_count; i++)
        if (text_eq(n->slots[i].fault, fault) && n->slots[i].to == to)
            return i;
    return -1;
}

int sim_lag_order(struct sim *s, uint16_t node, const json_t *body)
{
    struct sim_node *n = &s->nodes[node];
    const char *fault = json_string_value(json_object_get(body, "fault"));
    const char *region = json_string_value(json_object_get(body, "to"));
    struct sim_slot slot = {.stop = json_is_true(json_object_get(body, "stop")),
                            .delay_ns = json_integer_value(json_object_get(body, "delay_ms")) * NS_PER_MS,
                            .corrupt_ppm = json_integer_value(json_object_get(body, "corrupt_ppm")),
                            .duplicate_ppm = json_integer_value(json_object_get(body, "duplicate_ppm"))};
    if (!fault || !region || (slot.to = topo_site_find(s->topology, region)) == TOPO_NONE)
        return 400;
    snprintf(slot.fault, sizeof(slot.fault), "%s", fault);
    bool wish = slot.stop || slot.delay_ns || slot.corrupt_ppm || slot.duplicate_ppm;
    int at = slot_of(n, slot.fault, slot.to);
    if (!wish && at >= 0)
        n->slots[at] = n->slots[--n->slot_count];
    if (!wish)
        return 200;
    if (at < 0 && n->slot_count == SIM_SLOTS)
        return 409;
    n->slots[at < 0 ? (int)n->slot_count++ : at] = slot;
    return 200;
}

struct sim_slot sim_lag(const struct sim *s, uint16_t node, uint16_t to)
{
    const struct sim_node *n = &s->nodes[node];
    struct sim_slot all = {.to = to};
    for (size_t i = 0; i < n->slot_count; i++) {
        const struct sim_slot *one = &n->slots[i];
        if (one->to != to)
            continue;
        all.stop = all.stop || one->stop;
        all.delay_ns += one->delay_ns;
        all.corrupt_ppm += one->corrupt_ppm;
        all.duplicate_ppm += one->duplicate_ppm;
    }
    return all;
}

json_t *sim_lag_status(const struct sim *s, uint16_t node, uint16_t to)
{
    const struct sim_node *n = &s->nodes[node];
    json_t *slots = json_object();
    for (size_t i = 0; i < n->slot_count; i++) {
        const struct sim_slot *one = &n->slots[i];
        if (one->to == to)
            json_object_set_new(slots, one->fault,
                                json_pack("{s:b,s:I,s:I,s:I}", "stop", one->stop, "delay_ms",
                                          (json_int_t)(one->delay_ns / NS_PER_MS), "corrupt_ppm",
                                          (json_int_t)one->corrupt_ppm, "duplicate_ppm",
                                          (json_int_t)one->duplicate_ppm));
    }
    if (json_object_size(slots) > 0)
        return json_pack("{s:o,s:I,s:I,s:I}", "slots", slots, "frames", (json_int_t)n->frames, "damaged",
                         (json_int_t)n->damaged, "doubled", (json_int_t)n->doubled);
    json_decref(slots);
    return json_null();
}

/* The k-th message of a share: is it hit? */
static bool hit(uint64_t k, int64_t ppm)
{
    return ppm > 0 && k * (uint64_t)ppm / PPM != (k - 1) * (uint64_t)ppm / PPM;
}

bool sim_lag_spoils(struct sim *s, uint16_t from, uint16_t to_site)
{
    struct sim_node *n = &s->nodes[from];
    struct sim_slot all = sim_lag(s, from, to_site);
    if (!all.corrupt_ppm && !all.duplicate_ppm)
        return false;
    n->frames++;
    bool damaged = hit(n->frames, all.corrupt_ppm), doubled = !damaged && hit(n->frames, all.duplicate_ppm);
    n->damaged += damaged;
    n->doubled += doubled;
    s->nodes[sim_store_node(s, to_site)].noticed += damaged || doubled;
    return damaged;
}
