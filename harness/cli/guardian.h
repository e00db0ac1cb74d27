/* SPDX-License-Identifier: MIT */
/*
 * The process between the command line and the conductor. It buries: every process of a run, however it died, is reaped
 * by it within moments, because a namespace's first process stays in the process table until its dead are reaped, and
 * the machine's own pid 1 may take its time. And it notices when the command line itself is killed, and ends the run.
 */
#pragma once
#include "harness/base/child.h"

/* As child_fork: 0 in the conductor, 1 in the caller, -1 on failure. *c is the guardian: SIGINT and SIGTERM sent to it
 * reach the conductor, it ends when the conductor has and everything is buried, with the conductor's exit code. */
int guardian_fork(struct child *c, struct err *e);
/* After the guardian is dead: bury what it left, if it was killed itself. Reaps any child of this process; bounded. */
void guardian_bury(void);
