/* SPDX-License-Identifier: MIT */
/*
 * --set: what it changes, and that wrong ones are pointed at like wrong lines of a file.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include <stdio.h>
#include <string.h>

static const char small[] = "drtest: 1\nname: t\ntimeline:\n  - {at: 0s, do: kill, region: us-east}\n"
                            "  - {at: 20s, do: restore, region: us-east}\ntargets: {rto: 5s}\n";

static struct plan *set(const char *a, const char *b, struct text *out)
{
    const char *sets[] = {a, b};
    return load_yaml_with(small, sets, b ? 2 : 1, out);
}

static bool complains(const char *assignment, const char *words)
{
    scoped_text struct text out = {0};
    struct plan *p = set(assignment, NULL, &out);
    plan_free(p);
    bool found = !p && strstr(text_str(&out), words);
    if (!found) {
        printf("\n  expected \"%s\", got:\n%s\n", words, text_str(&out));
    }
    return found;
}

static void changes_values(void)
{
    struct plan *p = set("targets.rto=3s", "workload.writes.rate=100/s", NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(plan_target_find(p, TARGET_RTO)->value, 3 * NS_PER_S);
    CU_ASSERT_EQUAL(plan_target_find(p, TARGET_RTO)->line, 0);
    CU_ASSERT_PTR_NULL(plan_target_find(p, TARGET_RTO)->file); /* it stands in none */
    CU_ASSERT_STRING_EQUAL(plan_target_find(p, TARGET_RTO)->assignment, "targets.rto=3s");
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_writes(p), 100, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_total(p), 300, 1e-9); /* the standard reads are still there */
    scoped_free char *record = json_dumps(p->overrides, JSON_COMPACT | JSON_SORT_KEYS);
    CU_ASSERT_STRING_EQUAL(record, "{\"targets.rto\":\"3s\",\"workload.writes.rate\":\"100/s\"}");
    plan_free(p);
}

static void a_map_of_targets_is_one_assignment(void)
{
    struct plan *p = set("targets={rto: 4s, rpo: 1s}", NULL, NULL);
    REQUIRE(p != NULL);
    static const enum target_key keys[] = {TARGET_RTO, TARGET_RPO, TARGET_LOST_AFTER}; /* the last is implied */
    for (size_t i = 0; i < array_len(keys); i++) {
        const struct plan_target *t = plan_target_find(p, keys[i]);
        CU_ASSERT(t && text_eq(t->assignment, "targets={rto: 4s, rpo: 1s}") && !t->file && t->line == 0);
    }
    plan_free(p);
}

static void reaches_into_bundled_topologies(void)
{
    struct plan *p = set("topology.replication.mode=sync", "topology.flaws=no_failover,slow_detect", NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->topology->replication.mode, REPLICATION_SYNC);
    CU_ASSERT_EQUAL(p->topology->flaw_count, 2);
    CU_ASSERT_STRING_EQUAL(p->topology->flaws[1], "slow_detect");
    CU_ASSERT_EQUAL(p->topology->site_count, 5);
    plan_free(p);
    p = set("topology.regions.eu-west.role=primary", "topology.regions.us-east.role=standby", NULL);
    CU_ASSERT(p && p->topology->primary == 1);
    plan_free(p);
    CU_ASSERT(complains("topology.regions.eu-west.role=primary", "a second primary"));
}

static void reaches_into_the_timeline(void)
{
    struct plan *p = set("timeline.0.region=eu-west", "timeline.1.region=eu-west", NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->steps[0].action.site, 1);
    plan_free(p);
    p = set("timeline.0={at: 1s, do: freeze, region: us-east}", "tags=[a, b]", NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_STRING_EQUAL(p->steps[0].text, "freeze us-east");
    CU_ASSERT_EQUAL(p->tag_count, 2);
    plan_free(p);
    p = set("timeline.0={at: 1s, do: partition, between: [us-east, eu-west], for: 9s}",
            "timeline.0.between=eu-west,witness", NULL);
    CU_ASSERT_PTR_NULL(p); /* the restore step of us-east has lost its fault */
    CU_ASSERT(complains("timeline.0={at: 1s, do: partition, between: [us-east, {}, eu-west]}", "`between`"));
}

static void makes_maps_on_the_way(void)
{
    struct plan *p = set("steady_state.expect.p99=250ms", "abort_when={availability: 20%, for: 10s}", NULL);
    REQUIRE(p != NULL);
    CU_ASSERT_EQUAL(p->baseline_p99_ns, 250 * NS_PER_MS);
    CU_ASSERT_EQUAL(p->abort_availability_ppm, 200000);
    plan_free(p);
}

static void changes_the_fingerprint(void)
{
    struct plan *a = load_yaml(small, NULL), *b = set("targets.rto=5s", NULL, NULL);
    REQUIRE(a && b);
    CU_ASSERT_STRING_NOT_EQUAL(a->sha256, b->sha256);
    CU_ASSERT_STRING_EQUAL(a->targets_sha256, b->targets_sha256);
    plan_free(a);
    plan_free(b);
}

static void wrong_ones_are_pointed_at(void)
{
    CU_ASSERT(complains("targets.rto=3", "error[DR0107]: `rto`: `3` has no unit\n --> --set:1:13\n  |\n"
                                         "1 | targets.rto=3\n  |             ^\n  = help: write 3s\n"));
    CU_ASSERT(complains("targets.rtoo=3s", "unknown key `rtoo` in `targets`\n --> --set:1:9\n"));
    CU_ASSERT(complains("topology.flaws=no_failver", "unknown `flaws` entry `no_failver`"));
    CU_ASSERT(complains("targets.rto", "assigns nothing"));
    CU_ASSERT(complains("=3s", "assigns nothing"));
    CU_ASSERT(complains("targets.rto.x=3s", "`rto` is a plain value, nothing is below it"));
    CU_ASSERT(complains("timeline.2.region=eu-west", "the list has 2 entries\n --> --set:1:10\n"));
    CU_ASSERT(complains("timeline.x.region=eu-west", "the list has 2 entries"));
    CU_ASSERT(complains("timeline=[{at: 0s", "--set:1:"));
    CU_ASSERT(complains("title=\x1b[31m", "cannot be part of a scenario"));
    CU_ASSERT(complains("targets.rto=", "`rto` has no value"));
    CU_ASSERT(complains("..=1", "unknown key ``"));
    CU_ASSERT(complains("targets={rto: 3}", "1 | targets={rto: 3}\n  |               ^\n"));
    CU_ASSERT(complains("colour=red", "unknown key `colour`"));
}

void suite_override(void)
{
    runner_suite(NULL, NULL);
    runner_test(changes_values);
    runner_test(a_map_of_targets_is_one_assignment);
    runner_test(reaches_into_bundled_topologies);
    runner_test(reaches_into_the_timeline);
    runner_test(makes_maps_on_the_way);
    runner_test(changes_the_fingerprint);
    runner_test(wrong_ones_are_pointed_at);
}
