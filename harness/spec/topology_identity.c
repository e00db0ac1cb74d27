/* SPDX-License-Identifier: MIT */
/*
 * The tables of two optional maps of the topology. Either makes gateways ask for API keys; with limits one caller's key
 * is limited. Rates of these callers stand here and not in the workload, of whose numbers they are no part.
 */
#include "harness/spec/topology_identity.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

/* What `identity: {}` says, for limits without it. */
#define STALE_AFTER_NS (2 * NS_PER_S)
#define PATROL_MICRO (20 * PPM)

/* clang-format off */
static const char *const stale_words[] = {"fail_static", "fail_closed", NULL};
static const char *const mode_words[] = {"local", "divided", "shared", NULL};

#define IN(type, member) .offset = offsetof(struct type, member)

static const struct field identity_fields[] = {
    {.key = "when_stale", .kind = FIELD_ENUM, IN(topo_identity, when_stale), .words = stale_words,
     .preset = "fail_static",
     .doc = "what a gateway does that cannot know what was revoked: go on with what it knows, or let nobody in"},
    {.key = "stale_after", .kind = FIELD_DURATION, IN(topo_identity, stale_after_ns), .preset = "2s",
     .min = 100 * NS_PER_MS, .max = 600 * NS_PER_S, .doc = "how old that knowledge may be"},
    {.key = "patrol", .kind = FIELD_RATE, IN(topo_identity, patrol_micro), .preset = "20/s", .min = PPM,
     .max = 1000 * PPM,
     .doc = "requests at each gateway with the key that a `revoke` step revokes"},
};
const struct field_set identity_set = {
    "`topology.identity`", "topology.identity", "Gateways ask callers for API keys, which the run makes from its seed.",
    identity_fields, array_len(identity_fields), 0};

static const struct field limits_fields[] = {
    {.key = "mode", .kind = FIELD_ENUM, IN(topo_limits, mode), .words = mode_words, .preset = "shared",
     .doc = "each gateway for itself, each its share, or a counter at the store that leads"},
    {.key = "rate", .kind = FIELD_RATE, IN(topo_limits, rate_micro), .required = true, .example = "40/s", .min = PPM,
     .max = 100000 * PPM, .doc = "what one key may ask for, over all gateways"},
    {.key = "offered", .kind = FIELD_RATE, IN(topo_limits, offered_micro), .required = true, .example = "50/s",
     .min = PPM,
     .max = 10000 * PPM, .doc = "what its owner sends, at each gateway"},
};
const struct field_set limits_set = {
    "`topology.limits`", "topology.limits", "A limit on the requests of one key, and how gateways hold it together.",
    limits_fields, array_len(limits_fields), 0};
/* clang-format on */

void topology_check_limits(struct binder *b, const struct identity_spec *s, const struct yaml_node *node)
{
    if (s->limited && s->limits.rate_micro % PPM != 0) {
        struct diag *d = diag_error(b->diags, DIAG_RANGE, node_place(node_get(node_get(node, "limits"), "rate")),
                                    "`rate` is not a whole number of requests per second");
        diag_help(d, "write one such as 40/s: a gateway counts no finer");
    }
}

void topology_take_identity(struct topology *t, const struct identity_spec *s)
{
    t->identity = s->identity;
    t->limits = s->limits;
    t->limits.given = s->limited;
    t->identity.asked = s->given || s->limited;
    if (!s->given) {
        t->identity.stale_after_ns = STALE_AFTER_NS;
        t->identity.patrol_micro = PATROL_MICRO;
    }
}
