/* SPDX-License-Identifier: MIT */
/*
 * The tables of two optional maps of the topology. Either makes gateways ask who calls, by API key or, where `identity`
 * says so, by token; with limits one caller is limited. Rates of these callers stand here and not in the workload, of
 * whose numbers they are no part.
 *
 * A token knows no part of a second, so neither do its lifetime and the leeway. How short a life may be depends on the
 * time-outs of the workload: plan_check.c.
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

static const struct field tokens_fields[] = {
    {.key = "algorithm", .kind = FIELD_ENUM, IN(topo_tokens, algorithm), .words = token_algorithm_words,
     .preset = "HS256", .doc = "how tokens are signed: with a secret that gateways know too, or with a key of which "
                               "they have the public half (P-256); a gateway takes no other than this one"},
    {.key = "lifetime", .kind = FIELD_DURATION, IN(topo_tokens, lifetime_ns), .preset = "60s", .min = NS_PER_S,
     .max = 86400 * NS_PER_S, .doc = "how long a token is good; its owner renews it at half of that"},
    {.key = "leeway", .kind = FIELD_DURATION, IN(topo_tokens, leeway_ns), .preset = "0s", .max = 300 * NS_PER_S,
     .doc = "by how much a token may be too early or too late for a gateway's clock"},
};
static const struct field_set tokens_set = {
    "`topology.identity.tokens`", "topology.identity.tokens",
    "Callers show JSON Web Tokens instead of API keys, signed with a key that is made for the run.", tokens_fields,
    array_len(tokens_fields), 0};

static const struct field identity_fields[] = {
    {.key = "tokens", .kind = FIELD_MAP, IN(topo_identity, tokens), .of = &tokens_set,
     .example = "{algorithm: ES256, lifetime: 20s}", .given = offsetof(struct topo_identity, tokens.there),
     .doc = "callers show tokens that run out, instead of API keys"},
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
    "`topology.identity`", "topology.identity",
    "Gateways ask callers for API keys, which the run makes from its seed, or for tokens.", identity_fields,
    array_len(identity_fields), 0};

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

static void check_whole(struct binder *b, const struct yaml_node *tokens, const char *key, int64_t ns)
{
    const struct yaml_node *at = node_get(tokens, key);
    if (at && ns % NS_PER_S != 0) {
        struct diag *d = diag_error(b->diags, DIAG_RANGE, node_place(at), "`%s` is not a whole number of seconds", key);
        diag_help(d, "write one such as 20s: a token counts no finer");
    }
}

void topology_check_callers(struct binder *b, const struct identity_spec *s, const struct yaml_node *node)
{
    if (s->limited && s->limits.rate_micro % PPM != 0) {
        struct diag *d = diag_error(b->diags, DIAG_RANGE, node_place(node_get(node_get(node, "limits"), "rate")),
                                    "`rate` is not a whole number of requests per second");
        diag_help(d, "write one such as 40/s: a gateway counts no finer");
    }
    const struct yaml_node *tokens = node_get(node_get(node, "identity"), "tokens");
    check_whole(b, tokens, "lifetime", s->identity.tokens.lifetime_ns);
    check_whole(b, tokens, "leeway", s->identity.tokens.leeway_ns);
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
