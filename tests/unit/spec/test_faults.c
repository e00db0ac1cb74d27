/* SPDX-License-Identifier: MIT */
/*
 * Faults among each other: what is refused and, just beside it, what is not.
 */
#include "harness/base/scoped.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include <stdio.h>
#include <string.h>

static bool rejected(const char *steps, const char *targets, const char *code)
{
    scoped_text struct text yaml = {0};
    text_addf(&yaml, "drtest: 1\nname: t\ntimeline:\n%stargets: %s\n", steps, targets);
    return refuses(text_str(&yaml), code, "");
}

static bool accepted(const char *steps, const char *targets)
{
    scoped_text struct text out = {0};
    struct plan *p = load_steps(steps, targets, &out);
    plan_free(p);
    if (!p) {
        printf("\n  not accepted:\n%s%s", steps, text_str(&out));
    }
    return p != NULL;
}

#define CUT(at, dir, len) \
    "  - {at: " at ", do: partition, between: [us-east, eu-west], direction: " dir ", for: " len "}\n"
#define SLOW(at, what, len) "  - {at: " at ", do: degrade, between: [us-east, eu-west], " what ", for: " len "}\n"
#define RTO "{rto: 2s}"

static void different_directions_compose(void)
{
    CU_ASSERT(accepted(CUT("0s", "forward", "20s") CUT("5s", "backward", "20s"), RTO));
    CU_ASSERT(rejected(CUT("0s", "forward", "20s") CUT("5s", "both", "20s"), RTO, "DR0208"));
    CU_ASSERT(accepted(CUT("0s", "both", "20s") CUT("20s", "both", "20s"), RTO)); /* one after the other */
}

static void different_parameters_merge(void)
{
    CU_ASSERT(accepted(SLOW("0s", "delay: 50ms", "20s") SLOW("5s", "loss: 5%", "20s"), RTO));
    CU_ASSERT(rejected(SLOW("0s", "delay: 50ms, loss: 1%", "20s") SLOW("5s", "loss: 5%", "20s"), RTO, "DR0208"));
    CU_ASSERT(rejected(SLOW("0s", "rate: 1mbit", "20s") SLOW("5s", "rate: 2mbit", "20s"), RTO, "sets `rate`"));
}

#define TLS(at, gateway, what) "  - {at: " at ", do: tls, gateway: " gateway ", " what ", for: 10s}\n"

/* Is the timeline accepted, or (code not empty) refused for that, in a topology with this tls? */
static bool with_tls(const char *tls, const char *steps, const char *code)
{
    scoped_text struct text yaml = {0}, out = {0};
    text_addf(&yaml, "drtest: 1\nname: t\ntopology: {tls: %s}\ntimeline:\n%stargets: {availability: 90%%}\n", tls,
              steps);
    if (code[0]) {
        return refuses(text_str(&yaml), code, "");
    }
    struct plan *p = load_yaml(text_str(&yaml), &out);
    plan_free(p);
    return p != NULL;
}

static void certificates_need_tls(void)
{
    const char *expired = TLS("0s", "us-east/1", "certificate: expired");
    CU_ASSERT(with_tls("true", expired, ""));
    CU_ASSERT(with_tls("false", expired, "DR0116"));
    CU_ASSERT(rejected(expired, "{availability: 90%}", "DR0116"));
    CU_ASSERT(with_tls("true",
                       TLS("0s", "us-east/1", "certificate: expired") TLS("1s", "us-east/2", "handshake: stall"), ""));
    CU_ASSERT(with_tls(
        "true", TLS("0s", "us-east/1", "certificate: expired") TLS("1s", "us-east/1", "handshake: stall"), "DR0208"));
}

static void clients_have_another_port_with_tls(void)
{
#define ONLY(a, what) "  - {at: 0s, do: partition, between: [us-east, " a "], only: " what ", for: 20s}\n"
    CU_ASSERT(with_tls("true", ONLY("clients-us-east", "clients"), ""));
    CU_ASSERT(with_tls("true", ONLY("clients-us-east", "{port: 8443}"), ""));
    CU_ASSERT(with_tls("true", ONLY("eu-west", "{port: 8080}"), ""));
    CU_ASSERT(with_tls("true", ONLY("eu-west", "clients"), "DR0201"));
    CU_ASSERT(with_tls("true", ONLY("clients-us-east", "{port: 8080}"), "DR0201"));
    CU_ASSERT(with_tls("false", ONLY("clients-us-east", "{port: 8443}"), "DR0201"));
#undef ONLY
}

#define ILL(at, target, what, len) "  - {at: " at ", do: misbehave, " target ", " what ", for: " len "}\n"

static void two_of_a_verb_on_a_node(void)
{
    CU_ASSERT(accepted(ILL("0s", "origin: us-east/1", "status: 503", "20s")
                           ILL("5s", "origin: us-east/1", "reset_after: 10kB", "20s"), RTO));
    CU_ASSERT(rejected(ILL("0s", "origin: us-east/1", "status: 503", "20s")
                           ILL("5s", "region: us-east", "status: 429", "20s"),
                       RTO, "sets `status` of the same node"));
    CU_ASSERT(rejected(
        ILL("0s", "origin: us-east/1", "status: 503", "20s") "  - {at: 5s, do: kill, region: us-east, for: 20s}\n", RTO,
        "would put an end to"));
    CU_ASSERT(accepted(
        ILL("0s", "origin: us-east/1", "status: 503", "20s") "  - {at: 5s, do: freeze, region: us-east, for: 20s}\n",
        RTO));
    CU_ASSERT(rejected(ILL("0s", "gateway: us-east/1", "status: 503", "20s"), RTO, "gateway"));
    CU_ASSERT(rejected(ILL("0s", "origin: us-east/1", "reset_after: 10", "20s"), RTO, "write 10kB"));
    CU_ASSERT(rejected(ILL("0s", "origin: us-east/1", "reset_after: 1MB", "20s"), RTO, "write at most 48kB"));
}

#define CLOSED(at, only) \
    "  - {at: " at ", do: partition, between: [us-east, eu-west], only: " only ", for: 30s}\n"

static void one_port_is_degraded_for_itself(void)
{
    CU_ASSERT(accepted(SLOW("0s", "delay: 50ms, only: replication", "20s"), RTO));
    CU_ASSERT(accepted(
        SLOW("0s", "delay: 50ms, only: {port: 7001}", "20s") SLOW("5s", "loss: 5%, only: replication", "20s"), RTO));
    CU_ASSERT(accepted(SLOW("0s", "delay: 50ms", "20s") SLOW("5s", "delay: 50ms, only: replication", "20s"), RTO));
    CU_ASSERT(accepted(
        SLOW("0s", "delay: 50ms, only: clients", "20s") SLOW("5s", "delay: 50ms, only: replication", "20s"), RTO));
    CU_ASSERT(rejected(SLOW("0s", "delay: 50ms, only: replication", "20s")
                           SLOW("5s", "delay: 9ms, only: replication", "20s"),
                       RTO, "sets `delay`"));
    CU_ASSERT(rejected(SLOW("0s", "delay: 50ms, only: control", "20s"), RTO, "DR0201")); /* nobody speaks of it there */
    CU_ASSERT(rejected(CLOSED("0s", "replication") SLOW("5s", "delay: 50ms, only: replication", "20s"), RTO, "DR0209"));
    CU_ASSERT(accepted(CLOSED("0s", "replication") SLOW("5s", "delay: 50ms, only: clients", "20s"), RTO));
    CU_ASSERT(accepted(CLOSED("0s", "replication") SLOW("5s", "delay: 50ms", "20s"), RTO));
}

static void nothing_is_seen_under_a_cut(void)
{
    CU_ASSERT(rejected(CUT("0s", "both", "30s") SLOW("5s", "delay: 50ms", "20s"), RTO, "DR0209"));
    CU_ASSERT(rejected(CUT("0s", "both", "30s") SLOW("5s", "delay: 50ms", "25s"), RTO, "DR0209"));
    CU_ASSERT(accepted(CUT("0s", "both", "30s") SLOW("5s", "delay: 50ms", "26s"), RTO));    /* seen at its end */
    CU_ASSERT(accepted(CUT("0s", "forward", "30s") SLOW("5s", "delay: 50ms", "20s"), RTO)); /* seen one way */
    CU_ASSERT(rejected(CUT("0s", "forward", "30s") CUT("0s", "backward", "30s") SLOW("5s", "delay: 50ms", "20s"), RTO,
                       "DR0209"));
}

static void the_dead_cannot_be_hit(void)
{
    CU_ASSERT(
        rejected("  - {at: 0s, do: kill, gateway: us-east/1}\n  - {at: 5s, do: freeze, region: us-east, for: 20s}\n",
                 RTO, "DR0210"));
    CU_ASSERT(rejected(
        "  - {at: 0s, do: kill, region: eu-west}\n  - {at: 5s, do: drift, gateway: eu-west/1, merge: {a: 1}}\n", RTO,
        "DR0210"));
    CU_ASSERT(accepted(
        "  - {at: 0s, do: kill, gateway: us-east/1}\n  - {at: 5s, do: freeze, gateway: us-east/2, for: 20s}\n", RTO));
    CU_ASSERT(
        accepted("  - {at: 0s, do: freeze, gateway: us-east/1}\n  - {at: 5s, do: kill, gateway: us-east/1}\n", RTO));
    CU_ASSERT(accepted("  - {at: 0s, do: kill, region: us-east}\n  - {at: 20s, do: restore, region: us-east}\n"
                       "  - {at: 40s, do: kill, region: us-east}\n",
                       RTO));
}

#define STARVE(at, what) "  - {at: " at ", do: starve, gateway: us-east/1, " what ", for: 20s}\n"

static void one_resource_once_at_a_time(void)
{
    CU_ASSERT(accepted(STARVE("0s", "ports: 10") STARVE("5s", "memory: 64MB"), RTO));
    CU_ASSERT(rejected(STARVE("0s", "ports: 10") STARVE("5s", "ports: 5"), RTO, "sets `ports` of the same node"));
    CU_ASSERT(rejected(STARVE("0s", "memory: 64"), RTO, "DR0107"));
    CU_ASSERT(rejected(STARVE("0s", "memory: 1GB"), RTO, "256MB"));
#undef STARVE
#define STARVE(region, what) "  - {at: 0s, do: starve, region: " region ", " what ", for: 20s}\n"
    CU_ASSERT(accepted(STARVE("us-east", "ports: 10") STARVE("eu-west", "ports: 10"), RTO)); /* both serve on */
    CU_ASSERT(rejected(STARVE("us-east", "memory: 64MB") STARVE("eu-west", "memory: 64MB"), RTO, "DR0212"));
    CU_ASSERT(accepted(STARVE("us-east", "memory: 64MB") STARVE("eu-west", "ports: 10"), RTO));
}

static void one_verb_once_at_a_time(void)
{
    CU_ASSERT(rejected("  - {at: 0s, do: freeze, region: us-east}\n  - {at: 5s, do: freeze, gateway: us-east/2}\n", RTO,
                       "DR0208"));
    CU_ASSERT(rejected("  - {at: 0s, do: drift, region: us-east, merge: {a: 1}}\n"
                       "  - {at: 5s, do: drift, gateway: us-east/2, merge: {b: 1}}\n",
                       RTO, "DR0208"));
    CU_ASSERT(accepted("  - {at: 0s, do: freeze, gateway: us-east/1}\n"
                       "  - {at: 5s, do: drift, gateway: us-east/1, merge: {a: 1}}\n",
                       RTO));
    CU_ASSERT(accepted("  - {at: 0s, do: kill, gateway: us-east/1}\n  - {at: 0s, do: kill, origin: us-east/1}\n", RTO));
}

static void restores_must_find_something(void)
{
    CU_ASSERT(rejected("  - {at: 0s, do: kill, region: us-east}\n  - {at: 20s, do: restore, region: eu-west}\n", RTO,
                       "DR0206"));
    CU_ASSERT(rejected("  - {at: 0s, do: kill, region: us-east}\n  - {at: 20s, do: restore, gateway: us-east/1}\n", RTO,
                       "DR0206"));
    CU_ASSERT(rejected("  - {at: 20s, do: kill, region: us-east}\n  - {at: 0s, do: restore, region: us-east}\n", RTO,
                       "DR0206"));
    CU_ASSERT(
        rejected("  - {at: 0s, do: kill, region: us-east, for: 20s}\n  - {at: 30s, do: restore, region: us-east}\n",
                 RTO, "DR0206"));
    CU_ASSERT(
        rejected("  - {at: 0s, do: kill, region: us-east, for: 40s}\n  - {at: 30s, do: restore, region: us-east}\n",
                 RTO, "DR0207"));
    CU_ASSERT(
        accepted("  - {at: 0s, do: kill, gateway: us-east/1}\n  - {at: 30s, do: restore, region: us-east}\n", RTO));
    CU_ASSERT(accepted("  - {at: 0s, do: partition, between: [us-east, eu-west]}\n"
                       "  - {at: 30s, do: restore, between: [eu-west, us-east]}\n",
                       RTO));
    CU_ASSERT(rejected("  - {at: 0s, do: kill, region: us-east}\n  - {at: 0s, do: restore, region: us-east}\n", RTO,
                       "DR0211"));
}

static void proofs_need_their_time(void)
{
    CU_ASSERT(rejected(CUT("0s", "both", "1300ms"), "{availability: 90%}", "DR0211"));
    CU_ASSERT(accepted(CUT("0s", "both", "1400ms"), "{availability: 90%}"));
    CU_ASSERT(accepted("  - {at: 0s, do: kill, gateway: us-east/1, for: 100ms}\n", "{availability: 90%}"));
}

static void somebody_must_be_left_to_serve(void)
{
    static const char both[] = "  - {at: 0s, do: kill, region: us-east}\n  - {at: 5s, do: kill, region: eu-west}\n";
    CU_ASSERT(rejected(both, RTO, "DR0212"));
    CU_ASSERT(rejected(both, "{availability: 50%}", "DR0212"));
    CU_ASSERT(accepted(both, "{converged: 30s}"));
    CU_ASSERT(rejected("  - {at: 0s, do: kill, origin: us-east/1}\n  - {at: 5s, do: freeze, region: eu-west}\n", RTO,
                       "DR0212"));
    CU_ASSERT(accepted("  - {at: 0s, do: kill, region: us-east}\n  - {at: 20s, do: restore, region: us-east}\n"
                       "  - {at: 40s, do: kill, region: eu-west}\n",
                       RTO));
}

static void every_conflict_shows_both_places(void)
{
    scoped_text struct text out = {0};
    plan_free(load_steps(CUT("0s", "both", "20s") CUT("5s", "both", "20s"), RTO, &out));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), " --> t.yaml:5:18\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), " ::: t.yaml:4:18\n"));
}

void suite_faults(void)
{
    runner_suite(NULL, NULL);
    runner_test(different_directions_compose);
    runner_test(different_parameters_merge);
    runner_test(certificates_need_tls);
    runner_test(clients_have_another_port_with_tls);
    runner_test(two_of_a_verb_on_a_node);
    runner_test(one_port_is_degraded_for_itself);
    runner_test(nothing_is_seen_under_a_cut);
    runner_test(the_dead_cannot_be_hit);
    runner_test(one_resource_once_at_a_time);
    runner_test(one_verb_once_at_a_time);
    runner_test(restores_must_find_something);
    runner_test(proofs_need_their_time);
    runner_test(somebody_must_be_left_to_serve);
    runner_test(every_conflict_shows_both_places);
}
