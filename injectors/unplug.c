/* SPDX-License-Identifier: MIT */
/*
 * unplug: a link's cable is pulled at both routers. Their devices go down, their routes by them with it, and whoever
 * sends is told so at once: that is what sets it apart from a partition, where everybody waits.
 *
 * Proven as a partition is: the kernel says "down", the newest ten datagrams were lost in each direction, the control
 * path is well. The heal brings devices, routes and neighbours back; datagrams show that they are.
 */
#include "injectors/link.h"

#include <stdio.h>

static bool unplug_objects(const struct action *a, char why[ACTION_WHY])
{
    if (a->direction == DIRECTION_BOTH) {
        return false;
    }
    snprintf(why, ACTION_WHY, "a cable is pulled for both directions; leave `direction` out, or use `partition`");
    return true;
}

static int unplug_apply(struct injection *in, struct err *e)
{
    const struct path_state wish = {.down = true};
    return link_apply(in, &wish, e);
}

static bool reads_back(struct injection *in)
{
    const struct topology *t = fabric_topology(in->fabric);
    struct lab *lab = fabric_lab(in->fabric);
    for (uint16_t path = 0; path < 2 * t->link_count; path++) {
        struct path_state actual;
        if (action_hits_path(t, in->action, path) && (lab->ops->path_get(lab, path, &actual, NULL) != 0 ||
                                                      actual.down != fabric_wanted(in->fabric, path).down)) {
            snprintf(in->method, sizeof(in->method), "the device of path %u is not as it should be", path);
            return false;
        }
    }
    return true;
}

static enum proof unplug_prove(struct injection *in, bool healed)
{
    if (!reads_back(in)) {
        return PROOF_REFUTED;
    }
    if (healed) {
        return link_carries(in, in->healed_at_ns);
    }
    enum proof lost = link_all_lost(in), control = lost == PROOF_PROVEN ? link_control(in, in->applied_at_ns) : lost;
    if (control == PROOF_PROVEN) {
        snprintf(in->method, sizeof(in->method), "devices down; %s", in->canary_count == 0 ? "no canaries in this lab"
                 : in->control ? "10 datagrams in a row lost in each direction, control path well"
                               : "10 datagrams in a row lost in each direction, no path left for a control");
    }
    return control;
}

const struct injector injector_unplug = {
    .type = {.verb = "unplug",
             .summary = "the cable between two places is pulled; both sides know at once",
             .class = ACTION_FAULT,
             .targets = TARGET_LINK,
             .severing = true,
             .objects = unplug_objects},
    .apply = unplug_apply,
    .heal = link_heal,
    .prove = unplug_prove,
    .effect = EFFECT_UNPLUG,
};
