/* SPDX-License-Identifier: MIT */
/*
 * Whom an action on links hits. One link is named by its ends; any more by sides: each site stands on one side or on
 * none, and what joins two sides is hit. A site against all others is two sides, itself and the rest.
 */
#include "harness/spec/action.h"

static bool runs_so(enum link_direction d, bool forward)
{
    return d == DIRECTION_BOTH || (d == DIRECTION_FORWARD) == forward;
}

bool action_hits_path(const struct topology *t, const struct action *a, uint16_t path)
{
    if (a->target != TARGET_LINK || path / 2 >= t->link_count) {
        return false;
    }
    if (!a->sides) {
        return path / 2 == a->link && runs_so(a->direction, path % 2 == 0);
    }
    unsigned from = a->sides[path_from(t, path)], to = a->sides[path_to(t, path)];
    return from && to && from != to && runs_so(a->direction, from < to);
}

bool action_hits_link(const struct topology *t, const struct action *a, uint16_t link)
{
    return action_hits_path(t, a, path_of(link, false)) || action_hits_path(t, a, path_of(link, true));
}

uint16_t action_isolates(const struct topology *t, const struct action *a)
{
    uint16_t alone = TOPO_NONE;
    for (uint16_t i = 0; a->sides && i < t->site_count; i++) {
        if (a->sides[i] == 0 || a->sides[i] > 2 || (a->sides[i] == 1 && alone != TOPO_NONE)) {
            return TOPO_NONE;
        }
        alone = a->sides[i] == 1 ? i : alone;
    }
    return alone;
}
