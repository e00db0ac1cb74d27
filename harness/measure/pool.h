/* SPDX-License-Identifier: MIT */
/*
 * Runs put together: what a set of repeats supports, and how a later set compares with an earlier one (measuring.md,
 * Repeats and trends).
 *
 * A pool is one scenario's runs in the order in which they were done. Only runs with equal digests may be pooled. A run
 * is left out, and counted, when a gate or an interruption keeps its numbers from being believed; a single objective is
 * left out when its own interval would have decided but a gate (G8, G9) did not let it. Memory comes from an arena.
 */
#pragma once
#include "harness/base/vec.h"
#include "harness/measure/result.h"
#include "harness/measure/stats.h"

enum pool_digest { DIGEST_TOOL, DIGEST_SCENARIO, DIGEST_SYSTEM, DIGEST_CONFIG, POOL_DIGESTS };
extern const char *const pool_digest_words[]; /* "drtest", "scenario", "target system", "configuration" */

struct pool_objective {
    const char *name, *unit;
    bool at_least;
    double target, lower, upper, resolution;
    enum verdict verdict;
};

struct pool_run {
    const char *run_id, *scenario, *started_at, *lab, *status;
    const char *digest[POOL_DIGESTS];
    int64_t seed;
    double duration_s; /* NAN: unknown */
    enum verdict verdict;
    bool has_report; /* its page lies in the folder beside; only who gathers runs for a page looks */
    vec_of(struct pool_objective) objectives;
};
/* From result.json, of this version or another, and from a line of history.jsonl. Fields that are not there are
 * unknown; a line from before lines had `status` counts as completed only if it was decided. */
struct pool_run pool_run_of_result(struct arena *a, const json_t *doc);
struct pool_run pool_run_of_line(struct arena *a, const json_t *line);

bool pool_same(const struct pool_run *a, const struct pool_run *b);
/* Why the run is left out: a word for people, NULL if it counts. */
const char *pool_left_out(const struct pool_run *r);

/* One objective over the runs that count. `x` is worse the larger it is: of an at-least objective, a ratio of good
 * to all, what is missing to 1. pool_value turns it back. */
struct pool_series {
    const char *name, *unit;
    bool at_least;
    double target, resolution;
    double *x;
    size_t n, excluded, censored, met;
    double middle;                /* median of x */
    struct stats_interval median; /* in the objective's own sense; INFINITY: open, NAN: none */
    double worst, p95, lag1;      /* worst INFINITY: open; p95 NAN: not estimable */
};

double pool_value(const struct pool_series *s, double x);

struct pool {
    const char *scenario;
    const struct pool_run *first;      /* the first that counts; NULL: none does */
    size_t runs, n, excluded, met;
    double met_lower;                  /* P(met) at 95 %, NAN without a run */
    vec_of(struct pool_series) series; /* in the order of the first run's objectives */
};

/* The pool of those runs of a scenario that count and have the digests of `like` (NULL: of the first that counts); the
 * others are excluded. */
struct pool pool_of(struct arena *a, const struct pool_run *const *runs, size_t n, const struct pool_run *like);
const struct pool_series *pool_series_find(const struct pool *p, const char *name);

/* What one objective did from an earlier pool to a later one. */
struct pool_change {
    const struct pool_series *earlier, *later;
    double p, p_holm;            /* NAN: too few runs a side. p_holm is p until pool_holm has seen them all */
    struct stats_interval shift; /* later - earlier, positive is worse; NAN with censored runs or too few */
    double enough;               /* a smaller shift is no regression */
    bool regressed;
};
struct pool_change pool_compare(const struct pool_series *earlier, const struct pool_series *later);
/* Correct the changes of one objective over its scenarios, and say again which regressed. */
void pool_holm(struct pool_change *const *changes, size_t n);

/* A gate, not its own interval, keeps the objective from being met or missed: it says nothing about the other run's. */
bool pool_gated(const struct pool_objective *o);
/* Of two single runs: how much worse the later one may be, from the least to the most that the intervals allow; better
 * is negative. NAN and infinite: an end is unknown or open. */
struct pool_shift {
    double lower, upper;
};
struct pool_shift pool_shift(const struct pool_objective *earlier, const struct pool_objective *later);
/* The same as a word: worse by more than the intervals can explain, better by as much, or neither (0). */
int pool_worse(const struct pool_objective *earlier, const struct pool_objective *later);
