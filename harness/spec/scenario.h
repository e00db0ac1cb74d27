/* SPDX-License-Identifier: MIT */
/*
 * A scenario as written: every key bound, names looked up, nothing derived yet. Lives inside the spec room between the
 * tree and the plan; its strings belong to the arena of the binder, its nodes to the tree.
 */
#pragma once
#include "harness/spec/action.h"
#include "harness/spec/field.h"
#include "harness/spec/plan.h"

enum { CONNECTIONS_BOTH, CONNECTIONS_FRESH, CONNECTIONS_KEEPALIVE };

struct stream_spec {
    int64_t rate_micro, timeout_ns;
    const char *path;
    int connections;
};

enum { STEPS_MAX = 200 }; /* as written */

struct scenario_step {
    const struct yaml_node *node;
    uint16_t id;
    int64_t at_ns, for_ns;
    bool has_for;
    const char *verb, *note, *gateway, *origin, *dns, *control;
    struct field_texts between;
    const struct action_type *written; /* of the verb as written */
    struct flap flap;                  /* of a flap, whose action is that of the fault it names; period 0: none */
    const char *isolate;
    const struct yaml_node *split, *only;
    struct action action;
};

struct scenario {
    int64_t format;
    const char *name, *title, *description, *owner;
    struct field_texts tags;
    const struct yaml_node *root, *topology_node, *timeline, *targets_node;
    const struct yaml_node *profiles[2]; /* heard before binding (profile.h) */
    bool has_profiles;
    struct topology *topology;
    struct {
        int64_t seed;
        bool has_seed, has_reads, has_writes;
        struct stream_spec reads, writes;
    } workload;
    struct {
        int64_t hold_ns, within_ns;
        struct {
            int64_t availability_ppm, p50_ns, p95_ns, p99_ns;
            bool no_drift;
        } expect;
    } steady;
    struct {
        int64_t hold_ns, within_ns, converge_within_ns;
    } recovery;
    struct {
        int64_t availability_ppm, for_ns;
    } abort_when;
    bool has_abort;
    struct {
        int64_t value[TARGET_KEYS];
        bool given[TARGET_KEYS];
    } targets;
    struct scenario_step *steps; /* in file order */
    size_t step_count;
};

extern const struct field_set scenario_set, target_set, only_set;

void scenario_deinit(struct scenario *s); /* the JSON of its actions */

/* Defaults that depend on other values; in the tree, before binding. */
void scenario_expand(struct yaml_tree *t, struct diag_list *diags);  /* before overrides */
void scenario_resolve(struct yaml_tree *t);                          /* after them */
/* Bind everything; the caller looks at b->diags->errors. */
void scenario_bind(struct binder *b, const struct yaml_node *root, const struct action_type *const *types, size_t n,
                   struct scenario *s);
/* The whole scenario as YAML, presets written out. */
void scenario_write(struct text *out, const struct scenario *s);

/* The timeline (step.c). step_parts fills the tables that a step of this verb has; to may be NULL for looking only. */
void step_bind_all(struct binder *b, const struct action_type *const *types, size_t n, struct scenario *s);
struct step_table {
    struct field shared[12];
    struct field_part parts[2];
    struct field_set set;
    char name[64], topic[64];
};
void step_table(struct step_table *t, const struct action_type *type, struct scenario_step *to);
const struct field *step_shared_key(size_t i); /* a key that steps of several verbs have; NULL after the last */
/* Of a fault that another step names, without what says when; and which verbs can be named so. */
void step_table_within(struct step_table *t, const struct action_type *type, struct scenario_step *to);
bool step_flaps(const struct action_type *type);
void step_resolve_link(struct binder *b, struct scenario_step *s); /* the links that it hits (step_link.c) */
const struct action_type *step_verb(const struct action_type *const *types, size_t n, const char *verb);
