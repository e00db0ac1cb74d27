/* SPDX-License-Identifier: MIT */
/*
 * Steps of the timeline that stand for several: `flap` switches another fault on and off, `every` does something again
 * and again. The plan holds each round as a step of its own, so that whoever applies, proves, records or reports faults
 * need not know of either.
 */
#pragma once
#include "harness/spec/scenario.h"

enum { ROUNDS_MAX = 100, PLAN_STEPS_MAX = 1000 }; /* of one step as written; of all steps */

extern const struct action_type flap_type;

struct step_round {
    int64_t at_ns, until_ns;
};

/* When the rounds of a step are, one for most steps; until INT64_MAX: it does not end by itself. Their number, or 0
 * after reporting. The seed decides how the edges of a flap are moved. */
size_t step_rounds(const struct scenario_step *s, uint64_t seed, struct step_round rounds[ROUNDS_MAX],
                   struct diag_list *diags);
/* How long a fault must last to be proven while it is in force. */
int64_t step_proof_ns(const struct action *a);
