/* SPDX-License-Identifier: MIT */
/*
 * Do the regions hold the same writes again? Asked once a second from the last heal on, for the writes invoked before
 * that heal, by listing each region's log at its store's admin port. One `converge` line per poll.
 */
#pragma once
#include "harness/run/drill.h"

struct converge;
/* Polls from now on; before_ns: only writes planned before this run time count (INT64_MAX: all). */
int converge_new(struct converge **out, struct drill *d, int64_t before_ns, struct err *e);
void converge_free(struct converge *c);
/* Three equal polls in a row have been seen. */
bool converge_reached(const struct converge *c);
