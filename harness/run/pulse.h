/* SPDX-License-Identifier: MIT */
/*
 * The last second as the customers had it, for who watches the run: counted from their requests as these end, told
 * once, forgotten. Of steady.c; no number of a result comes from here.
 */
#pragma once
#include "harness/evidence/sample.h"
#include "harness/run/run.h"

struct pulse;
struct pulse *pulse_new(const struct plan *plan);
/* Of a request, or of clients that move; others are passed over. */
void pulse_take(struct pulse *p, const struct sample *s);
/* What came since the last time that this was no NULL, once that is a second ago; it stays until the next call. */
const struct run_second *pulse_turn(struct pulse *p, double now_s);
void pulse_free(struct pulse *p);
