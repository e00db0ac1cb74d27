/* SPDX-License-Identifier: MIT */
/*
 * The tables of `topology.balancing` and `topology.origin_capacity`: how the reference gateways share out requests and
 * what they do when there are too many, and how much an origin can do.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/topology_spec.h"

/* clang-format off */
static const char *const policy_words[] = {"round_robin", "weighted", "least_conn", "ip_hash", "first", NULL};
static const char *const hash_words[] = {"rendezvous", "modulo", NULL};
static const char *const panic_words[] = {"", "route_all", "fail_fast", NULL};
static const char *const user_words[] = {"address", "key", NULL};
static const char *const check_words[] = {"shallow", "deep", NULL};
static const char *const trigger_words[] = {"refuse", "timeout", "reset", "5xx", NULL};

#define IN(type, member) .offset = offsetof(struct type, member)

static const struct field breaker_fields[] = {
    {.key = "failures", .kind = FIELD_COUNT, IN(topo_breaker, failures), .preset = "5", .min = 1, .max = 10000,
     .doc = "in a row that open it"},
    {.key = "open", .kind = FIELD_DURATION, IN(topo_breaker, open_ns), .preset = "1s", .min = NS_PER_MS,
     .max = 600 * NS_PER_S, .doc = "how long nothing is sent there"},
    {.key = "probes", .kind = FIELD_COUNT, IN(topo_breaker, probes), .preset = "2", .min = 1, .max = 100,
     .doc = "trial requests at a time after that; if all go well it closes"},
    {.key = "triggers", .kind = FIELD_TEXTS, IN(topo_breaker, triggers), .words = trigger_words, .min = 1, .max = 4,
     .example = "[refuse, timeout]", .doc = "what counts as a failure; everything if absent"},
};
static const struct field_set breaker_set = {
    "`topology.balancing.breaker`", "topology.balancing.breaker",
    "The circuit breaker of each origin, in each gateway.", breaker_fields, array_len(breaker_fields), 0};

static const struct field balancing_fields[] = {
    {.key = "policy", .kind = FIELD_ENUM, IN(topo_balancing, policy), .words = policy_words,
     .preset = "round_robin", .doc = "which origin of a region gets a request; first: the first that is well"},
    {.key = "hash", .kind = FIELD_ENUM, IN(topo_balancing, hash), .words = hash_words, .preset = "rendezvous",
     .doc = "ip_hash: who moves when an origin goes: its own users (rendezvous), nearly all (modulo)"},
    {.key = "user", .kind = FIELD_BOOL, IN(topo_balancing, user_is_key), .words = user_words, .preset = "address",
     .doc = "ip_hash: what a user is, the address of the client or the key that is asked for"},
    {.key = "weights", .kind = FIELD_TEXTS, IN(topo_balancing, weights), .min = 1, .max = TOPO_MAX_ORIGINS,
     .example = "[3, 3, 3, 1]",
     .doc = "weighted: of the origins of each region in their order, 1 to 1000; 1 for those not listed"},
    {.key = "spill_over", .kind = FIELD_BOOL, IN(topo_balancing, spill_over), .preset = "false",
     .doc = "what too few healthy origins of a region cannot carry goes to the next region"},
    {.key = "checks", .kind = FIELD_BOOL, IN(topo_balancing, deep_checks), .words = check_words, .preset = "shallow",
     .doc = "health checks ask whether the origin serves, or whether all that it needs does, too (deep)"},
    {.key = "eject_after", .kind = FIELD_COUNT, IN(topo_balancing, eject_after), .preset = "5", .min = 1, .max = 10000,
     .doc = "failed requests in a row that eject an origin for a while"},
    {.key = "panic", .kind = FIELD_ENUM, IN(topo_balancing, panic), .words = panic_words, .example = "fail_fast",
     .doc = "with less than half of the origins well: ask all of them, or refuse at once; absent: neither"},
    {.key = "breaker", .kind = FIELD_MAP, IN(topo_balancing, breaker), .of = &breaker_set,
     .given = offsetof(struct topo_balancing, has_breaker), .example = "{failures: 5}",
     .doc = "a circuit breaker per origin; none if absent"},
    {.key = "retries", .kind = FIELD_COUNT, IN(topo_balancing, retries), .preset = "2", .max = 100,
     .doc = "of a request that may have reached an origin, as far as the budget goes"},
    {.key = "in_flight", .kind = FIELD_COUNT, IN(topo_balancing, in_flight), .max = 1000000, .example = "60",
     .doc = "requests that a gateway works on at a time, others are refused; no bound if absent or 0"},
};
const struct field_set balancing_set = {
    "`topology.balancing`", "topology.balancing", "How the reference gateways share out requests.", balancing_fields,
    array_len(balancing_fields), 0};

static const struct field capacity_fields[] = {
    {.key = "rate", .kind = FIELD_RATE, IN(topo_capacity, rate_micro), .required = true, .example = "300/s",
     .min = PPM / 10, .max = 1000000 * PPM, .doc = "requests per second that an origin can do"},
    {.key = "slots", .kind = FIELD_COUNT, IN(topo_capacity, slots), .preset = "4", .min = 1, .max = 10000,
     .doc = "at a time; each takes slots / rate"},
    {.key = "queue", .kind = FIELD_COUNT, IN(topo_capacity, queue), .preset = "1000", .max = 1000000,
     .doc = "requests that may wait for a slot; more are refused"},
};
const struct field_set capacity_set = {
    "`topology.origin_capacity`", "topology.origin_capacity", "What each origin can do; without it, as much as comes.",
    capacity_fields, array_len(capacity_fields), 0};
/* clang-format on */

void topology_weigh(struct binder *b, const struct yaml_node *node, struct topo_balancing *t)
{
    const struct yaml_node *list = node_get(node_get(node, "balancing"), "weights");
    for (size_t i = 0; i < t->weights.len && i < TOPO_MAX_ORIGINS; i++) {
        struct err e = {0};
        int64_t weight = unit_parse_count(t->weights.at[i], &t->weight[i], &e) < 0 ? 0 : t->weight[i];
        if (weight < 1 || weight > 1000) {
            struct diag *d =
                diag_error(b->diags, DIAG_RANGE, field_text_place(list, i), "`%s` is no weight", t->weights.at[i]);
            diag_help(d, "write a whole number from 1 to 1000");
        }
    }
}
