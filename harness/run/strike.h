/* SPDX-License-Identifier: MIT */
/*
 * Strikes: every use of an injector, bracketed with the clock and the timeline, proven, held, healed.
 *
 * An injector cannot forget to record itself, because it never does: apply, proof, lapse, heal and heal proof are
 * written here. The guard is here, too: open faults form a stack that is unwound in reverse on every way out, each heal
 * with its own bound; one that fails never stops the next.
 */
#pragma once
#include "harness/run/drill.h"

struct strikes;
/* Canaries for every path that a step will hit, and a control; to be called before the baseline. */
int strikes_new(struct strikes **out, struct drill *d, struct err *e);
void strikes_free(struct strikes *s);

bool strikes_ready(const struct strikes *s);          /* the extra load of surges waits for its order */
const char *strikes_failure(const struct strikes *s); /* of such load; NULL: none */
void strikes_disband(struct strikes *s);              /* end it; before the crowd goes */

/* Apply a step. An injector's failure is recorded (the fault is unproven then) and not an error of the run. */
void strikes_apply(struct strikes *s, const struct plan_step *step);
void strikes_heal(struct strikes *s, const struct plan_step *step, const char *ended_by); /* not open: nothing */
/* What a restore step asks for: heal every open fault that names it as its end. */
void strikes_restore(struct strikes *s, const struct plan_step *restore);
/* The guard: heal whatever is open, last first. */
void strikes_rollback(struct strikes *s);
size_t strikes_open(const struct strikes *s);
/* Some proof is still awaited (of a fault or of a heal). */
bool strikes_unsettled(const struct strikes *s);
