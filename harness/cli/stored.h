/* SPDX-License-Identifier: MIT */
/*
 * A run that lies in a directory, loaded again: result, plan and evidence, for `report` and `analyze`.
 *
 * Three files hold the plan: plan.yaml, the scenario as run, which is what the plan is compiled from again;
 * scenario.yaml, the file as written; origin.json, what plan.yaml cannot say: digests of the original, its name, and
 * the lines on which steps and targets stood.
 */
#pragma once
#include "harness/evidence/evidence_read.h"
#include "harness/measure/result.h"
#include "harness/spec/plan.h"

struct err;

struct stored_run {
    char *path;
    struct result *result;
    struct plan *plan;
    struct evidence *evidence;
};

int stored_load(struct stored_run *s, const char *output, const char *run, struct err *e);
void stored_deinit(struct stored_run *s);

/* What stored_load needs beside the evidence. */
int stored_write_plan(const char *run_path, const struct plan *p, struct err *e);
