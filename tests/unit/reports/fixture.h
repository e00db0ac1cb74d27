/* SPDX-License-Identifier: MIT */
/*
 * A made-up drill: result, plan and evidence of one run, built in C, the same at every call.
 *
 * The shape is the example of the result's documentation: us-east dies at 22.0 s, eu-west serves from 27.3 s, the power
 * is back at 42 s. The other cases bend it. FIXTURE_TINY is a null drill on three nodes with a handful of requests.
 */
#pragma once
#include "reports/report.h"

#define FIXTURES(X)                                                                                                   \
    X(MISSED, missed) X(MET, met) X(INCONCLUSIVE, void) X(SKIPPED, unfit) X(INTERRUPTED, interrupted) X(DRIFT, drift)  \
    X(TINY, tiny)
enum fixture_case {
#define X(name, folder) FIXTURE_##name,
    FIXTURES(X)
#undef X
        FIXTURE_CASES
};
extern const char *const fixture_names[FIXTURE_CASES];

struct fixture {
    struct plan plan;
    struct evidence evidence;
    struct result result; /* its arena holds whatever result, plan and evidence point to */
    struct report_input in;
    json_t *kept; /* an array that owns the data of events */
};

struct fixture *fixture_new(enum fixture_case which);
void fixture_free(struct fixture *f);

/* The parts of fixture_new. */
void fixture_fill_plan(struct fixture *f, enum fixture_case which);
void fixture_fill_result(struct fixture *f, enum fixture_case which);
void fixture_fill_evidence(struct fixture *f, enum fixture_case which);

/* What a reporter writes for the input; heap, fails the test when the reporter fails. */
char *fixture_render(const char *reporter, const struct report_input *in);
