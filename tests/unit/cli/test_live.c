/* SPDX-License-Identifier: MIT */
/* What the live page is told: lanes that follow events and faults, all at each change and never twice, and the plan. */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/live.h"
#include "harness/cli/live_about.h"
#include "harness/cli/live_lanes.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct topo_site sites[] = {
    {.name = "us", .kind = SITE_REGION, .role = REGION_PRIMARY, .first_node = 0, .node_count = 2},
    {.name = "eu", .kind = SITE_REGION, .role = REGION_STANDBY, .first_node = 2, .node_count = 1},
    {.name = "clients", .kind = SITE_VANTAGE},
};
static struct topo_node nodes[] = {{.name = "us/1", .role = NODE_GATEWAY},
                                   {.name = "us/origin-1", .role = NODE_ORIGIN},
                                   {.name = "eu/1", .role = NODE_GATEWAY, .site = 1}};
static struct topology topology = {.sites = sites, .site_count = 3, .nodes = nodes, .node_count = 3};
static const struct action_type kill = {.verb = "kill"};
static struct plan_step step = {
    .id = 4, .action = {.type = &kill, .target = TARGET_REGION, .site = 0}, .text = "kill us"};
static struct plan_target targets[] = {{.key = TARGET_RTO, .value = 5000000000},
                                       {.key = TARGET_AVAILABILITY, .value = 999000},
                                       {.key = TARGET_LOST_AFTER, .implied = true}};
static struct plan plan = {.name = "d",
                           .topology = &topology,
                           .steps = &step,
                           .step_count = 1,
                           .targets = targets,
                           .target_count = 3,
                           .good_ratio_ppm = 990000};

/* "t states leads" of what is told of an event; "" for nothing. */
static const char *told(struct live_lanes *l, struct event ev)
{
    static char out[64];
    scoped_json json_t *m = live_lanes_take(l, &ev);
    snprintf(out, sizeof(out), "%s", "");
    if (m) {
        snprintf(out, sizeof(out), "%.1f %s %s", json_number_value(json_object_get(m, "t")),
                 json_string_value(json_object_get(m, "states")), json_string_value(json_object_get(m, "leads")));
    }
    return out;
}

static struct event node(const char *name, const char *what)
{
    return (struct event){.kind = EVENT_NODE, .at_ns = 1000000000, .subject = name, .outcome = "ok", .detail = what};
}

/* Lanes: us, us/1, us/origin-1, eu, eu/1. States: 0 absent, 1 starting, 2 up, 6 down. */
static void lanes_follow_nodes_and_faults(void)
{
    struct live_lanes *l = live_lanes_new(&plan);
    scoped_json json_t *status = json_pack("{s:b}", "leader", true);
    struct event leads = {.kind = EVENT_OBSERVED, .at_ns = 2000000000, .subject = "us/origin-1", .data = status};
    CU_ASSERT_STRING_EQUAL(told(l, node("us/1", "started")), "1.0 11000 00000");
    CU_ASSERT_STRING_EQUAL(told(l, node("us/1", "ready")), "1.0 12000 00000");
    CU_ASSERT_STRING_EQUAL(told(l, node("us/1", "ready")), "");
    CU_ASSERT_STRING_EQUAL(told(l, node("us/1", "exploded")), "");
    CU_ASSERT_STRING_EQUAL(told(l, leads), "2.0 22200 10100");
    CU_ASSERT_STRING_EQUAL(told(l, (struct event){.kind = EVENT_PHASE_BEGIN, .subject = "fault"}), "");
    struct event apply = {.kind = EVENT_FAULT_APPLY, .code = 4, .at_ns = 3000000000, .end_ns = 3200000000};
    struct event heal = {.kind = EVENT_FAULT_HEAL, .code = 4, .at_ns = 8000000000, .end_ns = 8500000000};
    CU_ASSERT_STRING_EQUAL(told(l, apply), "3.0 66600 00000");
    CU_ASSERT_STRING_EQUAL(told(l, heal), "8.5 11100 00000");
    apply.code = 99; /* of no step */
    CU_ASSERT_STRING_EQUAL(told(l, apply), "");
    live_lanes_free(l);
}

static void the_plan_is_told_in_the_words_of_the_report(void)
{
    scoped_free char *about = live_about(&plan, "runs/x");
    CU_ASSERT_PTR_NOT_NULL_FATAL(about);
    CU_ASSERT_PTR_NOT_NULL(strstr(about, "{\"label\":\"RTO\",\"target\":\"at most 5 s\",\"implied\":false}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(about, "\"target\":\"at least 99.9 %\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(about, "\"target\":\"at most 0\",\"implied\":true"));
    CU_ASSERT_PTR_NOT_NULL(strstr(about, "\"faults\":{\"4\":\"kill us\"}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(about, "{\"name\":\"us/1\",\"site\":0,\"node\":true},"));
    CU_ASSERT_PTR_NOT_NULL(strstr(about, "{\"name\":\"us\",\"kind\":\"region\",\"role\":\"primary\"}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(about, "{\"name\":\"clients\",\"kind\":\"vantage\",\"role\":\"\"}"));
}

static void a_second_is_told_with_who_moved(void)
{
    uint16_t endpoints[] = {0, 2};
    struct topology listed = topology;
    listed.endpoints = endpoints;
    listed.endpoint_count = 2;
    const struct run_site seen[3] = {{.served = 7}, {0}, {.good = 7, .bad = 1}};
    const struct run_move moves[] = {{2, 1, 17.25}, {2, 9, 17.5}}; /* there is no tenth endpoint */
    const struct run_second s = {.from_s = 17,
                                 .to_s = 18,
                                 .sites = seen,
                                 .site_count = 3,
                                 .moves = moves,
                                 .move_count = 2,
                                 .p50_ms = 3.5,
                                 .p99_ms = (double)NAN};
    scoped_json json_t *second = live_second(&s, &listed);
    scoped_free char *text = json_dumps(second, JSON_COMPACT | JSON_SORT_KEYS);
    CU_ASSERT_STRING_EQUAL(text,
                           "{\"from\":17.0,\"moves\":[[2,\"eu/1\",17.25],[2,\"another endpoint\",17.5]],\"p50\":3.5,"
                           "\"p99\":null,\"sites\":[[0,0,7],[0,0,0],[7,1,0]],\"to\":18.0}");
}

void suite_live(void)
{
    runner_suite(NULL, NULL);
    runner_test(lanes_follow_nodes_and_faults);
    runner_test(the_plan_is_told_in_the_words_of_the_report);
    runner_test(a_second_is_told_with_who_moved);
}
