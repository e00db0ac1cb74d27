/* SPDX-License-Identifier: MIT */
/*
 * The second probers of a drill: one process per vantage in its client's namespace (harness/crosscheck), beside the
 * ordinary crowd, which owns this and calls it wherever it does the same for its workers.
 *
 * A prober that dies or reports a failure is a harness error: shadow_failure says which and why.
 */
#pragma once
#include "harness/run/drill.h"

struct shadow;
int shadow_new(struct shadow **out, struct drill *d, struct err *e); /* makes crosscheck.csv, forks the probers */
void shadow_free(struct shadow *s);                                  /* ends the processes, bounded; NULL is fine */
void shadow_disown(struct shadow *s); /* in a forked child: it must not hold the others' channels open */
bool shadow_ready(struct shadow *s);
int shadow_start(struct shadow *s, int64_t at_ns, struct err *e); /* loop time */
void shadow_stop(struct shadow *s);
bool shadow_idle(struct shadow *s); /* every prober has ended in order, its record is whole */
const char *shadow_failure(struct shadow *s); /* NULL: none */
