/* SPDX-License-Identifier: MIT */
/*
 * From a bound scenario to the plan: everything derived, then the rules that only the whole can break. Used by load.c.
 */
#pragma once
#include "harness/spec/scenario.h"

/* p holds the arena in which s was bound; p holds references of its own to the JSON of
 * actions. seed 0: the scenario's, or random. */
void plan_compile(struct plan *p, struct scenario *s, uint64_t seed, struct diag_list *diags);

/* Refusals and warnings (plan_check.c: targets and holds; plan_faults.c: faults among each other). */
void plan_check(const struct plan *p, const struct scenario *s, struct diag_list *diags);
void plan_check_faults(const struct plan *p, const struct scenario *s, struct diag_list *diags);
void plan_check_backups(const struct plan *p, const struct scenario *s, struct diag_list *diags); /* plan_backups.c */

const struct scenario_step *plan_step_written(const struct scenario *s, const struct plan_step *step);
struct place plan_step_place(const struct scenario *s, const struct plan_step *step); /* of its verb */

/* What a step does to nodes: silenced ones serve nobody, dead ones have to be started again. */
bool step_is_fault(const struct plan_step *step);
bool step_silences(const struct plan_step *step);
bool step_kills(const struct plan_step *step);
bool step_hits_node(const struct topology *t, const struct plan_step *step, uint16_t node);
