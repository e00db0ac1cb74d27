/* SPDX-License-Identifier: MIT */
/*
 * What the customers get right now: follows samples.bin as it grows.
 *
 * Decides the steady state before the fault, the abort condition during it, and the numbers of the status line. A
 * window is judged only once every request planned in it must have ended (T_req after its end), so nothing pending is
 * taken for good.
 */
#pragma once
#include "harness/measure/measure.h"
#include "harness/run/drill.h"

struct steady;
int steady_new(struct steady **out, struct drill *d, struct err *e);
void steady_free(struct steady *s);
/* Whether the last B of known requests meets the plan's expectations; b is what was seen, why a sentence if not. */
bool steady_reached(struct steady *s, int64_t since_ns, struct baseline *b, char why[160]);
/* Good ratio over requests planned in [from, to), run time; NAN without any. */
double steady_ratio(const struct steady *s, int64_t from_ns, int64_t to_ns);
/* One more than the highest request number of a stream known to be planned before this run time; 0 if none is known. */
uint64_t steady_planned_before(const struct steady *s, uint16_t stream, int64_t before_ns);
int64_t steady_settled_ns(const struct steady *s); /* requests planned before this run time are all known */
