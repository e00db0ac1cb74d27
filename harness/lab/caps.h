/* SPDX-License-Identifier: MIT */
/*
 * Which mechanisms this kernel has: tried out on a real pair of links, never assumed. caps_try runs in a network
 * namespace that is thrown away afterwards; caps_judge turns what it saw into the table for people and for the lab.
 */
#pragma once
#include "harness/lab/cgroup.h"
#include "harness/lab/lab.h"

struct caps_trial {
    bool netem, tbf, fib, wire, ports, filter, disconnect;
    char netem_why[160], tbf_why[160], fib_why[160], wire_why[160], ports_why[160];
    bool descriptors, disk, tap, local_ports, backlog, group[CGROUP_KINDS], group_v2[CGROUP_KINDS];
};

int caps_try(struct caps_trial *trial, struct err *e); /* in the caller's current, empty network namespace */
/* What nodes can be starved by and frozen with. folder: one to mount something on, in a mount namespace of our own. */
void caps_try_nodes(struct caps_trial *trial, const char *folder, const char *run_path,
                    const char *const forced[LAB_EFFECTS]);
void caps_judge_nodes(const struct caps_trial *trial, struct lab_caps *caps); /* part of caps_judge */
bool caps_wants_freezer_v1(const char *const forced[LAB_EFFECTS]);
void caps_judge(const struct caps_trial *trial, struct lab_caps *caps);
/* Replace choices by what was forced; a mechanism that is unknown for its effect or missing here is an error. */
int caps_force(struct lab_caps *caps, const struct caps_trial *trial, const char *const forced[LAB_EFFECTS],
               struct err *e);
