/* SPDX-License-Identifier: MIT */
/*
 * The verbs of these tests: rows like those that injectors bring along, with nothing behind them.
 */
#pragma once
#include "harness/spec/action.h"

extern const struct action_type *const test_verbs[];
extern const size_t test_verb_count;
