/* SPDX-License-Identifier: MIT */
/*
 * Does drtest measure what is true? Scripted outages and lies of known extent, measured by the ordinary load and
 * measure code; a table says how truth and measurement compare.
 *
 * `drtest selftest` does the long form or the quick one. `run` refuses to believe numbers from a binary without a pass
 * on this host (gate G4) and so performs the short form itself, a few seconds; the caller remembers the pass.
 */
#pragma once
#include "harness/selftest/rehearsal.h"
#include "harness/selftest/table.h"

struct err;

enum selftest_form {
    SELFTEST_SHORT, /* four modes at 5 ms and one lie, about 5 s */
    SELFTEST_QUICK, /* every mode twice at each gap, every lie, about 20 s */
    SELFTEST_FULL,  /* at least SELFTEST_OUTAGES outages, some minutes */
};
#define SELFTEST_OUTAGES 420

struct selftest_options {
    enum selftest_form form;
    int64_t outages; /* over modes and gaps, rounded up to whole rows; 0: as the form has it */
    uint64_t seed;
    int64_t bound_ns; /* as long may it take, then the machine is too busy to tell; 0: as long as something is told */
    void (*progress)(void *arg, int64_t done, int64_t planned); /* may be NULL */
    void *arg;
    /* For tests of the self-test: sees each record before it is judged, in this process. NULL otherwise. */
    void (*tamper)(struct outage_record *r);
};

/* -1 when it could not be performed: ERR_MACHINE when the machine allows too little or is too busy to tell. */
int selftest_perform(const struct selftest_options *o, struct selftest_table *table, struct err *e);

/* 0 passed, 1 a truth lay outside. */
int selftest_exit_code(const struct selftest_table *table);
