/* SPDX-License-Identifier: MIT */
/*
 * A run that lies in a directory, loaded again: result, plan and evidence, for `report` and `analyze`.
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
/* The same with the requests in brief (evidence_skim): enough to report, not to measure. */
int stored_skim(struct stored_run *s, const char *output, const char *run, struct err *e);
int stored_skim_at(struct stored_run *s, const char *path, struct err *e); /* path: the run directory itself */
/* A result of whole evidence is not told again once that evidence has changed: -1. */
int stored_check(const struct stored_run *s, struct err *e);
void stored_deinit(struct stored_run *s);
