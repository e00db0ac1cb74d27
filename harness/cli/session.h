/* SPDX-License-Identifier: MIT */
/*
 * One run from compiled plan to result: run directory, conductor in a child process, verdict, history, reports.
 *
 * The parent stays outside the lab's namespaces: it forwards signals to the conductor, waits with a bound, and judges
 * whatever evidence there is afterwards, also when the conductor died.
 */
#pragma once
#include "harness/cli/batch.h"
#include "harness/cli/history.h"
#include "harness/cli/command.h"
#include "harness/cli/gate.h"
#include "harness/cli/side.h"
#include "harness/evidence/evidence_read.h"
#include "harness/lab/lab.h"
#include "harness/measure/result.h"

/* What the runs of one command line have in common. */
struct session {
    const struct call *call;
    const struct lab_ops *lab;
    const struct lab_caps *caps;  /* NULL: the lab needs nothing of the machine */
    const char *output, *history; /* folder of run directories; --history or NULL */
    const char *gateway;          /* drgateway, NULL in sim */
    const struct side *baseline;  /* runs to be held against, borrowed; NULL: none */
    const char *forced[LAB_EFFECTS];
    struct gate selftest;
    const char *junit_style;
    const char *notify; /* a URL to be told of the course of runs; NULL: none */
    bool keep, skip_unsupported, crosscheck, live;
    int64_t timeout_ns; /* 0 none */
    int signals_fd;     /* SIGINT, SIGTERM, SIGHUP, blocked; see session_block_signals */
};

struct session_outcome {
    char *run_path;        /* heap */
    struct result *result; /* NULL: there is not even evidence */
    struct evidence *evidence;
    struct history_runs earlier; /* of the same scenario; strings in the result's arena */
    int signal;     /* SIGINT or SIGTERM when interrupted */
    bool unwritten; /* some output could not be written; said already */
};

int session_block_signals(struct session *s, struct err *e);
int session_run(const struct session *s, const struct job *job, struct session_outcome *o, struct err *e);
void session_outcome_deinit(struct session_outcome *o);

/* The exit code of one run. */
int session_exit_code(const struct session *s, const struct session_outcome *o);
