/* SPDX-License-Identifier: MIT */
/*
 * Control groups of the run's nodes: what only they can do (limits of processes, processor and memory), and freezing.
 *
 * Each node has a folder "<name>-<node>" in the hierarchy of each kind, v1 or v2, whichever the machine has, neutral
 * from the start. Folders are the only thing of a run that the kernel would leave behind; hence the keeper, a process
 * from before our namespaces that sees to it (cgroup_keeper_start) and ends with the last folder.
 */
#pragma once
#include "harness/base/child.h"
#include <stddef.h>
#include <stdint.h>

struct err;

enum cgroup_kind { CGROUP_FREEZER, CGROUP_PIDS, CGROUP_CPU, CGROUP_MEMORY, CGROUP_KINDS };

struct cgroups {
    struct {
        char root[256]; /* where folders are made; empty: the machine has no such thing */
        bool unified;   /* v2 */
    } at[CGROUP_KINDS];
    char name[32]; /* of the run */
};

/* Where the hierarchies are; run_path names the folders. prefer_v1: for the freezer, which v2 has as well. */
void cgroup_find(struct cgroups *g, const char *run_path, bool prefer_v1);
/* Can it be done: a folder made, a limit written and read back, the folder removed. */
bool cgroup_try(const struct cgroups *g, enum cgroup_kind kind);

int cgroup_make(const struct cgroups *g, enum cgroup_kind kind, unsigned node, struct err *e);
int cgroup_join(const struct cgroups *g, enum cgroup_kind kind, unsigned node); /* the calling process; errno */
/* The kind's limit: processes, ppm of one processor, bytes; -1: none. Freezer: 0 frozen. Absolute; confirmed. */
int cgroup_limit(const struct cgroups *g, enum cgroup_kind kind, unsigned node, int64_t limit, struct err *e);
int cgroup_read(const struct cgroups *g, enum cgroup_kind kind, unsigned node, int64_t *limit, struct err *e);
/* Let the node's group go before everybody else on a busy machine, up to its limit,
 * or no more than one process like others. */
void cgroup_favour(const struct cgroups *g, unsigned node, bool favoured);
/* How often the limit has been felt: forks refused, periods cut short, processes killed for memory. */
int64_t cgroup_felt(const struct cgroups *g, enum cgroup_kind kind, unsigned node);

struct cgroup_keeper {
    struct child child;
    int leash_fd; /* its end tells the keeper that we are gone */
};
/* Before the caller enters namespaces: the keeper must see and outlive them. */
int cgroup_keeper_start(struct cgroup_keeper *k, const struct cgroups *g, struct err *e);
void cgroup_keeper_end(struct cgroup_keeper *k, int64_t wait_ns); /* folders are gone when it returns */
