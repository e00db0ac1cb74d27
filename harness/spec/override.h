/* SPDX-License-Identifier: MIT */
/*
 * Overrides (--set KEY=VALUE): values put into the tree before it is bound, so that they are checked like any other.
 * KEY is a path of keys and, in lists, of indices from 0, joined by dots; VALUE is a scalar, or a list or map in YAML's
 * flow form when it begins with a bracket. Where a list of words belongs, a comma separates them.
 */
#pragma once
#include "harness/spec/yaml_tree.h"

void override_apply(struct yaml_tree *t, const char *assignment, struct diag_list *diags);
/* The same for a path that a file has as a key. */
void override_put(struct yaml_tree *t, const struct yaml_node *path, const struct yaml_node *value,
                  struct diag_list *diags);

/* Merge the maps of `over` into `onto`, key by key: what is on both sides stays (or, with replace, is replaced). Nodes
 * that are taken over are marked fallback if they do not replace. */
void override_merge(struct arena *a, struct yaml_node *onto, const struct yaml_node *over, bool replace);

/* Every scalar or list below a map by its dotted path, for the record: {"targets.repaired": "20s"}. */
void override_record(json_t *record, const char *prefix, const struct yaml_node *n);
/* The same for an assignment. */
void override_record_assignment(json_t *record, const char *assignment);
