/* SPDX-License-Identifier: MIT */
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/render.h"
#include "tests/unit/lab/fake_lab.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct fake_lab *lab;

static int set_up(void)
{
    lab = fake_lab_new();
    lab->topo.failover = (struct topo_failover){.probe_every_ns = 250 * NS_PER_MS,
                                                .probe_timeout_ns = 200 * NS_PER_MS,
                                                .unhealthy_after = 3,
                                                .healthy_after = 4};
    lab->topo.replication =
        (struct topo_replication){.mode = REPLICATION_SYNC, .every_ns = 200 * NS_PER_MS, .degrade = DEGRADE_BLOCK};
    return 0;
}

static int tear_down(void)
{
    fake_lab_free(lab);
    return 0;
}

static json_int_t number(const json_t *doc, const char *pointer)
{
    const json_t *at = json_at(doc, pointer);
    return json_is_integer(at) ? json_integer_value(at) : -1;
}

static const char *word(const json_t *doc, const char *pointer)
{
    const char *s = json_string_value(json_at(doc, pointer));
    return s ? s : "(none)";
}

static void gateway_with_tls(void)
{
    lab->topo.tls = true;
    scoped_json json_t *c = render_config(&lab->topo, 3), *origin = render_config(&lab->topo, 5);
    CU_ASSERT_EQUAL(number(c, "/tls/listen"), 8443);
    CU_ASSERT_STRING_EQUAL(word(c, "/tls/certificate"), "tls.pem");
    CU_ASSERT_PTR_NULL(json_object_get(origin, "tls"));
    lab->topo.tls = false;
}

static void gateway(void)
{
    scoped_json json_t *c = render_config(&lab->topo, 3);
    CU_ASSERT_PTR_NULL(json_object_get(c, "tls"));
    CU_ASSERT_STRING_EQUAL(word(c, "/node"), "west/1");
    CU_ASSERT_STRING_EQUAL(word(c, "/role"), "gateway");
    CU_ASSERT_STRING_EQUAL(word(c, "/region"), "west");
    CU_ASSERT_EQUAL(number(c, "/listen"), 8080);
    CU_ASSERT_EQUAL(number(c, "/admin"), 9900);
    CU_ASSERT_EQUAL(json_array_size(json_at(c, "/flaws")), 0);
    CU_ASSERT_TRUE(json_is_array(json_at(c, "/flaws")));
    CU_ASSERT_STRING_EQUAL(word(c, "/routes/orders/upstream"), "pool:orders");
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/regions/0"), "east");
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/regions/1"), "west");
    CU_ASSERT_EQUAL(json_array_size(json_at(c, "/pools/orders/members")), 2);
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/members/1/name"), "west/origin-1");
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/members/1/address"), "10.2.3.2");
    CU_ASSERT_EQUAL(number(c, "/pools/orders/check/every_ms"), 250);
    CU_ASSERT_EQUAL(number(c, "/pools/orders/check/timeout_ms"), 200);
    CU_ASSERT_EQUAL(number(c, "/pools/orders/check/unhealthy_after"), 3);
    CU_ASSERT_EQUAL(number(c, "/pools/orders/check/healthy_after"), 4);
    CU_ASSERT_TRUE(number(c, "/pools/orders/total_ms") < 1000);
    CU_ASSERT_TRUE(number(c, "/pools/orders/try_ms") < number(c, "/pools/orders/total_ms"));
    CU_ASSERT_STRING_EQUAL(word(c, "/drift/policy"), "revert");
}

static void balancing(void)
{
    const char *triggers[] = {"timeout"};
    lab->topo.balancing = (struct topo_balancing){.policy = BALANCE_IP_HASH,
                                                  .hash = BALANCE_MODULO,
                                                  .user_is_key = true,
                                                  .weight = {3},
                                                  .deep_checks = true,
                                                  .eject_after = 7,
                                                  .panic = PANIC_REFUSE,
                                                  .has_breaker = true,
                                                  .breaker = {.failures = 4, .open_ns = NS_PER_S, .probes = 2,
                                                  .triggers = {triggers, 1}},
                                                  .retries = 1,
                                                  .in_flight = 60};
    scoped_json json_t *c = render_config(&lab->topo, 3);
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/policy"), "ip_hash");
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/hash"), "modulo");
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/user"), "query:key");
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/panic"), "fail_fast");
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/check/path"), "/healthz?deep=1");
    CU_ASSERT_STRING_EQUAL(word(c, "/pools/orders/breaker/triggers/0"), "timeout");
    CU_ASSERT_EQUAL(number(c, "/pools/orders/breaker/open_ms"), 1000);
    CU_ASSERT_EQUAL(number(c, "/pools/orders/members/0/weight"), 3);
    CU_ASSERT_EQUAL(number(c, "/pools/orders/passive/failures"), 7);
    CU_ASSERT_EQUAL(number(c, "/pools/orders/retries"), 1);
    CU_ASSERT_EQUAL(number(c, "/in_flight"), 60);
    lab->topo.balancing = (struct topo_balancing){0};
    scoped_json json_t *plain = render_config(&lab->topo, 3);
    CU_ASSERT_STRING_EQUAL(word(plain, "/pools/orders/policy"), "round_robin");
    CU_ASSERT_EQUAL(number(plain, "/pools/orders/members/0/weight"), 1);
    CU_ASSERT_PTR_NULL(json_at(plain, "/pools/orders/panic"));
    CU_ASSERT_PTR_NULL(json_at(plain, "/pools/orders/breaker"));
    CU_ASSERT_PTR_NULL(json_at(plain, "/in_flight"));
}

static void capacity(void)
{
    lab->topo.has_capacity = true;
    lab->topo.capacity = (struct topo_capacity){.rate_micro = 400 * PPM, .slots = 4, .queue = 50};
    scoped_json json_t *c = render_config(&lab->topo, 2);
    CU_ASSERT_EQUAL(number(c, "/capacity/slots"), 4);
    CU_ASSERT_EQUAL(number(c, "/capacity/service_us"), 10000);
    CU_ASSERT_EQUAL(number(c, "/capacity/queue"), 50);
    lab->topo.has_capacity = false;
    scoped_json json_t *plain = render_config(&lab->topo, 2);
    CU_ASSERT_PTR_NULL(json_at(plain, "/capacity"));
}

static void origin(void)
{
    scoped_json json_t *c = render_config(&lab->topo, 2);
    CU_ASSERT_STRING_EQUAL(word(c, "/store/mode"), "sync");
    CU_ASSERT_STRING_EQUAL(word(c, "/store/degrade"), "block");
    CU_ASSERT_STRING_EQUAL(word(c, "/store/durability"), "os");
    CU_ASSERT_EQUAL(number(c, "/store/every_ms"), 200);
    CU_ASSERT_EQUAL(number(c, "/store/lease_ms"), 750);
    CU_ASSERT_EQUAL(number(c, "/store/renew_ms"), 250);
    CU_ASSERT_EQUAL(number(c, "/store/failback_hold_ms"), 1000);
    CU_ASSERT_TRUE(json_is_true(json_at(c, "/store/home")));
    CU_ASSERT_EQUAL(json_array_size(json_at(c, "/store/peers")), 1);
    CU_ASSERT_STRING_EQUAL(word(c, "/store/peers/0/address"), "10.2.3.2");
    CU_ASSERT_EQUAL(number(c, "/store/peers/0/port"), 7001);
    CU_ASSERT_PTR_NULL(json_at(c, "/store/witness"));
    scoped_json json_t *other = render_config(&lab->topo, 5);
    CU_ASSERT_TRUE(json_is_false(json_at(other, "/store/home")));
    lab->topo.replication.durability = DURABILITY_DISK;
    scoped_json json_t *forced = render_config(&lab->topo, 2);
    CU_ASSERT_STRING_EQUAL(word(forced, "/store/durability"), "disk");
    lab->topo.replication.durability = DURABILITY_OS;
}

static void backups_go_elsewhere_if_there_are_three_copies(void)
{
    scoped_json json_t *none = render_config(&lab->topo, 2);
    CU_ASSERT_PTR_NULL(json_at(none, "/backup"));
    lab->topo.backups = (struct topo_backups){.every_ns = NS_PER_S, .copies = 3};
    scoped_json json_t *three = render_config(&lab->topo, 2);
    CU_ASSERT_EQUAL(number(three, "/backup/every_ms"), 1000);
    CU_ASSERT_STRING_EQUAL(word(three, "/backup/offsite/0/address"), "10.2.3.2");
    CU_ASSERT_EQUAL(number(three, "/backup/offsite/0/port"), 8080);
    lab->topo.backups.copies = 2;
    scoped_json json_t *two = render_config(&lab->topo, 2);
    CU_ASSERT_EQUAL(json_array_size(json_at(two, "/backup/offsite")), 0);
    lab->topo.backups = (struct topo_backups){0};
}

static void gateways_watch_what_they_are_told_to(void)
{
    lab->topo.alerts = (struct topo_alerts){.window_ns = 500 * NS_PER_MS, .after = 3, .slow_ppm = 1200000,
                                            .slow_least_ns = 50 * NS_PER_MS, .errors_ppm = 10000,
                                            .traffic_ppm = 2500000,
                                            .rules = 1U << TOPO_ALERT_SLOW | 1U << TOPO_ALERT_TRAFFIC};
    scoped_json json_t *c = render_config(&lab->topo, 0);
    CU_ASSERT_EQUAL(number(c, "/alerts/window_ms"), 500);
    CU_ASSERT_EQUAL(number(c, "/alerts/slow_percent"), 120);
    CU_ASSERT_EQUAL(number(c, "/alerts/slow_least_ms"), 50);
    CU_ASSERT_EQUAL(number(c, "/alerts/traffic_percent"), 250);
    CU_ASSERT_EQUAL(number(c, "/alerts/error_ppm"), 10000);
    CU_ASSERT_EQUAL(json_array_size(json_at(c, "/alerts/rules")), 2);
    CU_ASSERT_STRING_EQUAL(word(c, "/alerts/rules/1"), "traffic");
    lab->topo.alerts = (struct topo_alerts){0};
}

static void second_origin_passes_on(void)
{
    lab->nodes_on_paper[1].role = NODE_ORIGIN; /* east: one gateway, two origins */
    lab->sites[0].gateways = 1;
    lab->sites[0].origins = 2;
    scoped_json json_t *first = render_config(&lab->topo, 1);
    scoped_json json_t *second = render_config(&lab->topo, 2);
    CU_ASSERT_PTR_NOT_NULL(json_at(first, "/store"));
    CU_ASSERT_PTR_NULL(json_at(second, "/store"));
    CU_ASSERT_STRING_EQUAL(word(second, "/store_at/address"), "10.1.2.2");
    CU_ASSERT_EQUAL(number(second, "/store_at/port"), 8080);
    lab->nodes_on_paper[1].role = NODE_GATEWAY;
    lab->sites[0].gateways = 2;
    lab->sites[0].origins = 1;
}

static void witness(void)
{
    lab->nodes_on_paper[FAKE_CLIENT].role = NODE_WITNESS;
    scoped_json json_t *c = render_config(&lab->topo, FAKE_CLIENT);
    scoped_json json_t *store = render_config(&lab->topo, 2);
    CU_ASSERT_EQUAL(number(c, "/listen"), 7002);
    CU_ASSERT_STRING_EQUAL(word(c, "/prefer"), "east");
    CU_ASSERT_EQUAL(number(c, "/lease_ms"), 750);
    CU_ASSERT_EQUAL(number(c, "/grace_ms"), 1500);
    CU_ASSERT_EQUAL(json_array_size(json_at(c, "/regions")), 2);
    CU_ASSERT_STRING_EQUAL(word(store, "/store/witness/address"), "10.3.1.2");
    CU_ASSERT_EQUAL(number(store, "/store/witness/port"), 7002);
    lab->nodes_on_paper[FAKE_CLIENT].role = NODE_CLIENT;
}

static void control_endpoints(void)
{
    lab->topo.control = (struct topo_control){.there = true,
                                              .wait_ns = NS_PER_S,
                                              .fallback = true,
                                              .drift = DRIFT_QUARANTINE,
                                              .stale_after_ns = 3 * NS_PER_S,
                                              .refuse_stale = true};
    lab->nodes_on_paper[2].role = lab->nodes_on_paper[5].role = NODE_CONTROL; /* the last nodes of east and west */
    scoped_json json_t *c = render_config(&lab->topo, 3), *endpoint = render_config(&lab->topo, 5);
    CU_ASSERT_STRING_EQUAL(word(c, "/control/endpoints/0/address"), "10.2.3.2");
    CU_ASSERT_STRING_EQUAL(word(c, "/control/endpoints/1/address"), "10.1.3.2");
    CU_ASSERT_EQUAL(number(c, "/control/endpoints/1/port"), 7003);
    CU_ASSERT_EQUAL(number(c, "/control/wait_ms"), 1000);
    CU_ASSERT_STRING_EQUAL(word(c, "/control/when_stale"), "refuse");
    CU_ASSERT_STRING_EQUAL(word(c, "/drift/policy"), "quarantine");
    CU_ASSERT_STRING_EQUAL(word(endpoint, "/role"), "control");
    CU_ASSERT_EQUAL(number(endpoint, "/listen"), 7003);
    lab->topo.control.fallback = false;
    scoped_json json_t *alone = render_config(&lab->topo, 3);
    CU_ASSERT_EQUAL(json_array_size(json_at(alone, "/control/endpoints")), 1);
    lab->nodes_on_paper[2].role = lab->nodes_on_paper[5].role = NODE_ORIGIN;
    lab->topo.control = (struct topo_control){0};
}

static void a_standby_keeps_what_it_is_told_to(void)
{
    lab->topo.scaling = (struct topo_scaling){
        .there = true, .cold_start_ns = 800 * NS_PER_MS, .per_instance = 5, .most = 9, .least = 2};
    lab->sites[1].role = REGION_STANDBY;
    scoped_json json_t *east = render_config(&lab->topo, 2), *west = render_config(&lab->topo, 5);
    CU_ASSERT_EQUAL(number(east, "/scaling/cold_start_ms"), 800);
    CU_ASSERT_EQUAL(number(east, "/scaling/least"), 2);
    CU_ASSERT_EQUAL(number(west, "/scaling/least"), 0);
    CU_ASSERT_EQUAL(number(west, "/scaling/most"), 9);
    lab->topo.scaling = (struct topo_scaling){0};
}

static void a_client_runs_nothing(void)
{
    CU_ASSERT_PTR_NULL(render_config(&lab->topo, FAKE_CLIENT));
}

static void flaws_are_passed_on(void)
{
    const char *flaws[] = {"no_failover", "slow_detect"};
    lab->topo.flaws = flaws;
    lab->topo.flaw_count = 2;
    scoped_json json_t *c = render_config(&lab->topo, 0);
    CU_ASSERT_STRING_EQUAL(word(c, "/flaws/1"), "slow_detect");
    lab->topo.flaw_count = 0;
}

static void tokens_take_the_place_of_keys(void)
{
    lab->topo.identity = (struct topo_identity){.asked = true, .stale_after_ns = NS_PER_S};
    lab->topo.limits = (struct topo_limits){.given = true, .rate_micro = 40 * PPM};
    for (int who = 0; who < CALLERS; who++) {
        lab->topo.callers[who] = (struct topo_caller){who == CALLER_BULK ? "bulk" : "other", "s", "k.s"};
    }
    scoped_json json_t *keys = render_config(&lab->topo, 3);
    lab->topo.identity.tokens = (struct topo_tokens){.there = true, .leeway_ns = 3 * NS_PER_S};
    scoped_json json_t *tokens = render_config(&lab->topo, 3);
    CU_ASSERT_STRING_EQUAL(word(keys, "/routes/orders/identity/0"), "api_key");
    CU_ASSERT_PTR_NULL(json_at(keys, "/identity/tokens"));
    CU_ASSERT_EQUAL(number(keys, "/limits/subjects/key:bulk/per_s"), 40);
    CU_ASSERT_STRING_EQUAL(word(tokens, "/routes/orders/identity/0"), "token");
    CU_ASSERT_STRING_EQUAL(word(tokens, "/routes/local/identity/0"), "token");
    CU_ASSERT_STRING_EQUAL(word(tokens, "/identity/tokens/keys"), "jwks.json");
    CU_ASSERT_STRING_EQUAL(word(tokens, "/identity/tokens/audience"), TOPO_AUDIENCE);
    CU_ASSERT_EQUAL(number(tokens, "/identity/tokens/leeway_s"), 3);
    CU_ASSERT_EQUAL(number(tokens, "/identity/revocations/stale_after_ms"), 1000);
    CU_ASSERT_PTR_NULL(json_at(tokens, "/identity/keys"));
    CU_ASSERT_EQUAL(number(tokens, "/limits/subjects/sub:bulk/per_s"), 40);
    lab->topo.identity = (struct topo_identity){0};
    lab->topo.limits = (struct topo_limits){0};
}

static void nobody_writes_down_requests_unless_told_to(void)
{
    scoped_json json_t *without = render_config(&lab->topo, 3);
    lab->topo.access_log = true;
    scoped_json json_t *with = render_config(&lab->topo, 3), *origin = render_config(&lab->topo, 5);
    CU_ASSERT_PTR_NULL(json_object_get(without, "access_log"));
    CU_ASSERT_STRING_EQUAL(word(with, "/access_log/path"), "access.jsonl");
    CU_ASSERT_EQUAL(number(with, "/access_log/max_bytes"), 64 << 20);
    CU_ASSERT_PTR_NULL(json_object_get(origin, "access_log"));
    lab->topo.access_log = false;
}

static void short_probes_still_renew_in_time(void)
{
    struct topo_failover kept = lab->topo.failover;
    lab->topo.failover.probe_every_ns = 1;
    lab->topo.failover.unhealthy_after = 1;
    scoped_json json_t *c = render_config(&lab->topo, 2);
    CU_ASSERT_TRUE(number(c, "/store/lease_ms") >= 1);
    CU_ASSERT_TRUE(number(c, "/store/renew_ms") >= 1);
    lab->topo.failover = kept;
}

void suite_render(void)
{
    runner_suite(set_up, tear_down);
    runner_test(gateway);
    runner_test(gateway_with_tls);
    runner_test(balancing);
    runner_test(capacity);
    runner_test(origin);
    runner_test(backups_go_elsewhere_if_there_are_three_copies);
    runner_test(gateways_watch_what_they_are_told_to);
    runner_test(second_origin_passes_on);
    runner_test(witness);
    runner_test(a_client_runs_nothing);
    runner_test(flaws_are_passed_on);
    runner_test(tokens_take_the_place_of_keys);
    runner_test(nobody_writes_down_requests_unless_told_to);
    runner_test(short_probes_still_renew_in_time);
    runner_test(control_endpoints);
    runner_test(a_standby_keeps_what_it_is_told_to);
}
