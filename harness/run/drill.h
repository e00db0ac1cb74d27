/* SPDX-License-Identifier: MIT */
/*
 * What the rooms of the conductor share during one drill. Internal to harness/run.
 */
#pragma once
#include "harness/lab/fabric.h"
#include "harness/run/record.h"

struct drill {
    const struct plan *plan;
    const struct run_options *options;
    const struct lab_ops *ops;
    struct lab *lab;
    struct loop *loop;
    struct fabric *fabric;
    struct recorder rec;
    struct crowd *crowd;
    struct steady *steady;
    struct observer *observer;
    struct strikes *strikes;
    struct roll *roll;
    struct supervisor *supervisor;
    const char *phase;
    int64_t scenario_zero_ns;  /* run time of scenario time 0 */
    bool stop;                 /* set by a signal, an abort condition or a dead harness process */
    bool applying;             /* an injector's apply is under way: to stop calls it off */
    bool held;                 /* over and on record, the lab is kept: to stop takes it down and is no interruption */
    int signal;
    char stop_reason[160];
};

/* Let the world run until the run time given. 1: reached; 0: the drill is to stop. */
int drill_wait(struct drill *d, int64_t until_ns);
/* Ask the drill to stop; the first reason wins. */
void drill_stop(struct drill *d, const char *reason);
void drill_sync_ledger(struct drill *d); /* fdatasync(2); a failure is a harness error */
void drill_phase(struct drill *d, const char *name); /* ends the current phase and begins this one; NULL only ends */
