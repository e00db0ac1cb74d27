/* SPDX-License-Identifier: MIT */
#include "tests/unit/lab/fake_late.h"

#include "harness/base/units.h"

/* The widest lag that the slots of a node ask for. */
static void widest(const struct fake_node *n, bool *stop, int64_t *delay_ns)
{
    const char *fault;
    json_t *slot;
    *stop = false;
    *delay_ns = 0;
    json_object_foreach(n->slots, fault, slot)
    {
        *stop = *stop || json_is_true(json_object_get(slot, "stop"));
        *delay_ns += json_integer_value(json_object_get(slot, "delay_ms")) * NS_PER_MS;
    }
}

/* A write every 10 ms since the beginning; whatever is not late has them all. */
static int64_t known_until_ns(const struct fake_lab *f, const struct fake_node *by)
{
    int64_t now = loop_now(f->loop), delay_ns;
    bool stop;
    widest(by, &stop, &delay_ns);
    if (f->ships_all_the_same) {
        return now;
    }
    if (stop || f->all_late) {
        return by->slots_since_ns;
    }
    return now - delay_ns > by->slots_since_ns || delay_ns == 0 ? now - delay_ns : by->slots_since_ns;
}

static json_t *lag_of(const struct fake_node *n)
{
    return json_object_size(n->slots) == 0
               ? json_null()
               : json_pack("{s:O, s:i, s:i, s:i}", "slots", n->slots, "frames", 100, "damaged", 3, "doubled", 2);
}

/* What /status adds for what can be late: stores and gateways. */
json_t *fake_lateness(const struct fake_lab *f, uint16_t node)
{
    const struct fake_node *n = &f->nodes[node];
    if (f->topo.nodes[node].role == NODE_GATEWAY) {
        return json_pack("{s:I, s:o}", "desired_age_ms",
                         (json_int_t)((loop_now(f->loop) - known_until_ns(f, n)) / NS_PER_MS), "desired_lag",
                         lag_of(n));
    }
    bool leads = f->leader == (int)node;
    const struct fake_node *from = &f->nodes[f->leader >= 0 ? f->leader : node];
    int64_t until_ns = leads ? loop_now(f->loop) : known_until_ns(f, from);
    bool damaged = !leads && !f->ships_all_the_same && json_object_size(from->slots) > 0;
    int64_t broken = damaged ? loop_now(f->loop) / (100 * NS_PER_MS) : 0;
    return json_pack("{s:I, s:I, s:[{s:s, s:o}]}", "lsn", (json_int_t)(until_ns / (10 * NS_PER_MS)), "frames_broken",
                     (json_int_t)broken, "peers", "region", node == 2 ? "west" : "east", "lag", lag_of(n));
}

int fake_lag_order(struct fake_lab *f, uint16_t node, json_t *doc)
{
    struct fake_node *n = &f->nodes[node];
    const char *fault = json_string_value(json_object_get(doc, "fault"));
    if (!fault) {
        return 400;
    }
    if (f->deaf) {
        return 200;
    }
    n->slots_since_ns = loop_now(f->loop);
    if (json_object_get(doc, "stop")) {
        json_object_set(n->slots, fault, doc);
    } else {
        json_object_del(n->slots, fault);
    }
    return 200;
}

int64_t fake_wall_ns(const struct fake_lab *f, uint16_t node)
{
    const struct fake_node *n = &f->nodes[node];
    int64_t gained = (loop_now(f->loop) - n->clock_since_ns) / PPM * n->clock_gain_ppm;
    return 7200 * NS_PER_S + loop_now(f->loop) + n->clock_step_ns + gained;
}

int fake_clock_order(struct fake_lab *f, uint16_t node, const json_t *doc)
{
    const json_t *rate = json_object_get(doc, "rate_ppm");
    if (!f->deaf) {
        f->nodes[node].clock_step_ns = json_integer_value(json_object_get(doc, "step_ms")) * NS_PER_MS;
        f->nodes[node].clock_gain_ppm = rate ? json_integer_value(rate) - PPM : 0;
        f->nodes[node].clock_since_ns = loop_now(f->loop);
    }
    return 200;
}
