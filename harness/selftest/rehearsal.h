/* SPDX-License-Identifier: MIT */
/*
 * A row of scripted outages, one after the other, measured by the ordinary worker and measure_run, with the closed loop
 * looking on. Whoever else wants to observe the same outages gets address, port and the instants from the watcher.
 */
#pragma once
#include "harness/selftest/acceptance.h"
#include <stddef.h>

struct err;
struct loop;

/* One outage to come. */
struct outage_script {
    enum outage_mode mode;
    bool never; /* begins and does not end: the last one of its rehearsal */
};

/* Somebody who observes the same outages in a way of his own, from before the first to after the last. Each member may
 * be NULL; instants are CLOCK_MONOTONIC. */
struct outage_watcher {
    void *arg;
    int (*begin)(void *arg, const char *address, uint16_t port, int64_t gap_ns, int64_t timeout_ns, struct err *e);
    void (*end)(void *arg);
    /* after everything has ended, per outage; [from, to) is its time, ib..ie the order; the record may be added to */
    void (*outage)(void *arg, int64_t from_ns, int64_t ib_ns, int64_t ie_ns, int64_t to_ns, struct outage_record *r);
};

struct rehearsal_config {
    uint64_t seed;
    int64_t gap_ns, timeout_ns;
    uint8_t host; /* of the server's address */
    const char *scratch, *name;
    const struct outage_script *scripts;
    size_t script_count; /* at most REHEARSAL_OUTAGES */
    const struct outage_watcher *watcher; /* NULL: none */
};
#define REHEARSAL_OUTAGES 8

/* records: one per script. -1: it could not be performed at all. */
int rehearsal_perform(const struct rehearsal_config *c, struct outage_record *records, struct err *e);
/* About how long it takes, for progress. */
int64_t rehearsal_planned_ns(const struct rehearsal_config *c);
