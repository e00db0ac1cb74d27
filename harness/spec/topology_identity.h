/* SPDX-License-Identifier: MIT */
/*
 * `topology.identity` and `topology.limits` as written in a scenario. Used by topology_spec.c and topology.c only.
 */
#pragma once
#include "harness/spec/field.h"

struct identity_spec {
    bool given, limited;
    struct topo_identity identity;
    struct topo_limits limits;
};

extern const struct field_set identity_set, limits_set;

/* What the fields alone cannot say; `node` is the map behind `topology`. */
void topology_check_callers(struct binder *b, const struct identity_spec *s, const struct yaml_node *node);
/* Limits are about callers: who has them asks who calls, too. */
void topology_take_identity(struct topology *t, const struct identity_spec *s);
