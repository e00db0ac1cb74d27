/* SPDX-License-Identifier: MIT */
/*
 * The second prober (harness/crosscheck) as a watcher of scripted outages: a process of its own at the watcher's door,
 * evaluated by the second evaluation. Its interval goes into the record of each outage.
 */
#pragma once
#include "harness/base/arena.h"
#include "harness/base/child.h"
#include "harness/evidence/cross_read.h"
#include "harness/selftest/rehearsal.h"
#include "harness/spec/plan.h"

struct second_watch {
    struct outage_watcher watcher; /* for rehearsal_config */
    const char *scratch, *name;
    char path[192], address[16];
    const char *addresses[1];
    struct plan plan;
    struct topology topology;
    struct topo_site sites[2];
    struct topo_node nodes[2];
    uint16_t endpoint;
    struct plan_stream stream;
    struct child process;
    int control;
    struct arena arena;
    struct cross_reading reading;
};

/* Points into itself: must not be moved. Borrows the texts. */
void second_watch_init(struct second_watch *w, const char *scratch, const char *name, uint64_t seed);
/* Ends the process, bounded, and removes its file. Fine without a begin. */
void second_watch_deinit(struct second_watch *w);
