/* SPDX-License-Identifier: MIT */
/*
 * A run that lies in a directory, loaded again: result, plan and evidence, for `report` and `analyze`.
 *
 * The plan is made from scenario.yaml and the overrides that the run recorded beside it, not from plan.yaml, so that
 * lines and digests are those of the scenario as it was written.
 */
#pragma once
#include "harness/evidence/evidence_read.h"
#include "harness/measure/result.h"
#include "harness/spec/plan.h"

struct err;

#define STORED_OVERRIDES "overrides.json"

struct stored_run {
    char *path;
    struct result *result;
    struct plan *plan;
    struct evidence *evidence;
};

int stored_load(struct stored_run *s, const char *output, const char *run, struct err *e);
void stored_deinit(struct stored_run *s);

/* What stored_load needs beside scenario.yaml. */
int stored_write_plan(const char *run_path, const struct plan *p, struct err *e);
