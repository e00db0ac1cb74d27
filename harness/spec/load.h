/* SPDX-License-Identifier: MIT */
/*
 * The door to the spec room: files in, plans and diagnostics out. Called by the commands; touches no kernel object.
 *
 * types are the verbs that scenarios may use, as injectors bring them along. sets are the values of --set, KEY=VALUE.
 * seed 0 means: the scenario's own, or a random one. On failure the functions return -1, e says how many errors there
 * are in which file (ERR_READING or ERR_MEANING: exit 3), and diags has them one by one. Warnings come with success.
 * Plans stay valid without diags and without the suite they came from.
 */
#pragma once
#include "harness/spec/action.h"
#include "harness/spec/diag.h"
#include "harness/spec/plan.h"

struct err;
struct suite;

int spec_load(const char *path, const struct action_type *const *types, size_t n, const char *const *sets, size_t set_n,
              uint64_t seed, struct plan **out, struct diag_list *diags, struct err *e);

/* Whether the file looks like a suite (has a key `suite`). False for what cannot be read: spec_load says why. */
bool spec_is_suite(const char *path);
