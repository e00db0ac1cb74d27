/* SPDX-License-Identifier: MIT */
/*
 * What the stores say they set aside, against the ledger of the writes: two books of one thing, kept by two parties.
 *
 * Called by the join, which hands over the records of the pass PASS_ASIDE, and by rpo.c for the result. What stays is
 * in the study's arena. Invariant: nothing here decides whether a write is lost.
 */
#pragma once
#include "harness/measure/join.h"
#include "harness/measure/result.h"

struct asides;
struct asides *asides_new(const struct study *s, struct ledger_view *l);
void asides_take(struct asides *a, const struct ledger_record *r);
void asides_settle(struct asides *a, const struct readings *all); /* the end of a */

/* losses_known: there is a final read, so that what is not everywhere is lost. */
void set_aside_fill(const struct study *s, const struct ledger_view *l, bool losses_known, struct result_ledger *out);
