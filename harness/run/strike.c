/* SPDX-License-Identifier: MIT */
/*
 * The life of one strike: apply -> proving -> in force (looked at every 250 ms) -> heal -> proving the heal -> settled.
 *
 * The clock is read outside the injector's calls: t_ib before, t_ie after. From then on a timer asks the injector for
 * proof every 20 ms until it settles or its bound passes. A fault that must stay in force is looked at every 250 ms and
 * once more right before its heal; two failing looks in a row are a lapse. A refused apply leaves a strike that counts
 * as unproven and is healed all the same, since half of it may have happened.
 */
#include "harness/run/strike_private.h"
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

/* One look at a fault in force. A round of questions under way says nothing yet. */
static void strike_look(struct strike *k)
{
    enum proof p = strike_ask(k, false);
    if (p == PROOF_PENDING)
        return;
    if (p == PROOF_PROVEN) {
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

void strike_beat(struct loop_timer *t, int64_t now)
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
