/* SPDX-License-Identifier: MIT */
/*
 * partition: packets of a link vanish without a word, both ways or one way, for new and old connections alike; all of
 * them, or (`only`) those of one port.
 *
 * All: proven when the kernel says "cut" and the newest ten datagrams were lost in each faulted direction, while the
 * control path is well. Of a one-way partition the open direction is the second control: what is read back there must
 * not be a cut of ours.
 *
 * Of one port: proven when both rules of each path are read back and knocks on the port across every link, from either
 * side, are met by silence: one way they lose the question, the other way the answer. The datagrams of the very same
 * paths are the control: they must arrive.
 */
#include "injectors/link.h"

#include <stdio.h>

static int partition_apply(struct injection *in, struct err *e)
{
    struct path_state wish = in->action->shape;
    wish.cut = in->action->port == 0;
    return link_apply(in, &wish, e);
}

/* Canaries stand on a part of the paths only where a fault hits very many. */
static const char *on_how_many(const struct injection *in)
{
    return in->canary_count == INJECTION_CANARIES_MAX ? " of the 64 watched" : "";
}

static enum proof prove_all(struct injection *in)
{
    enum proof lost = link_all_lost(in);
    if (lost != PROOF_PROVEN) {
        return lost;
    }
    enum proof control = link_control(in, in->applied_at_ns);
    if (control == PROOF_PROVEN) {
        snprintf(in->method, sizeof(in->method), "read back as cut; %s%s%s",
                 in->canary_count == 0 ? "no canaries in this lab" : "10 datagrams in a row lost in each direction",
                 on_how_many(in),
                 in->canary_count == 0 ? "" : in->control ? ", control path well" : ", no path left for a control");
    }
    return control;
}

static enum proof prove_port(struct injection *in)
{
    size_t knocks = 0;
    enum proof p = link_knocks(in, in->action->port, true, false, &knocks);
    p = p == PROOF_PROVEN ? link_carries(in, in->applied_at_ns) : p;
    if (p == PROOF_PROVEN) {
        snprintf(in->method, sizeof(in->method),
                 "rules read back; %zu knocks on port %u silent, datagrams on the same paths arrive", knocks,
                 (unsigned)in->action->port);
    }
    return p;
}

static enum proof partition_prove(struct injection *in, bool healed)
{
    uint16_t port = in->action->port;
    size_t knocks;
    if (!link_reads_back(in, true)) {
        return PROOF_REFUTED;
    }
    if (!healed) {
        return port ? prove_port(in) : prove_all(in);
    }
    enum proof p = port ? link_knocks(in, port, true, true, &knocks) : PROOF_PROVEN;
    return p == PROOF_PROVEN ? link_carries(in, in->healed_at_ns) : p;
}

static enum lab_effect partition_effect(const struct action *a)
{
    return a->port ? EFFECT_CUT_ONLY : EFFECT_CUT;
}

const struct injector injector_partition = {
    .type = {.verb = "partition",
             .summary = "packets between places vanish, both ways or one way, all or those of one port",
             .class = ACTION_FAULT,
             .targets = TARGET_LINK,
             .selective = true,
             .severing = true},
    .apply = partition_apply,
    .heal = link_heal,
    .prove = partition_prove,
    .effect_of = partition_effect,
};
