/* SPDX-License-Identifier: MIT */
/*
 * What all strikes of a drill need before the first of them: the canaries and tethers by which links are watched, one
 * of each per path and pair of nodes however many strikes look at it, a control where no step strikes, and the guard
 * with its journal of undoing.
 */
#include "harness/base/arena.h"
#include "harness/run/guard.h"
#include "harness/run/strike_private.h"
#include "harness/run/swell.h"
#include "harness/run/undo.h"

#include <stdlib.h>

static struct canary *strikes_canary(struct strikes *s, uint16_t path, uint16_t port, struct err *e)
{
    for (size_t i = 0; i < s->canaries.len; i++)
        if (canary_path(s->canaries.at[i]) == path && canary_port(s->canaries.at[i]) == port)
            return s->canaries.at[i];
    struct canary *c = NULL;
    if (canary_new(&c, s->drill->lab, path, port, e) < 0)
        return NULL;
    *vec_push(&s->canaries) = c;
    return c;
}

static int strike_init(struct strike *k, struct strikes *s, const struct plan_step *step, struct err *e)
{
    const struct topology *t = s->drill->plan->topology;
    uint16_t paths[INJECTION_CANARIES_MAX];
    *k = (struct strike){.all = s, .step = step, .injector = injector_find(step->action.type->verb)};
    k->beat.due = strike_beat;
    k->injection = (struct injection){.fault = step->id, .action = &step->action, .fabric = s->drill->fabric,
                                      .canaries = k->canaries};
    if (step_is_fault(step) && step->action.target == TARGET_NONE && swell_new(&k->swell, s->drill, step, e) < 0)
        return -1;
    if (step->action.target != TARGET_LINK || !s->drill->ops->path_sockets)
        return 0;
    size_t n = injection_paths(t, &step->action, paths, INJECTION_CANARIES_MAX);
    int64_t mtu_bytes = step->action.shape.mtu_bytes;
    int64_t rate_bps = injection_train_bps(&step->action);
    uint16_t lane = injection_lane(&step->action);
    for (size_t i = 0; i < n; i++) {
        struct canary *c = strikes_canary(s, paths[i], 0, e);
        k->lane_canaries[i] = lane ? strikes_canary(s, paths[i], lane, e) : NULL;
        if (!c || (lane && !k->lane_canaries[i]) ||
            (rate_bps > 0 && train_new(&k->trains[i], s->drill->lab, paths[i], lane, rate_bps, e) < 0) ||
            (mtu_bytes > 0 &&
             canary_new_long(&k->long_canaries[i], s->drill->lab, paths[i], (size_t)mtu_bytes + 1, e) < 0))
            return -1;
        k->canaries[k->injection.canary_count++] = c;
    }
    k->injection.lane_canaries = lane ? k->lane_canaries : NULL;
    k->injection.long_canaries = mtu_bytes > 0 ? k->long_canaries : NULL;
    k->injection.trains = rate_bps > 0 ? k->trains : NULL;
    return 0;
}

static struct tether *strikes_tether(struct strikes *s, struct tether_ends ends, struct err *e)
{
    for (size_t i = 0; i < s->tethers.len; i++)
        if (tether_from(s->tethers.at[i]) == ends.from && tether_to(s->tethers.at[i]) == ends.to)
            return s->tethers.at[i];
    struct tether *t = NULL;
    if (tether_new(&t, s->drill->lab, s->drill->plan->topology, ends.from, ends.to, e) < 0)
        return NULL;
    *vec_push(&s->tethers) = t;
    return t;
}

static int strike_tie(struct strike *k, struct err *e)
{
    struct tether_ends ends[INJECTION_CANARIES_MAX];
    struct strikes *s = k->all;
    size_t n = s->drill->ops->node_socket
                   ? injection_tethers(s->drill->plan->topology, &k->step->action, ends, INJECTION_CANARIES_MAX)
                   : 0;
    for (size_t i = 0; i < n; i++) {
        k->tethers[i] = strikes_tether(s, ends[i], e);
        if (!k->tethers[i])
            return -1;
    }
    k->injection.tethers = k->tethers;
    k->injection.tether_count = n;
    return 0;
}

/* Does a step hit nodes of a site? Its canaries stand in one of them, and fall silent with its power. */
static bool site_is_hit(const struct plan *p, uint16_t site)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const struct action *a = &p->steps[i].action;
        if (step_is_fault(&p->steps[i]) && ((a->target == TARGET_REGION && a->site == site) ||
                                            (a->target == TARGET_NODE && p->topology->nodes[a->node].site == site)))
            return true;
    }
    return false;
}

/* How fit a path is as negative control: 0 not at all, since it is hit itself; 2 when its ends are left alone, too. */
static int control_rank(const struct strikes *s, uint16_t path)
{
    const struct plan *p = s->drill->plan;
    uint16_t from = path_from(p->topology, path), to = path_to(p->topology, path);
    for (size_t i = 0; i < s->canaries.len; i++)
        if (canary_path(s->canaries.at[i]) == path)
            return 0;
    if (p->topology->sites[from].kind == SITE_WITNESS || p->topology->sites[to].kind == SITE_WITNESS)
        return 0;
    return site_is_hit(p, from) || site_is_hit(p, to) ? 1 : 2;
}

/* A path that no step hits, for the negative control; none in a world whose every path is hit. */
static int strikes_control(struct strikes *s, struct err *e)
{
    uint16_t best = TOPO_NONE;
    for (uint16_t path = 0; path < 2 * s->drill->plan->topology->link_count && s->canaries.len; path++)
        if (control_rank(s, path) > (best == TOPO_NONE ? 0 : control_rank(s, best)))
            best = path;
    if (best == TOPO_NONE)
        return 0;
    s->control = strikes_canary(s, best, 0, e);
    return s->control ? 0 : -1;
}

/* Does a tether run between the ends of a path? */
static bool path_tied(const struct strikes *s, uint16_t path)
{
    const struct topology *t = s->drill->plan->topology;
    for (size_t i = 0; i < s->tethers.len; i++) {
        uint16_t from = t->nodes[tether_from(s->tethers.at[i])].site, to = t->nodes[tether_to(s->tethers.at[i])].site;
        if ((from == path_from(t, path) && to == path_to(t, path)) ||
            (to == path_from(t, path) && from == path_to(t, path)))
            return true;
    }
    return false;
}

/* The same for connections: between two places that no step hits at all. */
static int strikes_control_tether(struct strikes *s, struct err *e)
{
    const struct topology *t = s->drill->plan->topology;
    for (uint16_t path = 0; path < 2 * t->link_count && s->tethers.len; path++) {
        if (path_tied(s, path) || control_rank(s, path) < 2)
            continue;
        const struct tether_ends ends = {t->sites[path_from(t, path)].first_node,
                                         t->sites[path_to(t, path)].first_node};
        s->control_tether = strikes_tether(s, ends, e);
        return s->control_tether ? 0 : -1;
    }
    return 0;
}

int strikes_new(struct strikes **out, struct drill *d, struct err *e)
{
    const struct plan *p = d->plan;
    struct strikes *s = xcalloc(1, sizeof(*s));
    *out = s;
    s->drill = d;
    s->at = xcalloc(p->step_count, sizeof(*s->at));
    s->stack = xcalloc(p->step_count, sizeof(*s->stack));
    if (undo_open(&s->undo, d->options->run_path, e) < 0 || guard_new(&s->guard, d->loop, GUARD_ROLLBACK_NS, e) < 0)
        return -1;
    for (size_t i = 0; i < p->step_count; i++)
        if (strike_init(&s->at[s->count++], s, &p->steps[i], e) < 0 || strike_tie(&s->at[i], e) < 0)
            return -1;
    if (strikes_control_tether(s, e) < 0 || strikes_control(s, e) < 0)
        return -1;
    for (size_t i = 0; i < s->count; i++) {
        s->at[i].injection.control = s->control;
        s->at[i].injection.control_tether = s->control_tether;
    }
    return 0;
}

void strikes_free(struct strikes *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        loop_timer_stop(&s->at[i].beat);
        free(s->at[i].injection.state);
        for (size_t j = 0; j < INJECTION_CANARIES_MAX; j++) {
            canary_free(s->at[i].long_canaries[j]);
            train_free(s->at[i].trains[j]);
        }
    }
    for (size_t i = 0; i < s->tethers.len; i++)
        tether_free(s->tethers.at[i]);
    vec_deinit(&s->tethers);
    for (size_t i = 0; i < s->canaries.len; i++)
        canary_free(s->canaries.at[i]);
    undo_close(s->undo);
    guard_free(s->guard);
    vec_deinit(&s->canaries);
    free(s->stack);
    free(s->at);
    free(s);
}
