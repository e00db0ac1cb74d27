/* SPDX-License-Identifier: MIT */
/*
 * Backups in the model: every `every` the leader's log as it is, on the medium of its region and, with three copies, on
 * those of the regions that it reaches. A store that starts with an empty log takes what is on its region's medium when
 * asked to. With the flaw backup_corrupt nothing on a medium can be used.
 */
#include "harness/sim/sim.h"

static void put(struct sim *s, uint16_t site)
{
    const struct sim_store *from = &s->stores[s->leader];
    struct sim_store *to = &s->stores[site];
    to->medium.len = 0;
    for (size_t i = 0; i < from->log.len && !sim_flaw(s, "backup_corrupt"); i++)
        *vec_push(&to->medium) = from->log.at[i];
}

void sim_backup_tick(struct sim *s, int64_t now)
{
    const struct topo_backups *b = &s->topology->backups;
    if (b->every_ns == 0 || now < s->backup_at_ns || s->leader == TOPO_NONE || now >= s->lease_until_ns ||
        !sim_serving(s, sim_store_node(s, s->leader)))
        return;
    s->backup_at_ns = now + b->every_ns;
    for (uint16_t site = 0; site < s->topology->site_count; site++) {
        bool away = s->topology->sites[site].kind == SITE_REGION && site != s->leader;
        if (site == s->leader || (away && b->copies > 2 && sim_serving(s, sim_store_node(s, site)) &&
                                  sim_path_open(s, s->leader, site, TOPO_PORT_HTTP)))
            put(s, site);
    }
}

void sim_store_starts(struct sim *s, uint16_t site, unsigned how)
{
    struct sim_store *st = &s->stores[site];
    if (how & LAB_START_FRESH)
        st->log.len = st->aside.len = 0;
    if (how & LAB_START_NO_BACKUPS)
        st->medium.len = 0;
    bool empty = st->log.len == 0;
    for (size_t i = 0; empty && (how & LAB_START_RESTORE) && i < st->medium.len; i++)
        *vec_push(&st->log) = st->medium.at[i];
}
