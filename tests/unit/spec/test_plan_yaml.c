/* SPDX-License-Identifier: MIT */
/*
 * plan.yaml: what is written can be read back, by plan_load as the same plan, by the ordinary loader as a scenario.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/load.h"
#include "harness/spec/plan_yaml.h"
#include "harness/spec/suite.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include "tests/unit/spec/verbs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/drtest-plan-XXXXXX";

static int set_up(void)
{
    int fd = mkstemp(path);
    return fd >= 0 && close(fd) == 0 ? go_to_sources() : -1;
}

static int tear_down(void)
{
    return unlink(path);
}

static void expect_equal(const struct plan *a, const struct plan *b)
{
    CU_ASSERT_STRING_EQUAL(a->yaml, b->yaml);
    CU_ASSERT_STRING_EQUAL(a->file, b->file);
    CU_ASSERT_STRING_EQUAL(a->text, b->text);
    CU_ASSERT_STRING_EQUAL(a->title, b->title);
    CU_ASSERT_STRING_EQUAL(a->sha256, b->sha256);
    CU_ASSERT_STRING_EQUAL(a->targets_sha256, b->targets_sha256);
    CU_ASSERT_EQUAL(a->seed, b->seed);
    CU_ASSERT_STRING_EQUAL(a->topology->name, b->topology->name);
    CU_ASSERT_EQUAL(a->topology->node_count, b->topology->node_count);
    CU_ASSERT_EQUAL(a->topology->flaw_count, b->topology->flaw_count);
    const struct topo_failover *f = &a->topology->failover, *g = &b->topology->failover;
    CU_ASSERT(f->probe_every_ns == g->probe_every_ns && f->probe_timeout_ns == g->probe_timeout_ns);
    CU_ASSERT(f->unhealthy_after == g->unhealthy_after && f->healthy_after == g->healthy_after);
    CU_ASSERT(f->dns_ttl_ns == g->dns_ttl_ns && f->failsafe == g->failsafe);
    REQUIRE(a->stream_count == b->stream_count);
    for (size_t i = 0; i < a->stream_count; i++) {
        CU_ASSERT_EQUAL(a->streams[i].kind, b->streams[i].kind);
        CU_ASSERT_EQUAL(a->streams[i].rate_micro, b->streams[i].rate_micro);
    }
    REQUIRE(a->step_count == b->step_count);
    for (size_t i = 0; i < a->step_count; i++) {
        const struct plan_step *s = &a->steps[i], *t = &b->steps[i];
        CU_ASSERT(s->id == t->id && s->at_ns == t->at_ns && s->until_ns == t->until_ns && s->hold_ns == t->hold_ns);
        CU_ASSERT(s->line == t->line && s->column == t->column && s->action.type == t->action.type);
        CU_ASSERT(s->action.how == t->action.how && s->action.disk == t->action.disk);
        CU_ASSERT_STRING_EQUAL(s->text, t->text);
        CU_ASSERT(text_eq(s->note, t->note));
        CU_ASSERT(json_equal(s->action.patch, t->action.patch) || s->action.patch == t->action.patch);
    }
    REQUIRE(a->target_count == b->target_count);
    for (size_t i = 0; i < a->target_count; i++) {
        const struct plan_target *s = &a->targets[i], *t = &b->targets[i];
        CU_ASSERT(s->key == t->key && s->value == t->value && s->implied == t->implied && s->line == t->line);
        CU_ASSERT(s->column == t->column && text_eq(s->file, t->file) && text_eq(s->assignment, t->assignment));
    }
    CU_ASSERT(a->baseline_hold_ns == b->baseline_hold_ns && a->baseline_within_ns == b->baseline_within_ns);
    CU_ASSERT(a->observe_ns == b->observe_ns && a->drill_ns == b->drill_ns && a->window_ns == b->window_ns);
    CU_ASSERT(a->abort_availability_ppm == b->abort_availability_ppm && a->abort_for_ns == b->abort_for_ns);
    CU_ASSERT(json_equal(a->overrides, b->overrides));
}

/* Write it, load it both ways, compare. */
static void round_trip(const struct plan *p)
{
    scoped_text struct text out = {0}, again = {0};
    struct err e = {0};
    struct plan *loaded = NULL, *run_again = NULL;
    struct diag_list diags = {0};
    plan_yaml(p, &out);
    CU_ASSERT_EQUAL(file_replace(path, text_str(&out), out.len, NULL), 0);
    CU_ASSERT_EQUAL(plan_load(path, test_verbs, test_verb_count, &loaded, &e), 0);
    CU_ASSERT_STRING_EQUAL(e.msg, "");
    if (loaded) {
        expect_equal(p, loaded);
        plan_yaml(loaded, &again);
        CU_ASSERT_STRING_EQUAL(text_str(&again), text_str(&out));
    }
    CU_ASSERT_EQUAL(spec_load(path, test_verbs, test_verb_count, NULL, &run_again, &diags, NULL), 0);
    if (run_again) {
        CU_ASSERT_STRING_EQUAL(run_again->yaml, p->yaml);
        CU_ASSERT_STRING_EQUAL(run_again->file, path);
        CU_ASSERT_STRING_EQUAL(run_again->targets_sha256, p->targets_sha256);
    }
    diag_list_deinit(&diags);
    plan_free(loaded);
    plan_free(run_again);
}

static void shipped_scenarios_round_trip(void)
{
    static const char *const names[] = {"region-outage", "partition", "one-way-partition", "config-drift",
                                        "null-drill"};
    static const char *const sets[] = {"topology.flaws=no_failover,slow_detect", "targets.rto=9s"};
    for (size_t i = 0; i < array_len(names); i++) {
        for (size_t with = 0; with <= 2; with += 2) {
            char file[64];
            struct plan *p = NULL;
            struct diag_list diags = {0};
            snprintf(file, sizeof(file), "scenarios/%s.yaml", names[i]);
            CU_ASSERT_EQUAL(spec_load(file, test_verbs, test_verb_count,
                                      &(struct spec_options){.sets = sets, .set_count = with}, &p, &diags, NULL), 0);
            if (p) {
                round_trip(p);
            }
            plan_free(p);
            diag_list_deinit(&diags);
        }
    }
}

static void targets_of_a_suite_round_trip(void)
{
    struct suite *s = NULL;
    struct diag_list diags = {0};
    REQUIRE(suite_load("tests/data/suite/three.yaml", &s, &diags, NULL) == 0);
    struct plan *p = NULL;
    CU_ASSERT_EQUAL(suite_plan(s, 2, test_verbs, test_verb_count, NULL, &p, &diags, NULL), 0);
    REQUIRE(p != NULL);
    CU_ASSERT_STRING_EQUAL(plan_target_find(p, TARGET_REPAIRED)->file, "tests/data/suite/three.yaml");
    round_trip(p);
    plan_free(p);
    suite_free(s);
    diag_list_deinit(&diags);
}

static void awkward_values_round_trip(void)
{
    static const char *const yamls[] = {
        "drtest: 1\nname: t\ntitle: \"a: b # c \\\" \\\\ 'd' \\u00e9 \\u2028 \\U0001F600\"\n"
        "description: |\n  two\n\n   lines\t\n"
        "owner: '{x}'\ntags: [a, b-c]\nworkload: {reads: {rate: 100/m, connections: keepalive}, writes: {rate: 7/s}}\n"
        "abort_when: {availability: 20%, for: 10s}\n"
        "timeline:\n  - {at: 1m30s, do: kill, origin: us-east/1, how: crash, disk: lost}\n"
        "targets: {rpo: 10s}\n",
        "drtest: 1\nname: t\ntimeline:\n"
        "  - {at: 0s, do: drift, region: eu-west, merge: {\"5\": \"6\", a: 6, b: -1.5e3, c: null, "
        "d: true, e: \"true\", f: [1, \"\", {g: \"x\\ny\"}], h: 'no: yes', \"\\u00fc [\": ~}, note: \"- x\"}\n"
        "targets: {detected: 2s}\n",
        "drtest: 1\nname: t\ntopology:\n  regions:\n    no:\n    yes: {role: active}\n    on: {gateways: 1}\n"
        "  links: [{between: [no, yes], delay: 1ms, loss: 0.01%, rate: 1500bit}]\n"
        "  vantages: {\"123\": {home: on}, x: {home: no}, y: {home: no}}\n"
        "timeline: [{at: 0s, do: nothing}]\ntargets: {availability: 99.999%, p99: 1500us}\n",
    };
    for (size_t i = 0; i < array_len(yamls); i++) {
        scoped_text struct text out = {0};
        struct plan *p = load_yaml(yamls[i], &out);
        CU_ASSERT_STRING_EQUAL(text_str(&out), "");
        if (p) {
            round_trip(p);
        }
        plan_free(p);
    }
}

static void the_seed_is_written_down(void)
{
    struct plan *p = load_yaml("drtest: 1\nname: t\ntimeline: [{at: 0s, do: nothing}]\ntargets: {rto: 5s}\n", NULL);
    struct plan *q = load_yaml("drtest: 1\nname: t\ntimeline: [{at: 0s, do: nothing}]\ntargets: {rto: 5s}\n", NULL);
    REQUIRE(p && q);
    CU_ASSERT_NOT_EQUAL(p->seed, q->seed);
    round_trip(p);
    plan_free(p);
    plan_free(q);
}

static int load_damaged(const char *from, const char *to)
{
    scoped_text struct text out = {0}, bad = {0};
    struct plan *p = load_yaml("drtest: 1\nname: t\ntimeline: [{at: 0s, do: nothing}]\ntargets: {rto: 5s}\n", NULL);
    if (p) {
        plan_yaml(p, &out);
    }
    plan_free(p);
    const char *at = strstr(text_str(&out), from);
    if (!at) {
        return 1;
    }
    text_add_bytes(&bad, text_str(&out), (size_t)(at - text_str(&out)));
    text_addf(&bad, "%s%s", to, at + strlen(from));
    CU_ASSERT_EQUAL(file_replace(path, text_str(&bad), bad.len, NULL), 0);
    struct plan *loaded = NULL;
    struct err e = {0};
    int failed = plan_load(path, test_verbs, test_verb_count, &loaded, &e);
    CU_ASSERT_EQUAL(err_exit_code(&e), failed ? 3 : 0);
    plan_free(loaded);
    return failed;
}

static void damaged_origins_are_errors(void)
{
    CU_ASSERT_EQUAL(load_damaged("\"steps\":{", "\"stepz\":{"), -1);
    CU_ASSERT_EQUAL(load_damaged("\"steps\":{\"1\"", "\"steps\":{\"2\""), -1);
    CU_ASSERT_EQUAL(load_damaged("\"sha256\":\"", "\"sha256\":\"x"), -1);
    CU_ASSERT_EQUAL(load_damaged("\"overrides\":{}", "\"overrides\":[]"), -1);
    CU_ASSERT_EQUAL(load_damaged("\"elsewhere\":{}", "\"elsewhere\":[]"), -1);
    CU_ASSERT_EQUAL(load_damaged("\"elsewhere\":{}", "\"elsewhere\":{\"rto\":7}"), -1);
    CU_ASSERT_EQUAL(load_damaged("\"elsewhere\":{}", "\"elsewhere\":{\"rto\":{\"file\":null}}"), -1);
    CU_ASSERT_EQUAL(load_damaged("# origin: {", "# origin: "), -1);
    CU_ASSERT_EQUAL(load_damaged("drtest: 1", "drtest: 7"), -1);
    CU_ASSERT_EQUAL(load_damaged("# origin: {", "# without: {"), 0);
}

/* As plan.yaml was before targets of other files were told apart. */
static void older_origins_are_read(void)
{
    CU_ASSERT_EQUAL(load_damaged(",\"elsewhere\":{}", ""), 0);
}

static void missing_files_are_errors(void)
{
    struct plan *p = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL(plan_load("/nonexistent/plan.yaml", test_verbs, test_verb_count, &p, &e), -1);
    CU_ASSERT_EQUAL(err_exit_code(&e), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "No such file"));
}

void suite_plan_yaml(void)
{
    runner_suite(set_up, tear_down);
    runner_test(shipped_scenarios_round_trip);
    runner_test(targets_of_a_suite_round_trip);
    runner_test(awkward_values_round_trip);
    runner_test(the_seed_is_written_down);
    runner_test(damaged_origins_are_errors);
    runner_test(older_origins_are_read);
    runner_test(missing_files_are_errors);
}
