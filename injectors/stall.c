/* SPDX-License-Identifier: MIT */
/*
 * stall: nothing is lost and nothing arrives. Packets of a link are held, and leave in one burst when it ends, as after
 * a radio gap, a paused virtual machine in between, or a switch that relearns. Whoever has not given up by then gets
 * everything at once, long after its time.
 *
 * Proven in force as a cut is: read back, the newest ten datagrams are missing in each direction, the control is well.
 * Proven healed by what tells it from a cut: the datagrams sent in the meantime have come after all.
 */
#include "injectors/link.h"

#include "harness/base/units.h"

#include <stdio.h>

static int stall_apply(struct injection *in, struct err *e)
{
    const struct path_state wish = {.stalled = true};
    return link_apply(in, &wish, e);
}

/* Where the path loses packets as well, at least half of what it lets through. */
static bool came_after_all(const struct canary_view *v, const struct path_state *w)
{
    double lost = 1 - (1 - (double)w->loss_ppm / (double)PPM) * (1 - (double)w->corrupt_ppm / (double)PPM);
    double least = lost > 0 ? 0.5 * (1 - lost) * (double)v->sent : (double)v->sent;
    return v->sent > 0 && (double)v->received >= least;
}

static enum proof nothing_was_lost(struct injection *in)
{
    unsigned long long sent = 0, received = 0;
    for (size_t i = 0; i < in->canary_count; i++) {
        uint16_t path = canary_path(in->canaries[i]);
        struct path_state w = fabric_wanted(in->fabric, path);
        struct canary_view v =
            canary_look(in->canaries[i], in->applied_at_ns, in->healed_at_ns, link_allowance(in, path));
        sent += v.sent;
        received += v.received;
        snprintf(in->method, sizeof(in->method), "%llu of %llu datagrams held have come", received, sent);
        if (!link_hidden(in, path) && !came_after_all(&v, &w)) {
            return PROOF_PENDING;
        }
    }
    return PROOF_PROVEN;
}

static enum proof stall_prove(struct injection *in, bool healed)
{
    if (!link_reads_back(in, false)) {
        return PROOF_REFUTED;
    }
    if (healed) {
        enum proof carries = link_carries(in, in->healed_at_ns);
        return carries == PROOF_PROVEN && in->canary_count > 0 ? nothing_was_lost(in) : carries;
    }
    enum proof held = link_all_lost(in), control = held == PROOF_PROVEN ? link_control(in, in->applied_at_ns) : held;
    if (control == PROOF_PROVEN) {
        snprintf(in->method, sizeof(in->method), "read back; %s", in->canary_count == 0 ? "no canaries in this lab"
                 : in->control ? "10 datagrams in a row held in each direction, control path well"
                               : "10 datagrams in a row held in each direction, no path left for a control");
    }
    return control;
}

const struct injector injector_stall = {
    .type = {.verb = "stall",
             .summary = "packets of a link are held, and leave in one burst when it ends",
             .class = ACTION_FAULT,
             .targets = TARGET_LINK},
    .apply = stall_apply,
    .heal = link_heal,
    .prove = stall_prove,
    .effect = EFFECT_STALL,
};
