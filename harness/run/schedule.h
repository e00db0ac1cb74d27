/* SPDX-License-Identifier: MIT */
/*
 * What is due when: the plan's steps as a list of deeds in scenario time. Pure.
 *
 * A fault is applied at its `at`; it ends by its `for:`, by a restore step, or by rollback (not in the list). Deeds due
 * at the same instant keep file order, ends before beginnings, so that a fault replaced at an instant never overlaps.
 */
#pragma once
#include "harness/spec/plan.h"

enum deed_kind {
    DEED_HEAL,    /* the step's `for:` is over */
    DEED_APPLY,   /* a fault, an operator action or nothing begins */
    DEED_RESTORE, /* a restore step: every fault it ends is healed */
};

struct deed {
    int64_t at_ns;
    enum deed_kind kind;
    const struct plan_step *step;
};

/* Fills deeds in order of execution; returns how many, at most 2 * step_count. */
size_t schedule_of(const struct plan *plan, struct deed *deeds);
