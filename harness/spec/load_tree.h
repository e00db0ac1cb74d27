/* SPDX-License-Identifier: MIT */
/*
 * The way from a scenario's tree to its plan, which scenario files, suites and plan.yaml share. Inside the room only.
 */
#pragma once
#include "harness/spec/load.h"
#include "harness/spec/yaml_tree.h"

struct load {
    const char *path;
    const char *text; /* instead of reading path; NULL: read it */
    size_t len;
    const struct action_type *const *types;
    size_t type_count;
    struct spec_options options;
    const struct yaml_node *below, *above; /* suite: maps merged under and over the scenario; may be NULL */
    size_t max_bytes;                      /* of the file; 0: the limit of scenario files */
};
int load_plan(const struct load *l, struct plan **out, struct diag_list *diags, struct err *e);

/* Record in e what diags say of path; returns -1 with errors, 0 without. */
int load_verdict(const struct diag_list *diags, const char *path, struct err *e);
