/* SPDX-License-Identifier: MIT */
/*
 * Two witnesses for a network fault: the kernel, read back, and canaries, whose datagrams show what the path does. A
 * lab without sockets (the simulated one) has the first witness only.
 *
 * A loss shows a fault only where something came before: a canary of which nothing ever arrived leaves it unproven.
 *
 * The control is a canary on a path that no fault of the scenario hits: it must be as well as it was before this
 * fault began. One that was not well even then says nothing, and neither does one whose ends are unplugged.
 */
#include "injectors/link.h"

#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/lab/gate.h"
#include "harness/lab/lane.h"
#include "harness/lab/shape.h"

#include <stdio.h>
#include <string.h>

#define ALLOWANCE_NS (100 * NS_PER_MS)
#define BEFORE_NS (2 * NS_PER_S)
#define LATELY_NS (400 * NS_PER_MS)

int link_apply(struct injection *in, const struct path_state *wish, struct err *e)
{
    const struct topology *t = fabric_topology(in->fabric);
    bool any = false;
    for (uint16_t path = 0; path < 2 * t->link_count; path++) {
        bool hit = action_hits_path(t, in->action, path);
        any = any || hit;
        if (hit && fabric_lay(in->fabric, in->fault, path, wish, e) != 0) {
            return -1;
        }
    }
    return any ? 0 : err_set(e, ERR_MEANING, in->action->type->verb, "it hits no link");
}

int link_heal(struct injection *in, struct err *e)
{
    return fabric_lift(in->fabric, in->fault, e);
}

static bool path_reads_back(struct injection *in, uint16_t path, bool cut_only)
{
    struct lab *lab = fabric_lab(in->fabric);
    bool shaped = lab->ops->mechanism(lab, EFFECT_DEGRADE).available; /* else the links' own delays were left out */
    struct path_state wanted = fabric_wanted(in->fabric, path), actual;
    struct err e = {0};
    if (lab->ops->path_get(lab, path, &actual, &e) != 0) {
        snprintf(in->method, sizeof(in->method), "read-back failed: %.120s", e.msg);
        return false;
    }
    bool narrow = lanes_same(&wanted, &actual) && wanted.rate_bps / 8 == actual.rate_bps / 8 &&
                  wanted.mtu_bytes == actual.mtu_bytes && wanted.block_new == actual.block_new &&
                  wanted.stalled == actual.stalled;
    bool same = cut_only || (shaped ? shape_same(&wanted, &actual) : narrow);
    if (actual.cut != wanted.cut || !gates_same(&actual, &wanted) || !same) {
        snprintf(in->method, sizeof(in->method), "read-back of path %u differs from what was asked for", path);
        return false;
    }
    return true;
}

bool link_reads_back(struct injection *in, bool cut_only)
{
    const struct topology *t = fabric_topology(in->fabric);
    for (uint16_t path = 0; path < 2 * t->link_count; path++) {
        if (action_hits_path(t, in->action, path) && !path_reads_back(in, path, cut_only)) {
            return false;
        }
    }
    return true;
}

int64_t link_allowance(const struct injection *in, uint16_t path)
{
    struct path_state wanted = fabric_wanted(in->fabric, path), w = lane_met(&wanted, injection_lane(in->action));
    return ALLOWANCE_NS + w.delay_ns + 3 * w.jitter_ns;
}

bool link_end_unplugged(const struct injection *in, uint16_t path)
{
    const struct topology *t = fabric_topology(in->fabric);
    uint16_t from = t->sites[path_from(t, path)].first_node, to = t->sites[path_to(t, path)].first_node;
    return (fabric_held(in->fabric, from) | fabric_held(in->fabric, to)) & HOLD_UNPLUGGED;
}

bool link_hidden(const struct injection *in, uint16_t path)
{
    struct path_state w = fabric_wanted(in->fabric, path), back = fabric_wanted(in->fabric, path ^ 1);
    return !path_passes(&w, 0) || w.stalled || w.down || back.down || link_end_unplugged(in, path);
}

/* Share of datagrams that arrived, at least one must have been sent. */
static double arrived(const struct canary_view *v)
{
    return (double)v->received / (double)v->sent;
}

enum proof link_control(struct injection *in, int64_t since_ns)
{
    if (!in->control) {
        return PROOF_PROVEN;
    }
    uint16_t path = canary_path(in->control);
    int64_t allowance = link_allowance(in, path), now = lab_now(fabric_lab(in->fabric));
    since_ns = since_ns > now - allowance - LATELY_NS ? since_ns : now - allowance - LATELY_NS;
    struct canary_view before = canary_look(in->control, in->begun_at_ns - BEFORE_NS, in->begun_at_ns, allowance);
    if (link_end_unplugged(in, path) || before.sent == 0 || before.received == 0) {
        return PROOF_PROVEN;
    }
    struct canary_view v = canary_look(in->control, since_ns, now, allowance);
    if (v.sent < LINK_LOOK_DATAGRAMS) {
        return PROOF_PENDING;
    }
    if (arrived(&v) >= arrived(&before) - 0.2) {
        return PROOF_PROVEN;
    }
    snprintf(in->method, sizeof(in->method), "the control path, which no fault hits, lost %llu of %llu",
             (unsigned long long)(v.sent - v.received), (unsigned long long)v.sent);
    return PROOF_REFUTED;
}

enum proof link_all_lost(struct injection *in)
{
    for (size_t i = 0; i < in->canary_count; i++) {
        uint16_t path = canary_path(in->canaries[i]);
        if (!canary_arrived_before(in->canaries[i], in->begun_at_ns)) {
            snprintf(in->method, sizeof(in->method), "no datagram arrived on path %u before the fault either", path);
            return PROOF_PENDING;
        }
        struct canary_view v = canary_look(in->canaries[i], in->applied_at_ns, lab_now(fabric_lab(in->fabric)),
                                           link_allowance(in, path));
        if (v.lost_in_a_row < LINK_LOOK_DATAGRAMS) {
            snprintf(in->method, sizeof(in->method), "%llu of %llu datagrams arrived on path %u",
                     (unsigned long long)v.received, (unsigned long long)v.sent, path);
            return v.sent > 0 && v.lost_in_a_row == 0 ? PROOF_REFUTED : PROOF_PENDING;
        }
    }
    return PROOF_PROVEN;
}

enum proof link_carries(struct injection *in, int64_t since_ns)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < in->canary_count; i++) {
        uint16_t path = canary_path(in->canaries[i]);
        if (link_hidden(in, path)) {
            continue;
        }
        struct canary_view v =
            canary_look(in->canaries[i], since_ns, lab_now(fabric_lab(in->fabric)), link_allowance(in, path));
        if (v.received < LINK_LOOK_DATAGRAMS || v.lost_in_a_row >= LINK_LOOK_DATAGRAMS) {
            snprintf(in->method, sizeof(in->method), "%llu of %llu datagrams arrived on path %u",
                     (unsigned long long)v.received, (unsigned long long)v.sent, path);
            return PROOF_PENDING;
        }
        seen += v.received;
    }
    snprintf(in->method, sizeof(in->method), "read back neutral, %llu datagrams arrived", (unsigned long long)seen);
    return PROOF_PROVEN;
}
