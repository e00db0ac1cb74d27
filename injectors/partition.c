/* SPDX-License-Identifier: MIT */
/*
 * partition: packets of a link vanish without a word, both ways or one way, for new and old connections alike.
 *
 * Proven when the kernel says "cut" and the newest ten datagrams were lost in each faulted direction, while the control path is well.
 * Of a one-way partition the open direction is the second control: what is read back there must not be a cut of ours.
 */
#include "injectors/link.h"

#include <stdio.h>

static int partition_apply(struct injection *in, struct err *e)
{
    struct path_state wish = in->action->shape;
    wish.cut = true;
    return link_apply(in, &wish, e);
}

static enum proof partition_prove(struct injection *in, bool healed)
{
    if (!link_reads_back(in, true)) {
        return PROOF_REFUTED;
    }
    if (healed) {
        return link_carries(in, in->healed_at_ns);
    }
    enum proof lost = link_all_lost(in);
    if (lost != PROOF_PROVEN) {
        return lost;
    }
    enum proof control = link_control(in, in->applied_at_ns);
    if (control == PROOF_PROVEN) {
        snprintf(in->method, sizeof(in->method), "read back as cut; %s", in->canary_count == 0 ? "no canaries in this lab"
                 : in->control ? "10 datagrams in a row lost in each direction, control path well"
                               : "10 datagrams in a row lost in each direction, no path left for a control");
    }
    return control;
}

const struct injector injector_partition = {
    .type = {.verb = "partition",
             .summary = "packets between two places vanish, both ways or one way",
             .class = ACTION_FAULT,
             .targets = TARGET_LINK,
             .severing = true},
    .apply = partition_apply,
    .heal = link_heal,
    .prove = partition_prove,
    .effect = EFFECT_CUT,
};
