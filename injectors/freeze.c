/* SPDX-License-Identifier: MIT */
/*
 * freeze: a grey failure. Every process of the node stops; the kernel goes on completing handshakes for it until the
 * backlog is full, and nobody answers. The lab does it by a control group where it can, which the process cannot
 * notice; else by SIGSTOP and SIGCONT.
 */
#include "injectors/hold.h"

static int freeze_apply(struct injection *in, struct err *e)
{
    return hold_apply(in, HOLD_FROZEN, e);
}

static bool frozen_knock(const struct fabric *f, uint16_t node, enum knock k)
{
    (void)f;
    (void)node;
    return k == KNOCK_CONNECTED_SILENT || k == KNOCK_SILENT;
}

static enum proof freeze_prove(struct injection *in, bool healed)
{
    static const struct hold_expectation frozen = {
        .state = NODE_FROZEN, .knock_fits = frozen_knock, .proven = "stopped, says the kernel"};
    return healed ? hold_prove_healed(in) : hold_prove(in, &frozen);
}

const struct injector injector_freeze = {
    .type = {.verb = "freeze",
             .summary = "processes stop; handshakes still succeed, answers do not come",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN | TARGET_DNS | TARGET_CONTROL,
             .severing = true},
    .apply = freeze_apply,
    .heal = hold_heal,
    .prove = freeze_prove,
    .effect = EFFECT_FREEZE,
};
