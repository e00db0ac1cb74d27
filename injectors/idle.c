/* SPDX-License-Identifier: MIT */
/*
 * The verbs that break nothing. restore ends every open fault on its target: the conductor heals those, each by its own
 * injector. With `from: backup` it says before that how the stores that were killed there are to start. With
 * `ready_after` it holds down, in its own name and before that, whatever is down there, and lets go when the time has
 * passed: a slow start. From then on it is healed and proven like a fault. nothing is the null drill: whatever a run
 * with it measures comes from the harness.
 */
#include "injectors/hold.h"

#include "harness/base/units.h"

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

static const char *const from_words[] = {"", "backup", NULL};

static const struct field restore_fields[] = {
    {.key = "ready_after",
     .kind = FIELD_DURATION,
     .offset = offsetof(struct action, ready_after_ns),
     .min = NS_PER_MS,
     .max = 600 * NS_PER_S,
     .example = "20s",
     .doc = "a slow start: what was killed there starts only after this time"},
    {.key = "from",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct action, from),
     .words = from_words,
     .example = "backup",
     .doc = "stores whose disk was lost start with the newest good copy on their region's second medium"},
};

static int restore_apply(struct injection *in, struct err *e)
{
    uint16_t nodes[TARGET_NODES_MAX];
    size_t n = target_nodes(fabric_topology(in->fabric), in->action, nodes, TARGET_NODES_MAX);
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        bool down = fabric_held(in->fabric, nodes[i]) & HOLD_DOWN;
        if (down && in->action->from == RESTORE_BACKUP) {
            fabric_recall(in->fabric, nodes[i]);
        }
        if (down && in->action->ready_after_ns > 0) {
            rc |= hold_nodes(in, &nodes[i], 1, HOLD_DOWN, e);
        }
    }
    return rc;
}

static enum proof restore_prove(struct injection *in, bool healed)
{
    return healed ? hold_prove_healed(in) : idle_prove(in, healed);
}

const struct injector injector_restore = {
    .type = {.verb = "restore",
             .summary = "every open fault on the target ends; what was killed starts again",
             .class = ACTION_RESTORE,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN | TARGET_DNS | TARGET_CONTROL | TARGET_LINK,
             .fields = restore_fields,
             .field_count = sizeof(restore_fields) / sizeof(restore_fields[0])},
    .apply = restore_apply,
    .heal = hold_heal,
    .prove = restore_prove,
    .effect = EFFECT_KILL,
};

const struct injector injector_nothing = {
    .type = {.verb = "nothing", .summary = "changes nothing, for the null drill", .class = ACTION_NOTHING},
    .apply = idle_do,
    .heal = idle_do,
    .prove = idle_prove,
    .effect = EFFECT_KILL,
};
