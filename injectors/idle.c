/* SPDX-License-Identifier: MIT */
/*
 * The verbs that do nothing themselves. restore ends every open fault on its target: the conductor heals those, each by
 * its own injector. nothing is the null drill: whatever a run with it measures comes from the harness.
 */
#include "injectors/injector.h"

#include <stdio.h>

static int idle_do(struct injection *in, struct err *e)
{
    (void)in;
    (void)e;
    return 0;
}

static enum proof idle_prove(struct injection *in, bool healed)
{
    (void)healed;
    snprintf(in->method, sizeof(in->method), "nothing to prove");
    return PROOF_PROVEN;
}

const struct injector injector_restore = {
    .type = {.verb = "restore",
             .summary = "every open fault on the target ends; what was killed starts again",
             .class = ACTION_RESTORE,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN | TARGET_DNS | TARGET_LINK},
    .apply = idle_do,
    .heal = idle_do,
    .prove = idle_prove,
    .effect = EFFECT_KILL,
};

const struct injector injector_nothing = {
    .type = {.verb = "nothing", .summary = "changes nothing, for the null drill", .class = ACTION_NOTHING},
    .apply = idle_do,
    .heal = idle_do,
    .prove = idle_prove,
    .effect = EFFECT_KILL,
};
