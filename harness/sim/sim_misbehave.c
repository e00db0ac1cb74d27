/* SPDX-License-Identifier: MIT */
/*
 * Origins of the model that serve badly: the slots that a real origin has (docs/protocol.md section 3), and what comes
 * of them for customers and for whoever asks the origin itself.
 *
 * A gateway of the model asks the store of the region that serves, gives an attempt SIM_TRY_NS, and makes it again
 * twice when it fails: no answer in time, an answer that breaks off, 502 to 504. Others it passes on. Health checks
 * play no part: in the model the lease alone says who serves.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/sim/sim.h"
#include <string.h>

static int64_t knob(const json_t *slot, const char *key)
{
    return json_integer_value(json_object_get(slot, key));
}

struct sim_fate sim_draw(struct sim *s, uint16_t node)
{
    struct sim_fate f = {.retry_after_s = -1, .reset_after = -1};
    struct sim_node *n = &s->nodes[node];
    const char *name;
    json_t *slot;
    json_object_foreach(n->ills, name, slot) {
        if ((int64_t)rng_below(&n->dice, (uint64_t)PPM) >= knob(slot, "share_ppm"))
            continue;
        json_t *reset = json_object_get(slot, "reset_after");
        f.hangs = f.hangs || json_is_true(json_object_get(slot, "hang"));
        f.is_short = f.is_short || json_is_true(json_object_get(slot, "short_body"));
        f.reset_after = reset ? json_integer_value(reset) : f.reset_after;
        f.first_byte_ns += knob(slot, "first_byte_us") * NS_PER_US;
        f.body_ns += knob(slot, "body_us") * NS_PER_US;
        if (!f.status && knob(slot, "status")) {
            f.status = (int)knob(slot, "status");
            f.retry_after_s = json_object_get(slot, "retry_after_s") ? knob(slot, "retry_after_s") : -1;
        }
    }
    return f;
}

int sim_misbehave_call(struct sim *s, uint16_t node, const char *method, const char *name, json_t *knobs)
{
    struct sim_node *n = &s->nodes[node];
    if (s->topology->nodes[node].role != NODE_ORIGIN)
        return 404;
    if (text_eq(method, "DELETE")) {
        json_object_del(n->ills, name);
    } else {
        json_object_set(n->ills, name, knobs);
        rng_init(&n->dice, (uint64_t)knob(knobs, "seed"), "misbehave");
    }
    return 200;
}

/* What the health check of a node says: -1 what any request would get. */
static int health_told(const struct sim_node *n)
{
    int told = -1;
    const char *name;
    json_t *slot;
    json_object_foreach(n->ills, name, slot) {
        const char *lie = json_string_value(json_object_get(slot, "health"));
        if (text_eq(lie, "bad"))
            told = 503;
        else if (text_eq(lie, "good") && told < 0)
            told = 200;
    }
    return told;
}

void sim_answer_course(struct sim *s, uint16_t from, uint16_t to, const char *target, struct lab_answer *a,
                       int64_t *after_ns)
{
    struct sim_node *n = &s->nodes[to];
    int64_t trip = sim_round_trip_ns(s, s->topology->nodes[from].site, s->topology->nodes[to].site),
            timeout = *after_ns;
    size_t bytes = text_starts(target, "/bytes/") ? strtoul(target + strlen("/bytes/"), NULL, 10) : 3;
    int told = text_eq(target, "/healthz") ? health_told(n) : -1;
    struct sim_fate f =
        told < 0 ? sim_draw(s, to) : (struct sim_fate){.status = told, .reset_after = -1, .retry_after_s = -1};
    a->course = (struct lab_course){
        .connected_ns = loop_now(s->loop) + trip, .retry_after_s = f.retry_after_s, .body_len = bytes};
    *after_ns = 2 * trip + f.first_byte_ns + f.body_ns;
    if (f.hangs || *after_ns > timeout) {
        *after_ns = timeout;
        a->course.end = END_TIMEOUT;
        return;
    }
    a->status = f.status ? f.status : 200;
    a->course.first_byte_ns = a->course.connected_ns + trip + f.first_byte_ns;
    if (f.is_short || f.reset_after >= 0) {
        a->course.end = f.is_short ? END_SHORT : END_RESET;
        a->course.body_len = f.is_short ? bytes / 2 : (size_t)f.reset_after < bytes ? (size_t)f.reset_after : bytes - 1;
    }
}
