/* SPDX-License-Identifier: MIT */
/* What carried the shaped links of a drill, and how well. Called by the conductor. */
#pragma once
#include "harness/run/drill.h"

/* -1: the process that carries them is gone, and with it what they were to show.
 * Lateness since the last call is recorded. */
int carriage_watch(struct drill *d, struct err *e);
void carriage_record(struct drill *d); /* the books, at the end */
