/* SPDX-License-Identifier: MIT */
/*
 * kill: the processes of a region or of one node die by SIGKILL.
 *
 * crash: the kernel closes the sockets, peers see it at once, new connections are refused. power: the links of the
 * nodes go silently first, so nobody is told anything. A region loses power, a node crashes, unless `how` says
 * otherwise. `disk: lost` starts the node again with an empty disk.
 */
#include "injectors/hold.h"

static const char *const how_words[] = {"", "power", "crash", NULL};
static const char *const disk_words[] = {"kept", "lost", NULL};

static const struct field kill_fields[] = {
    {.key = "how",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct action, how),
     .words = how_words,
     .example = "power",
     .doc = "power: silently, links first; crash: the system closes its connections (power for a region, crash for a node)"},
    {.key = "disk",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct action, disk_lost),
     .words = disk_words,
     .preset = "kept",
     .doc = "what is on the disk when it starts again"},
};

static bool by_power(const struct action *a)
{
    return a->how == KILL_POWER || (a->how == KILL_DEFAULT && a->target == TARGET_REGION);
}

static int kill_apply(struct injection *in, struct err *e)
{
    unsigned holds = HOLD_DOWN;
    holds |= by_power(in->action) ? HOLD_UNPLUGGED : 0U;
    holds |= in->action->disk_lost ? HOLD_NO_DISK : 0U;
    return hold_apply(in, holds, e);
}

static bool dead_knock(const struct fabric *f, uint16_t node, enum knock k)
{
    return fabric_held(f, node) & HOLD_UNPLUGGED ? k == KNOCK_SILENT : k == KNOCK_REFUSED;
}

static enum proof kill_prove(struct injection *in, bool healed)
{
    static const struct hold_expectation dead = {.state = NODE_DOWN, .knock_fits = dead_knock, .proven = "dead by pidfd"};
    return healed ? hold_prove_healed(in) : hold_prove(in, &dead);
}

const struct injector injector_kill = {
    .type = {.verb = "kill",
             .summary = "processes die by SIGKILL, as in a crash or a power loss",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN | TARGET_DNS,
             .fields = kill_fields,
             .field_count = sizeof(kill_fields) / sizeof(kill_fields[0]),
             .severing = true,
             .proven_once = true},
    .apply = kill_apply,
    .heal = hold_heal,
    .prove = kill_prove,
    .effect = EFFECT_KILL,
};
