/* SPDX-License-Identifier: MIT */
/*
 * One fault in a real world of two regions, as the conductor goes about it: canaries and tethers first, then apply,
 * prove, hold, heal, prove. One at a time, in the child that plays an act.
 */
#pragma once
#include "injectors/injector.h"
#include "tests/live/lab_stage.h"

enum { CANARIES_MAX = 3, TETHERS_MAX = 8 };

struct drill {
    struct stage *stage;
    struct lab *lab;
    struct fabric *fabric;
    struct action action;
    struct injection in;
    const struct injector *injector;
    struct canary *canaries[CANARIES_MAX], *long_canaries[CANARIES_MAX], *lane_canaries[CANARIES_MAX];
    struct train *trains[CANARIES_MAX];
    struct tether *tethers[TETHERS_MAX], *control_tether;
};

/* What else is going to be done to each link, an or of 1u << effect; before drill_begin. */
void drill_also(unsigned effects_of_all);
void drill_begin(struct drill *d, struct stage *s, const char *verb, const struct action *a);
void drill_apply(struct drill *d);
void drill_heal(struct drill *d); /* twice, as heals must be idempotent */
enum proof drill_prove(struct drill *d, bool healed, int64_t bound_ns); /* until it is proven, or not in time */
void drill_pass(struct drill *d, int64_t ns);
void drill_must(struct drill *d, int rc, const char *doing);
void drill_end(struct drill *d);
void drill_whole_life(struct stage *s, const char *verb, const struct action *a);
