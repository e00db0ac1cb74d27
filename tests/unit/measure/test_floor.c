/* SPDX-License-Identifier: MIT */
/* Floors: the row of the worked example, and which row a fault gets. */
#include "harness/base/scoped.h"
#include "harness/measure/floor.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static struct bench b;

static void add(const char *verb)
{
    bench_fault(&b, verb, 15000, 15001, NEVER, NEVER, 0);
}

static void the_worked_example_has_its_floor_efficiency_and_excess(void)
{
    struct floor f = floor_health_check(0.25, 3, 0);
    double hi = 0.7512;
    CU_ASSERT_NEAR(f.min, 0.5);
    CU_ASSERT_NEAR(f.mean, 0.625);
    CU_ASSERT_NEAR(f.max, 0.75);
    CU_ASSERT_DOUBLE_EQUAL(f.mean / hi, 0.832, 0.0005);
    CU_ASSERT_NEAR(hi - f.max, 0.0012);
}

static void defaults_in_a_black_hole_are_those_of_the_table(void)
{
    struct floor f = floor_health_check(0.2, 3, 0.2);
    CU_ASSERT_NEAR(f.min, 0.6);
    CU_ASSERT_NEAR(f.mean, 0.7);
    CU_ASSERT_NEAR(f.max, 0.8);
}

static void losing_the_primary_region_waits_for_clients_or_lease(void)
{
    bench_init(&b);
    add("kill"); /* a power loss: silent, 250 ms x 3, time-out 200 ms; the lease lasts 750 ms */
    struct floor f = floor_rto(&b.plan, &b.steps[0]), all = floor_rto(&b.plan, NULL);
    CU_ASSERT_NEAR(f.min, 0.7);
    CU_ASSERT_NEAR(f.mean, 0.875);
    CU_ASSERT_NEAR(f.max, 1.4625); /* a gateway's next check comes 5 % late at most */
    CU_ASSERT_NEAR(all.max, f.max);
    b.steps[0].action.how = KILL_CRASH; /* refused: only the lease counts */
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    f = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(f.min, 0.5);
    b.steps[0].action.how = KILL_POWER;
    struct topo_link slow = {.a = CLIENTS, .b = EAST, .baseline = {.delay_ns = MS(40)}};
    b.topology.links = &slow;
    b.topology.link_count = 1;
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).min, 0.62); /* a check in flight may count */
    bench_deinit(&b);
}

static void the_dns_counts_in_seconds(void)
{
    struct topo_node nodes[8];
    bench_init(&b);
    add("kill"); /* silent */
    memcpy(nodes, b.topology.nodes, b.topology.node_count * sizeof(*nodes));
    nodes[b.topology.node_count++] = (struct topo_node){.name = "dns/1", .role = NODE_DNS};
    b.topology.nodes = nodes;
    b.topology.failover.dns_ttl_ns = MS(1000);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000); /* whose failures move nobody now */
    struct floor f = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(f.min, 5); /* checks every 2 s, time-out 1 s */
    CU_ASSERT_NEAR(f.mean, 7);
    CU_ASSERT_NEAR(f.max, 9); /* a second until it shows, a second that it is kept */
    b.topology.routing = ROUTING_WEIGHTED;
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).min, 0.5); /* of the lead: the draws may spare a region */
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).max, 9);
    b.topology.routing = ROUTING_FAILOVER;
    b.topology.failover.probe_every_ns = MS(30000);
    b.topology.failover.dns_ttl_ns = MS(60000);
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).max, 152);
    b.steps[0].action.how = KILL_CRASH;
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).min, 60);
    bench_deinit(&b);
}

/* Checks every 30 s, a lease of 3 s: clients give the standby up before it leads, and return after four good probes. */
static void slow_checks_wait_for_the_standby_to_be_taken_back(void)
{
    bench_init(&b);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    add("kill");
    b.topology.failover.probe_every_ns = MS(30000);
    b.topology.failover.probe_timeout_ns = MS(5000);
    struct floor f = floor_rto(&b.plan, &b.steps[0]);
    double client = 1 + 2.5 / 50, given_up = (double)b.topology.endpoint_count * (1 + 3.0 / 50);
    CU_ASSERT_NEAR(f.mean, client + 1 + 3.5 * 30);
    CU_ASSERT_NEAR(f.max, given_up + 4 * 30 + 5);
    CU_ASSERT(f.min < 5);
    bench_deinit(&b);
}

static void the_lease_is_renewed_three_times_at_least(void)
{
    static const struct {
        int64_t every_ns, fails;
        double min, mean, max; /* of the lead, for clients do not wait longer but where it is said */
    } rows[] = {
        {MS(300), 1, 0.2, 0.45, 0.815},                  /* a lease of 300 ms, renewed every 100 */
        {MS(300), 2, 0.4, 0.75, 1.215},                  /* 600, 200 */
        {MS(300), 3, 0.6, 1.05, 1.615},                  /* 900, 300 */
        {MS(300), 10, 2.7, 3.15, 3.715},                 /* 3000, 300: not oftener than probes */
        {MS(10) + 500000, 4, 0.0315, 0.04725, 0.164025}, /* whole milliseconds: 42, 11; 31.5 are the clients' */
    };
    bench_init(&b);
    add("kill");
    b.steps[0].action.how = KILL_CRASH; /* refused: probes fail at once */
    b.topology.failover.probe_timeout_ns = MS(100);
    for (size_t i = 0; i < array_len(rows); i++) {
        b.topology.failover.probe_every_ns = rows[i].every_ns;
        b.topology.failover.unhealthy_after = rows[i].fails;
        struct floor f = floor_rto(&b.plan, &b.steps[0]);
        CU_ASSERT_DOUBLE_EQUAL(f.min, rows[i].min, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(f.mean, rows[i].mean, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(f.max, rows[i].max, 1e-9);
    }
    bench_deinit(&b);
}

static void clients_may_notice_by_their_own_requests(void)
{
    bench_init(&b);
    add("kill");
    b.steps[0].action.site = WEST; /* the standby: no lease is lost */
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    CU_ASSERT_NEAR(floor_rto(&b.plan, NULL).max, 0.95); /* probes: 3 x 250 + 200 ms */
    b.topology.failover.probe_every_ns = MS(30000);
    CU_ASSERT_NEAR(floor_rto(&b.plan, NULL).max, 1.06); /* a time-out and three requests at 50/s */
    bench_deinit(&b);
}

static void the_minimum_is_zero_where_something_may_beat_it(void)
{
    bench_init(&b);
    add("kill");
    add("kill"); /* comes second: nobody knows who leads then */
    b.steps[1].at_ns = MS(5000);
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[1]).min, 0);
    b.steps[0].action.site = WEST; /* the standby */
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).min, 0);
    b.steps[0].action.target = TARGET_NODE; /* one gateway */
    b.steps[0].action.node = GATEWAY_EAST;
    struct floor f = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(f.min, 0);
    CU_ASSERT(f.max > 0);
    b.steps[0].action.node = 999;
    CU_ASSERT(isnan(floor_rto(&b.plan, &b.steps[0]).min));
    bench_deinit(&b);
}

static void partitions_hurt_those_they_separate(void)
{
    bench_init(&b);
    add("partition");
    b.steps[0].action.target = TARGET_LINK;
    b.steps[0].action.link = 0; /* between the regions, asynchronous */
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).max, 0);
    b.topology.replication.mode = REPLICATION_SYNC;
    CU_ASSERT(floor_rto(&b.plan, &b.steps[0]).max > 0);
    b.steps[0].action.link = 1; /* clients and primary */
    struct floor f = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(f.min, 0);
    CU_ASSERT_NEAR(f.max, 0.95);
    b.steps[0].action.link = 77;
    CU_ASSERT(isnan(floor_rto(&b.plan, &b.steps[0]).max));
    bench_deinit(&b);
}

static void what_the_configuration_cannot_explain_has_no_floor(void)
{
    bench_init(&b);
    CU_ASSERT(isnan(floor_rto(&b.plan, NULL).min)); /* no fault at all */
    add("drift");
    CU_ASSERT_NEAR(floor_rto(&b.plan, NULL).min, 0);
    CU_ASSERT(isnan(floor_rto(&b.plan, NULL).max));
    b.plan.step_count = 0;
    add("nothing");
    CU_ASSERT_NEAR(floor_rto(&b.plan, NULL).max, 0);
    b.plan.topology = NULL;
    CU_ASSERT(isnan(floor_rto(&b.plan, NULL).min));
    CU_ASSERT(isnan(floor_rpo(&b.plan, NULL).min));
    bench_deinit(&b);
}

/* The rows that this topology knows: endpoint lists instead of DNS, gateways and clients that check start to start, and
 * clients that also count their own failures. */
static void refused_and_silent_victims_have_their_rows(void)
{
    bench_init(&b);
    add("kill");
    b.topology.failover.probe_every_ns = b.topology.failover.probe_timeout_ns = MS(200);
    b.steps[0].action.target = TARGET_NODE; /* the first endpoint: clients have to move */
    b.steps[0].action.node = GATEWAY_EAST;
    b.topology.endpoints = (uint16_t[]){GATEWAY_EAST, GATEWAY_WEST};
    b.topology.endpoint_count = 2;
    struct floor f = floor_rto(&b.plan, &b.steps[0]); /* a crash refuses: F I, F - 1/2, and the others never notice */
    CU_ASSERT_NEAR(f.min, 0);
    CU_ASSERT_NEAR(f.mean, 0.5);
    CU_ASSERT_NEAR(f.max, 0.6);
    b.steps[0].action.how = KILL_POWER; /* silent: the table's 0.6, 0.7, 0.8, but 0 where others can serve */
    f = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(f.min, 0);
    CU_ASSERT_NEAR(f.mean, 0.7);
    CU_ASSERT_NEAR(f.max, 0.8);
    bench_stream(&b, STREAM_READ_FRESH, 50, 100); /* passive detection beats checks: time-out + F_p / rate */
    f = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(f.mean, 0.1 + 2.5 / 50);
    CU_ASSERT_NEAR(f.max, 0.1 + 3.0 / 50);
    b.steps[0].action.how = KILL_CRASH; /* refused: no time-out to wait for */
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).max, 3.0 / 50);
    b.steps[0].action.node = GATEWAY_WEST; /* nobody uses it first */
    f = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(f.min, 0);
    CU_ASSERT_NEAR(f.mean, 0);
    bench_deinit(&b);
}

static void a_region_that_freezes_is_silent(void)
{
    bench_init(&b);
    add("freeze");
    struct floor frozen = floor_rto(&b.plan, &b.steps[0]);
    b.plan.step_count = 0;
    add("kill");
    struct floor dark = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(frozen.min, dark.min);
    CU_ASSERT_NEAR(frozen.max, dark.max);
    bench_deinit(&b);
}

static void newcomers_leave_a_bad_certificate_by_probes(void)
{
    bench_init(&b);
    add("tls");
    b.steps[0].action.certificate = CERTIFICATE_EXPIRED;
    struct floor refused = floor_rto(&b.plan, &b.steps[0]);
    struct floor probes = floor_health_check((double)b.topology.failover.probe_every_ns / 1e9,
                                             (double)b.topology.failover.unhealthy_after, 0);
    CU_ASSERT_NEAR(refused.mean, probes.mean);
    CU_ASSERT_NEAR(refused.max, probes.max);
    b.steps[0].action =
        (struct action){.type = b.steps[0].action.type, .target = TARGET_REGION, .site = EAST, .stall = true};
    struct floor stalled = floor_rto(&b.plan, &b.steps[0]);
    CU_ASSERT_NEAR(stalled.max, refused.max + (double)b.topology.failover.probe_timeout_ns / 1e9);
    b.steps[0].action.stall = false;
    b.steps[0].action.certificate = CERTIFICATE_ROTATED;
    CU_ASSERT_NEAR(floor_rto(&b.plan, &b.steps[0]).max, 0); /* nobody need notice */
    bench_deinit(&b);
}

static void a_capped_hold_supports_less_than_was_asked(void)
{
    bench_init(&b);
    bench_stream(&b, STREAM_READ_FRESH, 50, 1000);
    b.plan.good_ratio_ppm = 999000;
    CU_ASSERT_NEAR(floor_hold_support(&b.plan, MS(6000)), 0.99); /* 300 requests */
    CU_ASSERT(isnan(floor_hold_support(&b.plan, MS(60000))));    /* 3000: all of it */
    CU_ASSERT_NEAR(floor_hold_support(&b.plan, MS(20)), 0);      /* a single one supports nothing */
    CU_ASSERT(isnan(floor_hold_support(&b.plan, 0)));
    b.plan.good_ratio_ppm = 990000;
    CU_ASSERT(isnan(floor_hold_support(&b.plan, MS(6000))));
    bench_deinit(&b);
}

static void shipping_sets_the_floor_of_the_rpo(void)
{
    bench_init(&b);
    struct topo_link link = {.a = EAST, .b = WEST, .baseline = {.delay_ns = MS(40)}};
    b.topology.links = &link;
    b.topology.link_count = 1;
    add("kill"); /* every 200 ms, 40 ms on the way */
    struct floor f = floor_rpo(&b.plan, NULL);
    CU_ASSERT_NEAR(f.min, 0);
    CU_ASSERT_NEAR(f.mean, 0.14);
    CU_ASSERT_NEAR(f.max, 0.24);
    b.steps[0].action.how = KILL_CRASH; /* what is on the wire arrives */
    CU_ASSERT_NEAR(floor_rpo(&b.plan, NULL).max, 0.2);
    b.topology.replication.mode = REPLICATION_SYNC;
    CU_ASSERT_NEAR(floor_rpo(&b.plan, NULL).max, 0);
    bench_deinit(&b);
}

/* Whatever replication promises, what comes back is as old as the backup. */
static void a_backup_sets_it_where_nothing_else_is_left(void)
{
    bench_init(&b);
    struct topo_link link = {.a = EAST, .b = WEST, .baseline = {.delay_ns = MS(40)}};
    b.topology.links = &link;
    b.topology.link_count = 1;
    b.topology.replication.mode = REPLICATION_SYNC;
    b.topology.backups = (struct topo_backups){.every_ns = MS(1000), .copies = 3};
    add("kill");
    b.steps[0].action.disk = DISK_LOST;
    CU_ASSERT_NEAR(floor_rpo(&b.plan, NULL).max, 0); /* the other region has it */
    b.steps[0].action.from = RESTORE_BACKUP;
    CU_ASSERT_NEAR(floor_rpo(&b.plan, NULL).mean, 0.54);
    CU_ASSERT_NEAR(floor_rpo(&b.plan, NULL).max, 1.04);
    bench_deinit(&b);
}

void suite_floor(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_worked_example_has_its_floor_efficiency_and_excess);
    runner_test(defaults_in_a_black_hole_are_those_of_the_table);
    runner_test(losing_the_primary_region_waits_for_clients_or_lease);
    runner_test(the_dns_counts_in_seconds);
    runner_test(slow_checks_wait_for_the_standby_to_be_taken_back);
    runner_test(the_lease_is_renewed_three_times_at_least);
    runner_test(clients_may_notice_by_their_own_requests);
    runner_test(the_minimum_is_zero_where_something_may_beat_it);
    runner_test(partitions_hurt_those_they_separate);
    runner_test(what_the_configuration_cannot_explain_has_no_floor);
    runner_test(refused_and_silent_victims_have_their_rows);
    runner_test(a_region_that_freezes_is_silent);
    runner_test(newcomers_leave_a_bad_certificate_by_probes);
    runner_test(a_capped_hold_supports_less_than_was_asked);
    runner_test(shipping_sets_the_floor_of_the_rpo);
    runner_test(a_backup_sets_it_where_nothing_else_is_left);
}
