/* SPDX-License-Identifier: MIT */
/*
 * What is derived from a scenario: streams, ends of faults, holds and lengths, with the numbers of the measuring rules'
 * worked examples.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/hold.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include <stdio.h>
#include <string.h>

#define S NS_PER_S
#define MS NS_PER_MS

/* One stream of 50/s, rho 99 %, two upstreams, readmission after 4 checks of 250 ms, heal at 20 s, rto 2 s. */
static const struct hold_terms worked_example = {
    .asked_ns = 5 * S,
    .upstreams = 2,
    .rate_min_micro = 50 * PPM,
    .rate_total_micro = 50 * PPM,
    .readmit_ns = 4 * 250 * MS,
    .epsilon_ppm = 10000,
    .duration_ns = 20 * S,
    .rto_ns = 2 * S,
};

static void holds_of_the_worked_example(void)
{
    CU_ASSERT_EQUAL(hold_window_ns(50 * PPM), 1 * S);
    CU_ASSERT_EQUAL(hold_rule_of_three_ns(10000, 50 * PPM), 6 * S);
    CU_ASSERT_EQUAL(hold_recovery_ns(&worked_example), 6 * S);
}

static void each_term_of_the_hold_can_decide(void)
{
    struct hold_terms t = worked_example;
    t.asked_ns = 7 * S;
    CU_ASSERT_EQUAL(hold_recovery_ns(&t), 7 * S);
    t = worked_example;
    t.upstreams = 100;
    CU_ASSERT_EQUAL(hold_recovery_ns(&t), 10 * S);
    t = worked_example;
    t.readmit_ns = 9 * S;
    CU_ASSERT_EQUAL(hold_recovery_ns(&t), 9 * S);
    t = worked_example;
    t.rate_min_micro = 1 * PPM; /* w = 5 s */
    CU_ASSERT_EQUAL(hold_recovery_ns(&t), 10 * S);
    t = worked_example;
    t.duration_ns = 7500 * MS; /* the cap: 5.5 s */
    CU_ASSERT_EQUAL(hold_recovery_ns(&t), 5500 * MS);
    t.duration_ns = 1 * S; /* shorter than the target: cap 0 */
    CU_ASSERT_EQUAL(hold_recovery_ns(&t), 5 * S);
    t.duration_ns = INT64_MAX; /* no heal: 30 s */
    t.epsilon_ppm = 0;
    CU_ASSERT_EQUAL(hold_recovery_ns(&t), 30 * S);
    t.duration_ns = 3600 * S;
    CU_ASSERT_EQUAL(hold_recovery_ns(&t), 30 * S);
}

static void baseline_holds(void)
{
    CU_ASSERT_EQUAL(hold_baseline_ns(5 * S, 1000, 220 * PPM), 13636363636);
    CU_ASSERT_EQUAL(hold_baseline_ns(20 * S, 1000, 220 * PPM), 20 * S);
    CU_ASSERT_EQUAL(hold_baseline_ns(0, 0, 220 * PPM), 30 * S);
    CU_ASSERT_EQUAL(hold_baseline_ns(5 * S, 1000, 1 * PPM), 30 * S);
    CU_ASSERT_EQUAL(hold_window_ns(2 * PPM), 2500 * MS);
}

static const char region_outage[] =
    "drtest: 1\nname: region-outage\ntopology:\n  regions: {us-east: {gateways: 2}, eu-west: {gateways: 2}}\n"
    "  failover: {probe_every: 250ms, healthy_after: 4}\nworkload: {seed: 20260101, reads: {rate: 200/s}, "
    "writes: {rate: 20/s}}\nsteady_state: {hold: 5s}\ntimeline:\n  - {at: 0s, do: kill, region: us-east}\n"
    "  - {at: 20s, do: restore, region: us-east}\ntargets: {rto: 5s, rpo: 1s, lost_writes: 20, failback: 15s}\n";

static void region_outage_in_numbers(void)
{
    struct plan *p = load_yaml(region_outage, NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->seed, 20260101);
    CU_ASSERT_EQUAL(p->good_ratio_ppm, 999000);
    CU_ASSERT_EQUAL(p->baseline_hold_ns, 13636363636);
    CU_ASSERT_EQUAL(p->baseline_within_ns, 30 * S);
    CU_ASSERT_EQUAL(p->window_ns, 1 * S);
    CU_ASSERT_EQUAL(p->steps[0].hold_ns, 13636363636); /* below the cap of 15 s */
    CU_ASSERT_EQUAL(p->timeline_end_ns, 20 * S);
    CU_ASSERT_EQUAL(p->drill_ns, 35 * S + 13636363636);
    CU_ASSERT_EQUAL(p->observe_ns, 80 * S);
    CU_ASSERT_EQUAL(p->phase_max_ns, 1 * S);
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_total(p), 220, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_writes(p), 20, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_min(p), 10, 1e-9);
    plan_free(p);
}

static void streams_share_the_rates(void)
{
    struct plan *p = load_yaml(region_outage, NULL);
    REQUIRE(p != NULL);
    static const enum stream_kind kinds[] = {STREAM_READ_FRESH, STREAM_READ_KEEPALIVE, STREAM_WRITE};
    REQUIRE(p->stream_count == 6);
    for (size_t i = 0; i < 6; i++) {
        const struct plan_stream *s = &p->streams[i];
        CU_ASSERT_EQUAL(s->kind, kinds[i % 3]);
        CU_ASSERT_EQUAL(s->rate_micro, i % 3 == 2 ? 10 * PPM : 50 * PPM);
        CU_ASSERT_EQUAL(s->vantage, i < 3 ? 2 : 3);
        CU_ASSERT_EQUAL(s->client, i == 5 ? 1 : 0);
        CU_ASSERT_EQUAL(s->timeout_ns, 1 * S);
        CU_ASSERT_STRING_EQUAL(s->path, "/v1/orders");
    }
    plan_free(p);
    p = load_yaml("drtest: 1\nname: t\nworkload: {reads: {rate: 90/s, connections: fresh, timeout: 2s, path: /x}}\n"
                  "timeline: [{at: 0s, do: nothing}]\ntargets: {rto: 1s}\n",
                  NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->stream_count, 2);
    CU_ASSERT_EQUAL(p->streams[1].rate_micro, 45 * PPM);
    CU_ASSERT_STRING_EQUAL(p->streams[1].path, "/x");
    plan_free(p);
}

static const char with_limits[] =
    "drtest: 1\nname: t\nworkload: {seed: %d, reads: {rate: 90/s}}\n"
    "topology: {identity: {patrol: 5/s}, limits: {rate: 40/s, offered: 50/s}}\n"
    "timeline: [{at: 0s, do: revoke}]\ntargets: {revoked: 3s, overshoot: 10%%}\n";

static struct plan *load_seeded(int seed)
{
    char yaml[400];
    snprintf(yaml, sizeof(yaml), with_limits, seed);
    return load_yaml(yaml, NULL);
}

static void patrols_go_to_every_gateway_from_beside_it(void)
{
    struct plan *p = load_seeded(7);
    REQUIRE(p != NULL && p->patrol_count == 8);
    for (size_t i = 0; i < 8; i++) {
        const struct plan_patrol *r = &p->patrols[i];
        const struct topo_node *gateway = &p->topology->nodes[r->gateway];
        CU_ASSERT_EQUAL(r->gateway, p->topology->endpoints[i / 2]);
        CU_ASSERT_EQUAL(r->who, i % 2 ? CALLER_BULK : CALLER_LEAKED);
        CU_ASSERT_EQUAL(p->topology->sites[r->stream.vantage].home, gateway->site);
        CU_ASSERT_EQUAL(r->stream.rate_micro, (i % 2 ? 50 : 5) * PPM);
    }
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_patrols(p), 220, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_total(p), 90, 1e-9); /* they are no part of the workload */
    CU_ASSERT_DOUBLE_EQUAL(plan_under_way(p, 2), 45 + 110, 1e-9);
    plan_free(p);
    p = load_yaml(region_outage, NULL);
    REQUIRE(p != NULL);
    CU_ASSERT(p->patrol_count == 0 && topo_key(p->topology, CALLER_CUSTOMER) == NULL);
    plan_free(p);
}

static void limits_alone_ask_for_keys_too(void)
{
    struct plan *with = load_yaml("drtest: 1\nname: t\ntopology: {identity: {}, limits: {rate: 4/s, offered: 5/s}}\n"
                                  "timeline: [{at: 0s, do: revoke}]\ntargets: {revoked: 3s}\n",
                                  NULL);
    struct plan *without = load_yaml("drtest: 1\nname: t\ntopology: {limits: {rate: 4/s, offered: 5/s}}\n"
                                     "timeline: [{at: 0s, do: revoke}]\ntargets: {revoked: 3s}\n",
                                     NULL);
    REQUIRE(with != NULL && without != NULL);
    const struct topo_identity *a = &with->topology->identity, *b = &without->topology->identity;
    CU_ASSERT(a->asked && b->asked && a->when_stale == b->when_stale);
    CU_ASSERT_EQUAL(a->stale_after_ns, b->stale_after_ns);
    CU_ASSERT_EQUAL(a->patrol_micro, b->patrol_micro);
    plan_free(with);
    plan_free(without);
}

#define TOKENS(lifetime, timeout)                                                                                     \
    "drtest: 1\nname: t\nworkload: {reads: {rate: 90/s, timeout: " timeout "}}\n"                                      \
    "topology: {identity: {tokens: {lifetime: " lifetime "}}}\ntimeline: [{at: 0s, do: nothing}]\ntargets: {rto: 1s}\n"

static void tokens_outlive_a_request(void)
{
    struct plan *p = load_yaml(TOKENS("4s", "1s"), NULL);
    REQUIRE(p != NULL);
    const struct topo_tokens *t = &p->topology->identity.tokens;
    CU_ASSERT(p->topology->identity.asked && t->there && t->algorithm == TOKEN_HS256);
    CU_ASSERT(t->lifetime_ns == 4 * S && t->leeway_ns == 0);
    plan_free(p);
    CU_ASSERT(refuses(TOKENS("3s", "1s"), "DR0114", "tokens of this `lifetime` can run out on their way"));
    CU_ASSERT(refuses(TOKENS("3s", "1s"), "DR0114", "at least 4s with this workload"));
    /* patrols wait for a second */
    CU_ASSERT(refuses(TOKENS("3s", "10ms"), "DR0114", "at least 4s with this workload"));
    CU_ASSERT(refuses(TOKENS("7s", "2100ms"), "DR0114", "at least 8s with this workload"));
    p = load_yaml(TOKENS("8s", "2100ms"), NULL);
    CU_ASSERT_PTR_NOT_NULL(p);
    plan_free(p);
}

static void keys_follow_from_the_seed(void)
{
    struct plan *a = load_seeded(7), *b = load_seeded(7), *c = load_seeded(8);
    REQUIRE(a != NULL && b != NULL && c != NULL);
    for (int who = 0; who < CALLERS; who++) {
        const struct topo_caller *of = &a->topology->callers[who];
        CU_ASSERT_STRING_EQUAL(of->key, b->topology->callers[who].key);
        CU_ASSERT_STRING_NOT_EQUAL(of->secret, c->topology->callers[who].secret);
        CU_ASSERT_STRING_NOT_EQUAL(of->secret, a->topology->callers[(who + 1) % CALLERS].secret);
        CU_ASSERT_EQUAL(strlen(of->secret), 32);
    }
    plan_free(a);
    plan_free(b);
    plan_free(c);
}

static void due_times_do_not_drift(void)
{
    const struct plan_stream thirds = {.rate_micro = 33333333}, fast = {.rate_micro = 100000 * PPM};
    CU_ASSERT_EQUAL(plan_due_ns(&thirds, 100, 0), 100);
    CU_ASSERT_EQUAL(plan_due_ns(&thirds, 0, 1), 30000000);
    CU_ASSERT_EQUAL(plan_due_ns(&thirds, 0, 33333333), 1000000 * S);
    CU_ASSERT_EQUAL(plan_due_ns(&fast, 7, UINT64_C(8640000000)), 86400 * S + 7);
    CU_ASSERT_EQUAL(plan_interval_ns(&thirds), 30000000);
    for (uint64_t k = 1; k < 1000; k++) {
        int64_t gap = plan_due_ns(&thirds, 0, k) - plan_due_ns(&thirds, 0, k - 1);
        CU_ASSERT(gap == 30000000 || gap == 30000001);
    }
}

static void faults_end_where_the_timeline_says(void)
{
    struct plan *p = load_steps("  - {at: 30s, do: restore, region: us-east}\n"
                                "  - {at: 0s, do: kill, gateway: us-east/1}\n"
                                "  - {at: 10s, do: partition, between: [us-east, eu-west], for: 40s}\n"
                                "  - {at: 35s, do: freeze, region: us-east}\n",
                                "{rto: 2s}", NULL);
    REQUIRE(p != NULL);
    REQUIRE(p->step_count == 4);
    CU_ASSERT_EQUAL(p->steps[0].id, 2);
    CU_ASSERT_EQUAL(p->steps[0].until_ns, 30 * S);
    CU_ASSERT_EQUAL(p->steps[0].ended_by, 1);
    CU_ASSERT_EQUAL(p->steps[1].until_ns, 50 * S);
    CU_ASSERT_EQUAL(p->steps[1].ended_by, 0);
    CU_ASSERT_TRUE(p->steps[1].has_for);
    CU_ASSERT_TRUE(p->steps[1].action.shape.cut);
    CU_ASSERT_EQUAL(p->steps[2].id, 1);
    CU_ASSERT_EQUAL(p->steps[2].hold_ns, 0);
    CU_ASSERT_EQUAL(p->steps[3].until_ns, INT64_MAX);
    CU_ASSERT_EQUAL(p->steps[3].hold_ns, 13636363636); /* no heal: cap 30 s */
    CU_ASSERT_EQUAL(p->timeline_end_ns, 50 * S);
    CU_ASSERT_STRING_EQUAL(p->steps[0].text, "kill us-east/1");
    CU_ASSERT_STRING_EQUAL(p->steps[1].text, "partition us-east and eu-west");
    CU_ASSERT_EQUAL(p->steps[1].line, 6);
    CU_ASSERT_EQUAL(p->steps[1].column, 5);
    plan_free(p);
}

static void directions_follow_the_link(void)
{
    struct plan *p =
        load_steps("  - {at: 0s, do: partition, between: [eu-west, us-east], direction: forward, for: 20s}\n"
                   "  - {at: 30s, do: degrade, between: [us-east, eu-west], direction: forward, delay: 50ms, "
                   "jitter: 5ms, reorder: 2%, rate: 10mbit, for: 20s}\n",
                   "{rto: 2s}", NULL);
    REQUIRE(p != NULL);
    const struct topo_link *l = &p->topology->links[p->steps[0].action.link];
    CU_ASSERT_STRING_EQUAL(p->topology->sites[l->a].name, "us-east");
    CU_ASSERT_EQUAL(p->steps[0].action.direction, DIRECTION_BACKWARD);
    CU_ASSERT_STRING_EQUAL(p->steps[0].text, "partition eu-west to us-east");
    const struct action *a = &p->steps[1].action;
    CU_ASSERT_EQUAL(a->direction, DIRECTION_FORWARD);
    CU_ASSERT(!a->shape.cut && a->shape.delay_ns == 50 * MS && a->shape.jitter_ns == 5 * MS);
    CU_ASSERT(a->shape.reorder_ppm == 20000 && a->shape.rate_bps == 10000000 && a->shape.loss_ppm == 0);
    plan_free(p);
}

/* How many paths of the plan's topology a step hits. */
static size_t paths_hit(const struct plan *p, size_t step)
{
    size_t n = 0;
    for (uint16_t path = 0; path < 2 * p->topology->link_count; path++) {
        n += action_hits_path(p->topology, &p->steps[step].action, path);
    }
    return n;
}

static void links_in_three_forms(void)
{
    struct plan *p = load_steps("  - {at: 0s, do: partition, between: [us-east, eu-west], for: 20s}\n"
                                "  - {at: 30s, do: partition, isolate: us-east, for: 20s}\n"
                                "  - {at: 60s, do: degrade, isolate: clients-us-east, direction: backward, "
                                "delay: 50ms, for: 20s}\n"
                                "  - {at: 90s, do: partition, split: [[us-east, clients-us-east], [eu-west], "
                                "[witness]], direction: forward, for: 20s}\n",
                                "{rto: 2s}", NULL);
    static const char *const texts[] = {"partition us-east and eu-west", "partition us-east from all others",
                                        "degrade clients-us-east, inwards",
                                        "partition us-east, clients-us-east | eu-west | witness, rightwards"};
    static const size_t paths[] = {2, 8, 2, 4}; /* eu-west, two vantages and the witness; two regions; ... */
    REQUIRE(p != NULL);
    const struct topology *t = p->topology;
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_STRING_EQUAL(p->steps[i].text, texts[i]);
        CU_ASSERT_EQUAL(paths_hit(p, i), paths[i]);
    }
    CU_ASSERT_EQUAL(action_isolates(t, &p->steps[1].action), topo_site_find(t, "us-east"));
    CU_ASSERT_EQUAL(action_isolates(t, &p->steps[3].action), TOPO_NONE);
    for (uint16_t path = 0; path < 2 * t->link_count; path++) {
        bool inwards = path_to(t, path) == topo_site_find(t, "clients-us-east");
        CU_ASSERT_EQUAL(action_hits_path(t, &p->steps[2].action, path), inwards);
    }
    plan_free(p);
}

static void packets_that_are_singled_out(void)
{
    struct plan *p = load_steps("  - {at: 0s, do: partition, isolate: us-east, only: replication, for: 20s}\n"
                                "  - {at: 30s, do: reject, between: [eu-west, us-east], with: unreachable, "
                                "direction: forward, only: {proto: tcp, port: 8080}, for: 20s}\n"
                                "  - {at: 60s, do: reject, between: [us-east, eu-west], with: refused, for: 20s}\n",
                                "{rto: 2s}", NULL);
    REQUIRE(p != NULL);
    const struct path_state *shapes[] = {&p->steps[0].action.shape, &p->steps[1].action.shape,
                                         &p->steps[2].action.shape};
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT(!shapes[i]->cut && shapes[i]->gate_count == 1);
    }
    CU_ASSERT(shapes[0]->gates[0].port == TOPO_PORT_REPLICATION && shapes[0]->gates[0].way == GATE_DROP);
    CU_ASSERT(shapes[1]->gates[0].port == TOPO_PORT_HTTP && shapes[1]->gates[0].way == GATE_UNREACHABLE);
    CU_ASSERT(shapes[2]->gates[0].port == 0 && shapes[2]->gates[0].way == GATE_REFUSE);
    CU_ASSERT_STRING_EQUAL(p->steps[0].text, "partition us-east from all others, only replication");
    CU_ASSERT_STRING_EQUAL(p->steps[1].text, "reject eu-west to us-east, only clients");
    CU_ASSERT_STRING_EQUAL(p->steps[2].text, "reject us-east and eu-west");
    plan_free(p);
}

static void a_restore_ends_what_it_covers(void)
{
    struct plan *p = load_steps("  - {at: 0s, do: partition, between: [us-east, eu-west]}\n"
                                "  - {at: 1s, do: degrade, isolate: us-east, delay: 50ms}\n"
                                "  - {at: 30s, do: restore, split: [[us-east], [eu-west, clients-us-east]]}\n"
                                "  - {at: 60s, do: restore, isolate: us-east}\n",
                                "{rto: 2s}", NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->steps[0].ended_by, 3);
    CU_ASSERT_EQUAL(p->steps[1].ended_by, 4); /* it hits more links than the first restores */
    plan_free(p);
}

static void targets_and_what_they_imply(void)
{
    struct plan *p = load_yaml(region_outage, NULL);
    REQUIRE(p != NULL);
    const struct plan_target *after = plan_target_find(p, TARGET_LOST_AFTER);
    REQUIRE(after != NULL);
    CU_ASSERT(after->implied && after->value == 0 && after->line == 11);
    CU_ASSERT_EQUAL(plan_target_find(p, TARGET_RTO)->value, 5 * S);
    CU_ASSERT_EQUAL(plan_target_find(p, TARGET_LOST_WRITES)->value, 20);
    CU_ASSERT_PTR_NULL(plan_target_find(p, TARGET_P99));
    plan_free(p);
    p = load_steps("  - {at: 0s, do: kill, region: us-east}\n", "{rpo: 1s, lost_after: 3, availability: 99.95%}", NULL);
    REQUIRE(p != NULL);
    CU_ASSERT(!plan_target_find(p, TARGET_LOST_AFTER)->implied && plan_target_find(p, TARGET_LOST_AFTER)->value == 3);
    CU_ASSERT_EQUAL(plan_target_find(p, TARGET_AVAILABILITY)->value, 999500);
    plan_free(p);
    p = load_steps("  - {at: 0s, do: kill, region: us-east}\n", "{rto: 5s}", NULL);
    CU_ASSERT_PTR_NULL(plan_target_find(p, TARGET_LOST_AFTER));
    plan_free(p);
}

static void the_smallest_scenario_has_all_defaults(void)
{
    struct plan *p =
        load_yaml("{drtest: 1, name: lose-primary, timeline: [{at: 0s, do: kill, region: us-east}], targets: "
                  "{rto: 5s, rpo: 1s}}",
                  NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_STRING_EQUAL(p->title, "lose-primary");
    CU_ASSERT_STRING_EQUAL(p->topology->name, "two-regions");
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_total(p), 220, 1e-9);
    CU_ASSERT_EQUAL(p->baseline_hold_ns, 13636363636);
    CU_ASSERT_EQUAL(p->recovery_within_ns, 60 * S);
    CU_ASSERT_EQUAL(p->converge_within_ns, 60 * S);
    CU_ASSERT_EQUAL(p->observe_ns, 60 * S);
    CU_ASSERT_EQUAL(p->abort_for_ns, 0);
    CU_ASSERT_FALSE(p->expect_no_drift);
    CU_ASSERT(p->seed < (UINT64_C(1) << 53));
    CU_ASSERT_EQUAL(strlen(p->sha256), 64);
    plan_free(p);
}

static void the_null_drill_has_a_hold(void)
{
    struct plan *p = load_steps("  - {at: 0s, do: nothing}\n", "{rto: 1s}", NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->steps[0].hold_ns, 13636363636);
    CU_ASSERT_EQUAL(p->drill_ns, 5 * S + 13636363636);
    plan_free(p);
}

static void drift_keeps_its_patch(void)
{
    struct plan *p = load_steps("  - at: 0s\n    do: drift\n    gateway: eu-west/1\n    patch:\n"
                                "      - {op: replace, path: /routes/orders/upstream, value: \"http://127.0.0.1:9\"}\n"
                                "      - {op: remove, path: /routes/orders/rate_limit}\n"
                                "  - {at: 15s, do: fail_over, to: eu-west}\n",
                                "{detected: 2s, repaired: 10s}", NULL);
    REQUIRE(p != NULL);
    scoped_free char *patch = json_dumps(p->steps[0].action.patch, JSON_COMPACT);
    CU_ASSERT_STRING_EQUAL(patch,
                           "[{\"op\":\"replace\",\"path\":\"/routes/orders/upstream\",\"value\":"
                           "\"http://127.0.0.1:9\"},{\"op\":\"remove\",\"path\":\"/routes/orders/rate_limit\"}]");
    CU_ASSERT_STRING_EQUAL(p->topology->nodes[p->steps[0].action.node].name, "eu-west/1");
    CU_ASSERT_EQUAL(p->steps[1].action.site, 1);
    CU_ASSERT_STRING_EQUAL(p->steps[1].text, "fail_over to eu-west");
    plan_free(p);
}

static void resolution_is_checked_at_the_boundary(void)
{
    CU_ASSERT(refuses("drtest: 1\nname: t\ntimeline: [{at: 0s, do: kill, region: us-east}]\ntargets: {rto: 499ms}\n",
                      "DR0204", "at least 500ms"));
    CU_ASSERT(refuses("drtest: 1\nname: t\ntimeline: [{at: 0s, do: kill, region: us-east}]\ntargets: {rpo: 499ms}\n",
                      "DR0204", "at least 500ms"));
    struct plan *p = load_steps("  - {at: 0s, do: kill, region: us-east}\n", "{rto: 500ms, rpo: 500ms}", NULL);
    CU_ASSERT_PTR_NOT_NULL(p);
    plan_free(p);
    p = load_steps("  - {at: 0s, do: kill, region: us-east}\n", "{rto: 0s, rpo: 0s}", NULL);
    CU_ASSERT_PTR_NOT_NULL(p);
    plan_free(p);
}

static void the_baseline_needs_five_seconds_more(void)
{
    static const char form[] = "drtest: 1\nname: t\nsteady_state: {hold: 20s, within: %s}\n"
                               "timeline: [{at: 0s, do: kill, region: us-east}]\ntargets: {rto: 5s}\n";
    char yaml[256];
    snprintf(yaml, sizeof(yaml), form, "24999ms");
    CU_ASSERT(refuses(yaml, "DR0205", "at least `within: 25s`"));
    snprintf(yaml, sizeof(yaml), form, "25s");
    struct plan *p = load_yaml(yaml, NULL);
    CU_ASSERT_PTR_NOT_NULL(p);
    plan_free(p);
}

static void luck_is_warned_of_only_where_it_could_be(void)
{
    scoped_text struct text out = {0};
    plan_free(load_steps("  - {at: 0s, do: kill, region: us-east}\n", "{lost_writes: 0}", &out));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), "warning[DR0215]"));
    plan_free(load_yaml("drtest: 1\nname: t\ntopology: {replication: {mode: sync}}\n"
                        "timeline: [{at: 0s, do: kill, region: us-east}]\ntargets: {rpo: 0s}\n",
                        &out));
    CU_ASSERT_STRING_EQUAL(text_str(&out), "");
    plan_free(load_yaml("drtest: 1\nname: t\nworkload: {writes: {rate: 50/s}}\n"
                        "timeline: [{at: 0s, do: kill, region: us-east}]\ntargets: {rpo: 0s}\n",
                        &out));
    CU_ASSERT_STRING_EQUAL(text_str(&out), "");
}

void suite_compile(void)
{
    runner_suite(NULL, NULL);
    runner_test(holds_of_the_worked_example);
    runner_test(each_term_of_the_hold_can_decide);
    runner_test(baseline_holds);
    runner_test(region_outage_in_numbers);
    runner_test(streams_share_the_rates);
    runner_test(patrols_go_to_every_gateway_from_beside_it);
    runner_test(limits_alone_ask_for_keys_too);
    runner_test(tokens_outlive_a_request);
    runner_test(keys_follow_from_the_seed);
    runner_test(due_times_do_not_drift);
    runner_test(faults_end_where_the_timeline_says);
    runner_test(directions_follow_the_link);
    runner_test(links_in_three_forms);
    runner_test(packets_that_are_singled_out);
    runner_test(a_restore_ends_what_it_covers);
    runner_test(targets_and_what_they_imply);
    runner_test(the_smallest_scenario_has_all_defaults);
    runner_test(the_null_drill_has_a_hold);
    runner_test(drift_keeps_its_patch);
    runner_test(resolution_is_checked_at_the_boundary);
    runner_test(the_baseline_needs_five_seconds_more);
    runner_test(luck_is_warned_of_only_where_it_could_be);
}
