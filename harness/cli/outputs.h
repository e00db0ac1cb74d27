/* SPDX-License-Identifier: MIT */
/*
 * What a run leaves outside its run directory: extra copies of reports, the result on standard output, GitHub's
 * annotations and step summary, and suite.json.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/cli/session.h"
#include "harness/measure/pool.h"
#include "reports/joined.h"
#include "reports/report.h"

struct outputs {
    const struct call *call;
    const char *junit, *html, *summary, *metrics; /* paths of the copies, NULL none */
    bool jenkins_style, several;                  /* several: more than one run is to come */
    struct joined joined;                         /* the runs so far */
};

void outputs_deinit(struct outputs *out);

/* Before a run: make the folders that the copies and the history (may be NULL) are wanted in, and refuse what could not
 * be written after it. */
int outputs_prepare(const struct outputs *out, const char *history, struct err *e);
int outputs_check_history(const char *path, struct err *e); /* one that is there already has to be written to */

/* Everything for one run; failures are told. Returns -1 if one could not be written. */
int outputs_add(struct outputs *out, const struct report_input *shared);

#define RUN_UNJUDGED "without a result" /* runs[].left_out of a run that ended before it was judged */

/* <output>/<suite or set>-<time>/suite.json. The runs are those of the suite so far; its jobs after them are those that
 * were not reached. */
struct suite_run {
    const char *run_id, *scenario;
    int64_t repeat_index, repeat_count, seed;
    enum verdict verdict;
    struct pool_run *pooled; /* NULL: it left no result */
};
struct suite_record {
    const struct batch_suite *suite;
    const struct job *jobs; /* of the suite, in the order in which they are done */
    char *path; /* heap; the suite's folder */
    char started_at[32];
    vec_of(struct suite_run) runs;
    struct arena arena;
};
int suite_record_begin(struct suite_record *s, const struct batch_suite *suite, const struct job *jobs,
                       const char *output, struct err *e);
void suite_record_add(struct suite_record *s, const struct job *job, const struct session_outcome *o);
/* said gets the statistics of the scenarios that ran more than once, in words. */
int suite_record_end(struct suite_record *s, int exit_code, bool jenkins_style, struct text *said, struct err *e);
void suite_record_deinit(struct suite_record *s);

/* Of two exit codes the one that counts: interruption, then 1, 4, 5, 0. */
int exit_code_worse(int a, int b);
