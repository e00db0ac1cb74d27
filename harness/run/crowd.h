/* SPDX-License-Identifier: MIT */
/*
 * All customers of a drill: one worker per vantage, as processes in their client's namespace, or (sim) on our own loop.
 *
 * A worker that dies or reports a failure is a harness error: crowd_failure says which and why.
 */
#pragma once
#include "harness/run/drill.h"

struct crowd;
int crowd_new(struct crowd **out, struct drill *d, struct err *e); /* workers probe their endpoints, streams not yet */
void crowd_free(struct crowd *c);                                /* ends the processes, bounded */
bool crowd_ready(const struct crowd *c);
int crowd_start(struct crowd *c, int64_t start_ns, struct err *e); /* run time */
int crowd_stop_writes(struct crowd *c, struct err *e);
int crowd_stop(struct crowd *c, struct err *e);
bool crowd_idle(const struct crowd *c);
const char *crowd_failure(struct crowd *c); /* NULL: none */
