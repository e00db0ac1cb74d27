/* SPDX-License-Identifier: MIT */
/*
 * What this machine can do and what a plan asks of it.
 */
#pragma once
#include "harness/cli/batch.h"
#include "harness/cli/option.h"
#include "harness/lab/lab.h"
#include "harness/spec/plan.h"
#include <stdbool.h>

struct err;
struct text;

/* EFFECT=NAME of each --mechanism into forced (LAB_EFFECTS entries, zeroed before). Strings are borrowed. */
int machine_forced(const struct option_list *given, struct arena *a, const char **forced, struct err *e);

/* Of this machine; caps NULL: of the model of --lab sim. */
struct lab_mechanism machine_mechanism(const struct lab_caps *caps, enum lab_effect effect);

/* Which effects the plan's faults, and its topology, need. */
bool machine_needs(const struct plan *p, enum lab_effect effect);

/* Whether something stops the plan here; why (a sentence, with the remedy) is appended to reason. */
/* caps NULL: the sim lab. */
bool machine_unfit(const struct lab_caps *caps, const struct plan *p, struct text *reason);

/* Narrow caps down to what a run of this plan would use, with what was forced taken for granted. How many links the
 * wire would carry. */
size_t machine_settle(struct lab_caps *caps, const struct plan *p, const char *const forced[LAB_EFFECTS]);

/* Descriptors, ports, memory for each run of the batch, room for all of them in the output folder. ERR_MACHINE when
 * something would run out; nothing has been started then. */
int machine_has_room(const struct batch *b, const char *output, bool simulated, struct err *e);

/* The link baselines of the plan's topology ask for delay, loss or rate. */
bool machine_shapes_links(const struct topology *t);
