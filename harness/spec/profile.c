/* SPDX-License-Identifier: MIT */
/*
 * Method: what a profile brings along is a list of assignments in the words of --set, so that there is one way to put a
 * value into a tree. What the scenario adds goes by the same paths, its places being those of its own keys: a time that
 * the slower checks need, a target that they allow.
 *
 * `article` is what a widely read guide to resilient gateways recommends and many run: checks every 30 s, three of
 * them, a name that may be kept for a minute.
 */
#include "harness/spec/profile.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/override.h"
#include <string.h>

const char *const profile_words[] = {"ci", "article", NULL};

static const struct {
    const char *profile, *assignment;
} brought[] = {
    {"article", "topology.failover.probe_every=30s"},
    {"article", "topology.failover.probe_timeout=5s"},
    {"article", "topology.failover.unhealthy_after=3"},
    {"article", "topology.failover.dns_ttl=60s"},
};

static const struct yaml_node *written(const struct yaml_tree *t, const char *name)
{
    const struct yaml_node *n = node_get(node_get(t->root, "profiles"), name);
    return n && n->kind == NODE_MAP ? n : NULL;
}

bool profile_written(const struct yaml_tree *t, const char *name)
{
    return written(t, name) != NULL;
}

void profile_apply(struct yaml_tree *t, const char *name, json_t *record, struct diag_list *diags)
{
    for (size_t i = 0; i < array_len(brought); i++) {
        if (text_eq(brought[i].profile, name)) {
            override_apply(t, brought[i].assignment, diags);
            override_record_assignment(record, brought[i].assignment);
        }
    }
    const struct yaml_node *own = written(t, name);
    for (const struct yaml_node *c = own ? own->first : NULL; c; c = c->next) {
        override_put(t, c->key, c, diags);
        json_object_set_new(record, c->key->text, node_json(c));
    }
}
