/* SPDX-License-Identifier: MIT */
/*
 * The door to the spec room: files in, plans and diagnostics out. Called by the commands; touches no kernel object.
 *
 * types are the verbs that scenarios may use, as injectors bring them along. On failure the functions return -1, e says
 * how many errors there are in which file (ERR_READING or ERR_MEANING: exit 3), and diags has them one by one. Warnings
 * come with success. Plans stay valid without diags and without the suite they came from.
 */
#pragma once
#include "harness/spec/action.h"
#include "harness/spec/diag.h"
#include "harness/spec/plan.h"

struct err;
struct suite;

/* What a command line says of how a scenario is to be read. All zeros: as it is written. */
struct spec_options {
    const char *profile;     /* a known one (profile.h); NULL: none, which is the same as `ci` */
    const char *const *sets; /* of --set, KEY=VALUE; above the profile */
    size_t set_count;
    uint64_t seed;           /* 0: the scenario's own, or a random one */
};

int spec_load(const char *path, const struct action_type *const *types, size_t n, const struct spec_options *options,
              struct plan **out, struct diag_list *diags, struct err *e); /* options NULL: all zeros */

/* Whether the file looks like a suite (has a key `suite`). False for what cannot be read: spec_load says why. */
bool spec_is_suite(const char *path);
