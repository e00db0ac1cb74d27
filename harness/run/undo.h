/* SPDX-License-Identifier: MIT */
/*
 * undo.jsonl: what is broken right now, on disk before it is broken. A netns lab dies with its runner and needs no
 * undoing; the journal says to a person (and to labs that touch lasting things) what a killed run had open.
 */
#pragma once
#include "harness/spec/plan.h"

struct err;
struct undo;
int undo_open(struct undo **out, const char *run_path, struct err *e);
void undo_push(struct undo *u, const struct plan_step *step, struct err *e); /* about to be applied */
void undo_done(struct undo *u, const struct plan_step *step, struct err *e); /* healed */
void undo_close(struct undo *u);
