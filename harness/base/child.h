/* SPDX-License-Identifier: MIT */
/*
 * Child processes that cannot outlive us and cannot be confused with a reused pid: pidfd_open(2),
 * pidfd_send_signal(2), waitid(2) P_PIDFD, prctl(2) PR_SET_PDEATHSIG.
 *
 * A zeroed struct child is "no child". The owner calls child_stop (bounded) before it lets go.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct child {
    pid_t pid; /* 0: none */
    int pidfd; /* readable once the process is dead; closed and -1 once reaped */
    bool reaped;
    int status; /* wait status once reaped */
};

/* fork(2) with a pidfd. In the child returns 0 with PR_SET_PDEATHSIG=SIGKILL set, signal mask and handlers at their
 * defaults; in the parent 1; -1 on failure. */
int child_fork(struct child *c, struct err *e);

/* fork and exec. argv[0] is a path, envp NULL means our own environment. stdout and stderr go to log_fd (or stay when
 * -1), stdin is /dev/null, every other descriptor is closed. before (may be NULL) runs in the child before exec, e.g.
 * to enter namespaces; non-zero (errno says why) stops it. A program that cannot be executed is an error here, too. */
int child_exec(struct child *c, const char *const argv[], const char *const envp[], int log_fd,
               int (*before)(void *arg), void *arg, struct err *e);

int child_signal(const struct child *c, int sig, struct err *e);      /* dead already: 0 */
bool child_dead(struct child *c);                                     /* reaps; never blocks */
int child_wait(struct child *c, int64_t timeout_ns, struct err *e);   /* 0 dead and reaped, 1 still alive */
/* SIGTERM, after grace_ns SIGKILL, then wait (at most 2 s more). grace 0 kills at once. */
int child_stop(struct child *c, int64_t grace_ns, struct err *e);
