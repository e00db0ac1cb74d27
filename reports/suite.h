/* SPDX-License-Identifier: MIT */
/*
 * The page of a suite, or of a set of repeats: report.html beside suite.json, a row per scenario.
 *
 * Made from the stored results of its runs and from their history, so that it can be made again. Called by the suite
 * path of `run` and by `report` on a suite's folder. Owns nothing; entries of one scenario stand for its repeats.
 */
#pragma once
#include "harness/measure/pool.h"
#include "harness/measure/result.h"
#include <stdio.h>

struct suite_entry {
    const char *run_id, *scenario;
    enum verdict verdict;
    const struct result *result;    /* NULL: the run left none */
    const struct pool_run *pooled;  /* the same as histories know it; NULL without a result */
    const struct pool_run *earlier; /* runs of the scenario before it, oldest first */
    size_t earlier_count;
};

/* A run that the suite ended before. */
struct suite_unreached {
    const char *scenario, *title; /* title may be NULL */
};

struct suite_input {
    const char *name, *kind; /* suite | repeats */
    const char *title;       /* NULL: none */
    const char *started_at, *ended_at;
    int64_t exit_code;
    const struct suite_entry *entries;
    size_t count;
    const struct suite_unreached *unreached;
    size_t unreached_count;
};

struct err;
int suite_html_write(FILE *out, const struct suite_input *in, struct err *e);
