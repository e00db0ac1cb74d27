/* SPDX-License-Identifier: MIT */
/* Shared by strike.c, the life of a strike, and strike_setup.c, which makes them all before the first. */
#pragma once
#include "harness/base/vec.h"
#include "harness/run/strike.h"
#include "injectors/injector.h"

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
    struct train *trains[INJECTION_CANARIES_MAX]; /* owned */
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

static inline bool step_is_fault(const struct plan_step *step)
{
    return step->action.type->class == ACTION_FAULT;
}

void strike_beat(struct loop_timer *t, int64_t now);
