/* SPDX-License-Identifier: MIT */
/*
 * Profiles (--profile NAME): the same scenario with other times. Called while a scenario is read, by load.c.
 *
 * A profile is values put into the tree before it is bound, as overrides are: first those that come with it, then those
 * that the scenario lists under `profiles.NAME`, by the same paths as --set. `ci` is the scenario as written. What a
 * scenario says of its profiles is checked whether or not one is asked for.
 */
#pragma once
#include "harness/spec/yaml_tree.h"
#include <jansson.h>

extern const char *const profile_words[]; /* NULL at the end; the first is the scenario as written */

/* Put it into the tree and its assignments into the record. */
void profile_apply(struct yaml_tree *t, const char *name, json_t *record, struct diag_list *diags);

/* Does the scenario have values of its own for it? */
bool profile_written(const struct yaml_tree *t, const char *name);
