/* SPDX-License-Identifier: MIT */
/*
 * The conductor: one drill, from an empty run directory to complete evidence.
 *
 * Called by the command line in a process of its own (the netns lab takes the calling process into new namespaces, for
 * good). It builds the world, lets the customers in, waits for a steady state, follows the schedule, and takes
 * everything down again. It judges nothing: the caller measures the evidence afterwards.
 *
 * Invariant: whatever happens, every open fault is healed and the lab is closed before run_drill returns.
 */
#pragma once
#include "harness/evidence/evidence_write.h"
#include "harness/lab/lab.h"
#include "harness/spec/plan.h"

/* What ended in about one second, by site. */
struct run_site {
    uint32_t good, bad; /* vantages: requests of its clients */
    uint32_t served;    /* regions: good answers that it gave */
};
/* Clients changed to another endpoint. */
struct run_move {
    uint16_t vantage;  /* site */
    uint64_t endpoint; /* its number in the topology's list */
    double at_s;
};
enum { RUN_MOVES_MAX = 64 }; /* in a second; further ones are in the evidence only */
struct run_second {
    double from_s, to_s;
    const struct run_site *sites;  /* by index of the topology's sites */
    size_t site_count;
    const struct run_move *moves; /* in the order in which the workers wrote them */
    size_t move_count;
    double p50_ms, p99_ms;         /* good answers, from the planned send; NAN without any */
};

/* What a person may want to see while it runs. Both are called from the conductor's loop and must not block. */
struct run_view {
    const char *phase;
    double elapsed_s, planned_s;   /* run time, and about how long the whole run takes */
    uint64_t sent, good, bad;      /* requests so far */
    size_t open_faults;
    const struct run_second *second; /* NULL but once a second, and where it is not wanted */
};
struct progress {
    void (*event)(struct progress *p, const struct event *ev, double run_s);
    void (*view)(struct progress *p, const struct run_view *v);
    bool wants_seconds; /* views have one once a second */
};

struct run_options {
    const struct lab_ops *lab;
    const char *run_path;          /* made by rundir_create */
    const char *run_id;
    const char *gateway_path;      /* drgateway; NULL in sim */
    const char *const *argv;       /* of drtest, NULL-terminated, for the record */
    const char *forced[LAB_EFFECTS];
    const char *selftest;          /* outcome for the record: met | missed | skipped */
    const char *selftest_detail;
    bool crosscheck;               /* a second prober beside each vantage's load */
    json_t *selftest_data;         /* its table, for the record; NULL none; borrowed */
    bool keep;                     /* hold the lab until a signal before taking it down */
    int64_t timeout_ns;            /* whole-run limit, 0 none */
    struct progress *progress;     /* may be NULL */
};

/* 0: the evidence is complete (whatever it says); -1: it could not even be written. *signal_seen is the signal that
 * interrupted the run, 0 none. */
int run_drill(const struct plan *plan, const struct run_options *o, int *signal_seen, struct err *e);

/* What the plan's faults will do to each link: an or of 1u << effect, link_count entries, zeroed before. */
void run_link_effects(const struct plan *plan, unsigned *by_link);
unsigned run_effects(const struct plan *plan); /* the same for the world as a whole */

/* Leave evidence of a run that this machine cannot do: header and end (outcome unfit), nothing is started. */
int run_unfit(const struct plan *plan, const struct run_options *o, const char *reason, struct err *e);
