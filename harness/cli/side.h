/* SPDX-License-Identifier: MIT */
/*
 * One side of a comparison: a run, a set (the folder of a suite or of repeats), or several of them joined by commas.
 */
#pragma once
#include "harness/measure/pool.h"

struct err;

struct side {
    const char *word;    /* as given */
    bool single;         /* one run, named by itself */
    struct arena *arena; /* strings and lists */
    vec_of(struct pool_run) runs;
    vec_of(const char *) scenarios; /* without repetition, in the order of the runs */
};

/* Runs and sets are looked up as paths and below output, as everywhere. Only result.json and suite.json are read. */
int side_load(struct side *s, struct arena *a, const char *output, const char *word, struct err *e);
void side_deinit(struct side *s);

/* The pool of one scenario; an error where runs that count differ in a digest, or are more than can be tested. */
int side_pool(const struct side *s, const char *scenario, struct pool *out, struct err *e);
