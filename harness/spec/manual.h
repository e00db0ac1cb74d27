/* SPDX-License-Identifier: MIT */
/*
 * The file formats as a man page: every key of every table, every verb, every target, from the tables that parse them.
 * Called by the maker of manual pages (cli/manual.c); types are the verbs, as for spec_load.
 */
#pragma once
#include "harness/spec/action.h"

struct text;
/* Sections from `.SH SCENARIO` on. */
void spec_manual(struct text *out, const struct action_type *const *types, size_t n);
