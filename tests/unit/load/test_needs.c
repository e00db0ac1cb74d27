/* SPDX-License-Identifier: MIT */
/*
 * What a plan's load takes, by hand; and that a machine without it is refused with the place and a remedy.
 */
#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/load/needs.h"
#include "tests/unit/load/plan_fixture.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static struct plan_fixture f;

static void each_need_follows_from_the_rates(void)
{
    plan_fixture_init(&f, 100, 50, 20, 2 * NS_PER_S); /* probes: 20 a second at each endpoint */
    CU_ASSERT_EQUAL(load_needs_descriptors(&f.plan, FIXTURE_VANTAGE), 2 * 170 * 2 + 64);
    CU_ASSERT_EQUAL(load_needs_descriptors(&f.plan, 0), 64);
    CU_ASSERT_EQUAL(plan_ports(&f.plan, FIXTURE_VANTAGE), (100 + 20 + 20) * 60 + 2 * 170 * 2);
    f.plan.observe_ns = 90 * NS_PER_S; /* and 10 s to quiesce: 17000 requests, 2000 writes */
    struct load_needs n = load_needs(&f.plan);
    CU_ASSERT(n.descriptors == 744 && n.ports == 9080 && n.addresses == 1);
    uint64_t evidence = 17000 * 96 + 2000 * 128 * (2 + 3 * 4); /* gateway and two regions, two reads before and after */
    CU_ASSERT_EQUAL(n.disk_bytes, evidence + (48 << 20));
    CU_ASSERT_EQUAL(n.memory_bytes, 340 * 32768 + 6 * (UINT64_C(12) << 20) + 2 * evidence);
}

static void more_ports_take_more_addresses(void)
{
    CU_ASSERT_EQUAL(topo_sources_for(0), 1);
    CU_ASSERT_EQUAL(topo_sources_for(28232), 1);
    CU_ASSERT_EQUAL(topo_sources_for(28233), 2);
    CU_ASSERT_EQUAL(topo_sources_for(UINT64_C(28232) * 255), 255);
    CU_ASSERT_EQUAL(topo_sources_for(UINT64_C(28232) * 255 + 1), 0);
    CU_ASSERT_EQUAL(topo_source(2, 1), 0x0a03fe01); /* 10.3.254.1 */
    plan_fixture_init(&f, 0, 5000, 0, NS_PER_S); /* kept-alive ones are there once */
    CU_ASSERT_EQUAL(load_needs(&f.plan).addresses, 1);
    plan_fixture_init(&f, 500, 0, 0, NS_PER_S);
    CU_ASSERT_EQUAL(load_needs(&f.plan).addresses, 2);
}

static void refused(int status, const struct err *e, const char *at)
{
    CU_ASSERT_EQUAL(status, -1);
    CU_ASSERT_EQUAL(e->kind, ERR_MACHINE);
    CU_ASSERT_STRING_EQUAL(e->at, at);
    CU_ASSERT(e->msg[0] && e->help[0]);
}

static void what_is_not_there_is_refused(void)
{
    struct err fine = {0}, files = {0}, ports = {0}, memory = {0};
    plan_fixture_init(&f, 10, 0, 0, NS_PER_S);
    CU_ASSERT_EQUAL(load_needs_check(&f.plan, false, &fine), 0);
    struct rlimit before, tight;
    getrlimit(RLIMIT_NOFILE, &before);
    tight = (struct rlimit){.rlim_cur = before.rlim_cur, .rlim_max = before.rlim_max};
    f.streams[0].rate_micro = (int64_t)(tight.rlim_max < 100000000 ? tight.rlim_max : 100000000) * PPM;
    f.streams[0].kind = STREAM_READ_KEEPALIVE;
    refused(load_needs_check(&f.plan, false, &files), &files, "open files");
    f.streams[0].kind = STREAM_READ_FRESH;
    f.streams[0].rate_micro = 200000 * PPM;
    f.streams[0].timeout_ns = NS_PER_MS;
    refused(load_needs_check(&f.plan, false, &ports), &ports, "ports");
    plan_fixture_init(&f, 100000, 0, 0, NS_PER_S);
    f.plan.observe_ns = 1000000 * NS_PER_S; /* 10^11 requests */
    refused(load_needs_check(&f.plan, true, &memory), &memory, "memory");
}

static void disk_is_asked_where_the_folder_will_be(void)
{
    struct err e = {0}, gone = {0};
    CU_ASSERT_EQUAL(load_needs_check_disk(".", 1, &e), 0);
    CU_ASSERT_EQUAL(load_needs_check_disk("not/yet/there", 1, &e), 0);
    CU_ASSERT_EQUAL(load_needs_check_disk("/not/yet/there", 1, &e), 0);
    CU_ASSERT_EQUAL(load_needs_check_disk("/", 1, &e), 0);
    refused(load_needs_check_disk("not/yet/there", UINT64_MAX, &e), &e, "not/yet/there");
    CU_ASSERT_EQUAL(load_needs_check_disk("", 1, &gone), -1);
    CU_ASSERT_EQUAL(gone.kind, ERR_MACHINE);
}

void suite_needs(void)
{
    runner_suite(NULL, NULL);
    runner_test(each_need_follows_from_the_rates);
    runner_test(more_ports_take_more_addresses);
    runner_test(what_is_not_there_is_refused);
    runner_test(disk_is_asked_where_the_folder_will_be);
}
