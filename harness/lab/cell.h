/* SPDX-License-Identifier: MIT */
/*
 * The cell: the user, network, mount and pid namespaces that a run owns, and the first process in them.
 *
 * The calling process enters all of them for good except the pid namespace, which only its children enter; so it can
 * open one cell in its life, before it has threads, and can start no more processes once the cell is closed. When it
 * dies in whatever way, the kernel kills the first process and with it every other one, and takes links, mounts and
 * rules away.
 */
#pragma once
#include "harness/base/child.h"
#include <stdbool.h>

struct err;

struct cell {
    struct child init;
    int net_fd; /* the caller's own empty network namespace */
    bool rootless;
    char disk[512]; /* tmpfs that nobody outside sees */
};

int cell_open(struct cell *c, const char *disk, struct err *e);
/* Kills the first process and thus all. wait_ns: for how long to wait until it has gone. Unmounts the disk. */
void cell_kill(struct cell *c);
int cell_close(struct cell *c, int64_t wait_ns, struct err *e);

/* The part of cell_open that can be tried out by a throwaway child: namespaces and maps. *own_user tells whether a
 * user namespace is among them. */
int cell_unshare(bool *own_user, struct err *e);
