/* SPDX-License-Identifier: MIT */
/*
 * Several runs in one file, as far as a format can hold them: JUnit with one testsuite per run, Markdown one run below
 * the other, metrics by family with the last run of each scenario. For the copies that a command leaves of its runs,
 * and for the folder of a suite. A zeroed struct is empty and ready.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/base/vec.h"
#include "reports/report.h"

struct joined_metrics {
    char *scenario, *text; /* heap */
};

struct joined {
    struct text suites, summaries; /* summaries is the joined Markdown itself */
    int64_t tests, failures, errors;
    double time_s;
    vec_of(struct joined_metrics) metrics;
};

void joined_deinit(struct joined *j);

/* Add one run to one of the formats. */
int joined_add_junit(struct joined *j, const struct report_input *in, struct err *e);
int joined_add_summary(struct joined *j, const struct report_input *in, struct err *e);
int joined_add_metrics(struct joined *j, const struct report_input *in, struct err *e);

/* A run that has no result: JUnit gets a testsuite of one case, an error (inconclusive) or skipped, so that nobody who
 * counts misses it. */
struct joined_absent {
    const char *run_id, *scenario, *at, *reason; /* at: when, RFC 3339; run_id may be NULL */
    int64_t repeat_index, repeat_count, seed;
    enum verdict verdict;
};
int joined_add_absent(struct joined *j, const struct joined_absent *run, bool jenkins_style, struct err *e);

/* The documents over what was added so far. */
void joined_junit(const struct joined *j, struct text *out);
void joined_metrics(const struct joined *j, struct text *out);
