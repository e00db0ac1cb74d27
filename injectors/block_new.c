/* SPDX-License-Identifier: MIT */
/*
 * block_new: connections that stand go on, new ones get no answer. The first packet of each TCP connection vanishes on
 * its way from one place to the other, as with a full table of connections or a wrong rule in a firewall. Whoever has a
 * pool notices nothing; whoever dials waits.
 *
 * Proven on each path by a connection of ours that was there before and carries data still, and by one begun since that
 * is met with silence, beside the filter as the kernel reads it back. The control is another pair of places, where both
 * must go well. The heal is proven by new ones that are let in.
 */
#include "injectors/tied.h"

#include "harness/base/units.h"

#include <stdio.h>

#define LATELY_NS (2 * NS_PER_S)

static int block_new_apply(struct injection *in, struct err *e)
{
    const struct path_state wish = {.block_new = true};
    return link_apply(in, &wish, e);
}

/* The one that stood before the fault. */
static enum proof goes_on(struct injection *in, const struct tether *t)
{
    struct tether_view v = tether_look(t);
    int64_t lately = lab_now(fabric_lab(in->fabric)) - LATELY_NS;
    if (v.broke_ns >= in->begun_at_ns) {
        snprintf(in->method, sizeof(in->method), "a connection that stood before has broken");
        return PROOF_REFUTED;
    }
    if (v.up_ns < 0 || v.carried_ns < in->applied_at_ns) {
        snprintf(in->method, sizeof(in->method),
                 v.up_ns < 0 ? "no connection stood before" : "the connection carried nothing since");
        return PROOF_PENDING;
    }
    return v.carried_ns > lately ? PROOF_PROVEN : PROOF_REFUTED;
}

static enum proof expect(struct injection *in, struct tether *t, int64_t since_ns, enum tether_trial wanted)
{
    enum tether_trial how;
    enum proof tried = tied_try(in, t, since_ns, &how);
    if (tried == PROOF_PROVEN && how != wanted) {
        snprintf(in->method, sizeof(in->method), "a new connection was %s", tied_word(how));
        return wanted == TRIAL_SILENT ? PROOF_REFUTED : PROOF_PENDING;
    }
    return tried;
}

static enum proof look_at(struct injection *in, struct tether *t, uint16_t path, bool healed)
{
    if (tied_hidden(in, t) || (healed && fabric_wanted(in->fabric, path).block_new)) {
        return PROOF_PROVEN; /* the kernel is the only witness left */
    }
    enum proof old = healed ? PROOF_PROVEN : goes_on(in, t);
    return old != PROOF_PROVEN ? old
           : healed            ? expect(in, t, in->healed_at_ns, TRIAL_LET_IN)
                               : expect(in, t, in->applied_at_ns, TRIAL_SILENT);
}

/* All at once, so that trials run side by side; the worst decides. */
static enum proof look_at_all(struct injection *in, bool healed)
{
    uint16_t paths[INJECTION_CANARIES_MAX];
    size_t n = injection_paths(fabric_topology(in->fabric), in->action, paths, INJECTION_CANARIES_MAX);
    enum proof all = PROOF_PROVEN;
    for (size_t i = 0; i < n && i < in->tether_count; i++) {
        enum proof one = look_at(in, in->tethers[i], paths[i], healed);
        all = one == PROOF_REFUTED || all == PROOF_REFUTED ? PROOF_REFUTED : one == PROOF_PENDING ? one : all;
    }
    return all;
}

static enum proof block_new_prove(struct injection *in, bool healed)
{
    if (!link_reads_back(in, false)) {
        return PROOF_REFUTED;
    }
    enum proof control = healed ? PROOF_PROVEN : tied_control(in, true), seen = look_at_all(in, healed);
    seen = seen == PROOF_PROVEN ? control : seen;
    if (seen == PROOF_PROVEN) {
        snprintf(in->method, sizeof(in->method), "read back; %s",
                 in->tether_count == 0 ? "no connections in this lab"
                 : healed              ? "new connections are let in"
                 : in->control_tether
                     ? "standing connections carry data, new ones silent; control fine"
                     : "standing connections carry data, new ones silent; no place left for a control");
    }
    return seen;
}

const struct injector injector_block_new = {
    .type = {.verb = "block_new",
             .summary = "standing connections go on, new ones get no answer",
             .class = ACTION_FAULT,
             .targets = TARGET_LINK},
    .apply = block_new_apply,
    .heal = link_heal,
    .prove = block_new_prove,
    .effect = EFFECT_FILTER,
    .tethered = true,
};
