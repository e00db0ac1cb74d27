/* SPDX-License-Identifier: MIT */
/*
 * One side of a comparison: a run, a set (the folder of a suite or of repeats), a file that was kept of runs (a
 * result.json by whatever name, or a history), or several of them joined by commas.
 */
#pragma once
#include "harness/measure/pool.h"

struct err;

struct side {
    const char *word;    /* as given */
    bool single;         /* one run, named by itself */
    bool newest;         /* a history: of each scenario the newest run that counts, or the newest if none does */
    struct arena *arena; /* strings and lists */
    vec_of(struct pool_run) runs;
    vec_of(const char *) scenarios; /* without repetition, in the order of the runs */
};

/* Runs and sets are looked up as paths and below output, as everywhere. Only result.json, suite.json and histories are
 * read. */
int side_load(struct side *s, struct arena *a, const char *output, const char *word, struct err *e);
void side_deinit(struct side *s);
/* The newest run of the scenario that counts, else the newest; NULL: there is none. */
const struct pool_run *side_newest(const struct side *s, const char *scenario);

/* The pool of one scenario; an error where runs that count differ in a digest, or are more than can be tested. */
int side_pool(const struct side *s, const char *scenario, struct pool *out, struct err *e);
