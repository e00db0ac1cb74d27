/* SPDX-License-Identifier: MIT */
/*
 * The life of one strike: apply -> proving -> in force (looked at every 250 ms) -> heal -> proving the heal -> settled.
 *
 * The clock is read outside the injector's calls: t_ib before, t_ie after. From then on a timer asks the injector for
 * proof every 20 ms until it settles or its bound passes. A fault that must stay in force is looked at every 250 ms and
 * once more right before its heal; two failing looks in a row are a lapse. A refused apply leaves a strike that counts
 * as unproven and is healed all the same, since half of it may have happened.
 */
#include "harness/run/strike.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/base/vec.h"
#include "harness/run/guard.h"
#include "harness/run/roll.h"
#include "harness/run/swell.h"
#include "harness/run/undo.h"
#include "injectors/injector.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROOF_BEAT_NS (20 * NS_PER_MS)
#define HOLD_BEAT_NS (250 * NS_PER_MS)
#define PROOF_BOUND_NS (2 * NS_PER_S)
#define HEAL_BOUND_NS (5 * NS_PER_S) /* nodes start again and warm up before they answer */

enum strike_state { STRIKE_NONE, STRIKE_PROVING, STRIKE_IN_FORCE, STRIKE_UNPROVEN, STRIKE_HEALING, STRIKE_SETTLED };

struct strike {
    struct strikes *all;
    const struct plan_step *step;
    const struct injector *injector;
    struct injection injection;
    struct loop_timer beat;
    enum strike_state state;
    int64_t bound_ns; /* loop time by which the proof awaited must have come */
    unsigned failing_looks;
    struct swell *swell; /* of a surge; else NULL */
    struct canary *canaries[INJECTION_CANARIES_MAX];
    struct canary *long_canaries[INJECTION_CANARIES_MAX]; /* owned */
    struct canary *lane_canaries[INJECTION_CANARIES_MAX];
    struct tether *tethers[INJECTION_CANARIES_MAX];
};

struct strikes {
    struct drill *drill;
    struct strike *at;
    size_t count;
    vec_of(struct canary *) canaries; /* one per watched path and port, owned */
    struct canary *control;
    vec_of(struct tether *) tethers; /* owned */
    struct tether *control_tether;
    struct undo *undo;
    struct guard *guard;
    const struct plan_step **stack; /* open faults, newest last */
    size_t open;
};

static bool step_is_fault(const struct plan_step *step)
{
    return step->action.type->class == ACTION_FAULT;
}

static struct strike *strike_of(struct strikes *s, const struct plan_step *step)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].step == step)
            return &s->at[i];
    return NULL;
}

static int64_t strike_bound(const struct strike *k)
{
    int64_t (*bound)(const struct action *) = k->injector->type.proof_bound_ns;
    int64_t asked = bound ? bound(&k->step->action) : PROOF_BOUND_NS;
    return asked > PROOF_BOUND_NS ? asked : PROOF_BOUND_NS;
}

static const char *proof_word(enum proof p)
{
    return p == PROOF_PROVEN ? "proven" : p == PROOF_REFUTED ? "refuted" : "unproven";
}

static void strike_record_proof(struct strike *k, enum event_kind kind, enum proof p)
{
    struct recorder *rec = &k->all->drill->rec;
    int64_t now = record_now(rec);
    struct event ev = {.kind = kind, .at_ns = now, .end_ns = now, .subject = k->step->text, .outcome = proof_word(p),
                       .detail = k->injection.method, .code = k->step->id};
    record_add(rec, &ev);
}

/* Ask the injector, with what its extra load has come to before it. */
static enum proof strike_ask(struct strike *k, bool healed)
{
    k->injection.load = k->swell ? swell_seen(k->swell) : NULL;
    return k->injector->prove(&k->injection, healed);
}

/* One look at a fault in force. */
static void strike_look(struct strike *k)
{
    if (strike_ask(k, false) != PROOF_REFUTED) {
        k->failing_looks = 0;
        return;
    }
    if (++k->failing_looks != 2)
        return;
    record_fact(&k->all->drill->rec, EVENT_FAULT_LAPSE, k->step->text, "lapsed", k->injection.method, k->step->id);
}

static void strike_prove(struct strike *k, int64_t now)
{
    bool healing = k->state == STRIKE_HEALING;
    enum proof p = strike_ask(k, healing);
    if (p == PROOF_PENDING && now < k->bound_ns)
        return;
    if (p == PROOF_REFUTED && now < k->bound_ns)
        return; /* the effect may still be arriving: only the bound settles a refutation */
    strike_record_proof(k, healing ? EVENT_HEAL_PROOF : EVENT_FAULT_PROOF, p);
    if (healing && k->swell)
        swell_record(k->swell);
    if (healing)
        k->state = STRIKE_SETTLED;
    else
        k->state = p == PROOF_PROVEN ? STRIKE_IN_FORCE : STRIKE_UNPROVEN;
}

static void strike_beat(struct loop_timer *t, int64_t now)
{
    struct strike *k = (struct strike *)((char *)t - offsetof(struct strike, beat));
    if (k->state == STRIKE_PROVING || k->state == STRIKE_HEALING)
        strike_prove(k, now);
    else if (k->state == STRIKE_IN_FORCE && !k->injector->type.proven_once)
        strike_look(k);
    if (k->state == STRIKE_PROVING || k->state == STRIKE_HEALING)
        loop_timer_set(k->all->drill->loop, t, now + PROOF_BEAT_NS);
    else if (k->state == STRIKE_IN_FORCE && !k->injector->type.proven_once)
        loop_timer_set(k->all->drill->loop, t, now + HOLD_BEAT_NS);
}

static struct event strike_bracket(struct strike *k, enum event_kind kind, int64_t begin, int64_t end,
                                   const struct err *e)
{
    return (struct event){.kind = kind, .due_ns = k->step->at_ns + k->all->drill->scenario_zero_ns, .at_ns = begin,
                          .end_ns = end, .subject = k->step->text, .outcome = e->kind ? "error" : "ok",
                          .detail = e->kind ? e->msg : NULL, .code = k->step->id};
}

void strikes_apply(struct strikes *s, const struct plan_step *step)
{
    struct strike *k = strike_of(s, step);
    struct recorder *rec = &s->drill->rec;
    struct err e = {0};
    bool fault = step_is_fault(step), operator = step->action.type->class == ACTION_OPERATOR;
    if (fault) {
        s->stack[s->open++] = step;
        undo_push(s->undo, step, &rec->failure);
    }
    int64_t begin = record_tick(rec);
    k->injection.begun_at_ns = begin;
    if (k->swell)
        swell_start(k->swell, &e);
    s->drill->applying = true;
    k->injector->apply(&k->injection, &e);
    s->drill->applying = false;
    loop_limit(s->drill->loop, INT64_MAX);
    int64_t end = record_tick(rec);
    k->injection.applied_at_ns = end;
    struct event ev = strike_bracket(k, operator ? EVENT_ACTION : EVENT_FAULT_APPLY, begin, end, &e);
    struct lab_mechanism how = s->drill->ops->mechanism(s->drill->lab, injector_effect(&step->action));
    ev.data = json_pack("{s:s,s:s}", "mechanism", step->action.type->class == ACTION_NOTHING ? "none" : how.name, "do",
                        step->action.type->verb);
    record_add(rec, &ev);
    json_decref(ev.data);
    roll_call(s->drill->roll, "killed");
    if (!fault)
        return;
    k->state = STRIKE_PROVING;
    k->bound_ns = loop_now(s->drill->loop) + strike_bound(k);
    if (e.kind) {
        snprintf(k->injection.method, sizeof(k->injection.method), "not applied: %.140s", e.msg);
        strike_record_proof(k, EVENT_FAULT_PROOF, PROOF_PENDING);
        k->state = STRIKE_UNPROVEN;
        return;
    }
    loop_timer_set(s->drill->loop, &k->beat, loop_now(s->drill->loop));
}

static bool strikes_close(struct strikes *s, const struct plan_step *step)
{
    for (size_t i = 0; i < s->open; i++) {
        if (s->stack[i] != step)
            continue;
        memmove(&s->stack[i], &s->stack[i + 1], (s->open - i - 1) * sizeof(*s->stack));
        s->open--;
        return true;
    }
    return false;
}

/* A proof that has not come by the time of the heal will never come: say so before the evidence moves on. */
static void strike_settle_before_heal(struct strike *k)
{
    if (k->state == STRIKE_IN_FORCE && !k->injector->type.proven_once)
        strike_look(k);
    if (k->state == STRIKE_PROVING)
        strike_record_proof(k, EVENT_FAULT_PROOF, strike_ask(k, false));
}

/* A fault is over: herds that wait for that come back. */
static void strikes_call_herds(struct strikes *s, const struct strike *healed)
{
    struct err e = {0};
    for (size_t i = 0; i < s->open; i++) {
        struct strike *k = strike_of(s, s->stack[i]);
        if (k != healed && k->swell && k->step->action.surge.herd)
            swell_heal(k->swell, &e);
    }
}

static void strike_heal(struct strike *k, struct err *e)
{
    struct guard *g = k->all->guard;
    if (guard_heal_begin(g, e) == 0)
        k->injector->heal(&k->injection, e);
    guard_heal_end(g);
}

void strikes_heal(struct strikes *s, const struct plan_step *step, const char *ended_by)
{
    if (!strikes_close(s, step))
        return;
    struct strike *k = strike_of(s, step);
    struct recorder *rec = &s->drill->rec;
    struct err e = {0};
    strike_settle_before_heal(k);
    int64_t begin = record_tick(rec);
    strike_heal(k, &e);
    if (k->swell)
        swell_stop(k->swell, &e);
    int64_t end = record_tick(rec);
    strikes_call_herds(s, k);
    k->injection.healed_at_ns = end;
    struct event ev = strike_bracket(k, EVENT_FAULT_HEAL, begin, end, &e);
    ev.data = json_pack("{s:s}", "ended_by", ended_by);
    record_add(rec, &ev);
    json_decref(ev.data);
    roll_call(s->drill->roll, "exited");
    if (!e.kind)
        undo_done(s->undo, step, &rec->failure);
    k->state = STRIKE_HEALING;
    k->bound_ns = loop_now(s->drill->loop) + strike_bound(k) + HEAL_BOUND_NS;
    loop_timer_set(s->drill->loop, &k->beat, loop_now(s->drill->loop) + PROOF_BEAT_NS);
}

/* A slow start holds back what the heals would start, and is an open fault itself until its time has come. */
static void strikes_prepare(struct strikes *s, const struct plan_step *restore)
{
    struct strike *k = strike_of(s, restore);
    struct err e = {0};
    if (restore->action.ready_after_ns > 0) {
        undo_push(s->undo, restore, &s->drill->rec.failure);
        s->stack[s->open++] = restore;
    }
    if (k->injector->apply(&k->injection, &e) != 0)
        record_fact(&s->drill->rec, EVENT_HARNESS, restore->text, "error", e.msg, restore->id);
}

void strikes_restore(struct strikes *s, const struct plan_step *restore)
{
    strikes_prepare(s, restore);
    for (size_t i = s->count; i-- > 0;)
        if (s->at[i].step->ended_by == restore->id)
            strikes_heal(s, s->at[i].step, "restore");
}

void strikes_rollback(struct strikes *s)
{
    if (!s || !s->open)
        return;
    guard_rollback_begin(s->guard);
    while (s->open)
        strikes_heal(s, s->stack[s->open - 1], "rollback");
    guard_rollback_end(s->guard);
}

size_t strikes_open(const struct strikes *s)
{
    return s ? s->open : 0;
}

bool strikes_unsettled(const struct strikes *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].state == STRIKE_PROVING || s->at[i].state == STRIKE_HEALING)
            return true;
    return false;
}

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
    uint16_t lane = injection_lane(&step->action);
    for (size_t i = 0; i < n; i++) {
        struct canary *c = strikes_canary(s, paths[i], 0, e);
        k->lane_canaries[i] = lane ? strikes_canary(s, paths[i], lane, e) : NULL;
        if (!c || (lane && !k->lane_canaries[i]) ||
            (mtu_bytes > 0 &&
             canary_new_long(&k->long_canaries[i], s->drill->lab, paths[i], (size_t)mtu_bytes + 1, e) < 0))
            return -1;
        k->canaries[k->injection.canary_count++] = c;
    }
    k->injection.lane_canaries = lane ? k->lane_canaries : NULL;
    k->injection.long_canaries = mtu_bytes > 0 ? k->long_canaries : NULL;
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

bool strikes_ready(const struct strikes *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].swell && !swell_ready(s->at[i].swell))
            return false;
    return true;
}

const char *strikes_failure(const struct strikes *s)
{
    const char *why = NULL;
    for (size_t i = 0; s && i < s->count && !why; i++)
        why = s->at[i].swell ? swell_failure(s->at[i].swell) : NULL;
    return why;
}

void strikes_disband(struct strikes *s)
{
    for (size_t i = 0; s && i < s->count; i++) {
        swell_free(s->at[i].swell);
        s->at[i].swell = NULL;
    }
}

void strikes_free(struct strikes *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        loop_timer_stop(&s->at[i].beat);
        free(s->at[i].injection.state);
        for (size_t j = 0; j < INJECTION_CANARIES_MAX; j++)
            canary_free(s->at[i].long_canaries[j]);
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
