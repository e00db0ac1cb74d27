/* SPDX-License-Identifier: MIT */
/*
 * A store that comes back to another history sets its own suffix aside before it cuts it off. The lost writes of the
 * ledger, W = A \ F, and what lies aside, S, both sets of writes with key and value as they were sent:
 *
 *     recoverable   W ∩ S            kept      A ∩ F ∩ S      it was written again, or set aside and yet there
 *     traceless     W \ (S ∪ R)      unacked   S \ A          nobody was told that it is stored
 *     foreign       set aside, and no write of ours or not as we sent it
 *
 * What a store says counts as said, by any of its readings; what it does not say counts only if it has said all: two
 * whole lists in a row that are the same. So nothing is called traceless unless every region's store has told, its log
 * was read by a final read, and the final reads are complete: a write in a log that nobody could read has left a trace.
 *
 * The accused may help to find what was lost and cannot talk it away: no objective and no gate looks at these numbers
 * (docs/decisions/0074).
 */
#include "harness/measure/set_aside.h"

#include "harness/base/vec.h"

struct asides {
    const struct study *study;
    struct ledger_view *ledger;
    vec_of(uint64_t) strangers;
};

struct asides *asides_new(const struct study *s, struct ledger_view *l)
{
    struct asides *a = arena_new(s->arena, struct asides);
    *a = (struct asides){.study = s, .ledger = l};
    return a;
}

void asides_take(struct asides *a, const struct ledger_record *r)
{
    bool ours = r->kind == LEDGER_FOUND && r->seq <= UINT32_MAX;
    struct write *w = ours ? ledger_find(a->ledger, ledger_id(r)) : NULL;
    if (w && r->value == w->value && r->key == w->key)
        w->aside = true;
    else
        *vec_push(&a->strangers) = r->kind == LEDGER_FOREIGN ? r->value : ~ledger_id(r);
}

void asides_settle(struct asides *a, const struct readings *all)
{
    const struct study *s = a->study;
    const struct topology *topo = s->plan->topology;
    size_t sites = topo ? topo->site_count : 0;
    struct set_aside *out = &a->ledger->set_aside;
    out->sites = arena_array(s->arena, uint16_t, sites + 1);
    out->all_told = true;
    for (uint16_t site = 0; site < sites && site < NO_SITE; site++) {
        if (topo->sites[site].kind != SITE_REGION || !topo->sites[site].origins)
            continue;
        bool told = readings_speak(all, site, PASS_ASIDE);
        bool read = readings_speak(all, site, PASS_LIVE) || readings_speak(all, site, PASS_COLD);
        if (told)
            out->sites[out->told++] = site;
        out->all_told = out->all_told && told && read;
    }
    out->stranger_count = ids_distinct(a->strangers.at, a->strangers.len);
    vec_deinit(&a->strangers);
}

static void count_losses(const struct ledger_view *l, struct result_ledger *out)
{
    int64_t recoverable = 0, traceless = 0, kept = 0;
    for (size_t i = 0; i < l->acked_count; i++) {
        const struct write *w = l->acked[i];
        recoverable += write_lost(w) && w->aside;
        traceless += write_lost(w) && !w->aside && !w->anywhere;
        kept += write_survived(w) && w->aside;
    }
    out->recoverable_count = recoverable;
    out->set_aside_kept_count = kept;
    if (l->set_aside.all_told && l->complete)
        out->traceless_count = traceless;
}

void set_aside_fill(const struct study *s, const struct ledger_view *l, bool losses_known, struct result_ledger *out)
{
    const struct set_aside *a = &l->set_aside;
    out->set_aside_count = out->recoverable_count = out->traceless_count = out->set_aside_kept_count = JSON_NONE;
    out->set_aside_unacked_count = out->set_aside_foreign_count = JSON_NONE;
    if (a->told == 0)
        return;
    for (size_t i = 0; i < a->told; i++)
        *arena_push(s->arena, &out->set_aside_regions) = s->plan->topology->sites[a->sites[i]].name;
    out->set_aside_count = out->set_aside_foreign_count = (int64_t)a->stranger_count;
    out->set_aside_unacked_count = 0;
    for (size_t i = 0; i < l->write_count; i++) {
        out->set_aside_count += l->writes[i].aside;
        out->set_aside_unacked_count += l->writes[i].aside && l->writes[i].outcome != WRITE_OK;
    }
    if (losses_known)
        count_losses(l, out);
}
