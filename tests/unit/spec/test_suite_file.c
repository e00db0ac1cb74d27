/* SPDX-License-Identifier: MIT */
/*
 * Suites: merging key by key, dropped targets, paths, schedules.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/suite.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include "tests/unit/spec/verbs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/drtest-suite-XXXXXX";

static int set_up(void)
{
    return mkdtemp(folder) && go_to_sources() == 0 ? 0 : -1;
}

static int tear_down(void)
{
    static const char *const names[] = {"s.yaml", "a.yaml"};
    for (size_t i = 0; i < array_len(names); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    CU_ASSERT_EQUAL(file_replace(path, text, strlen(text), NULL), 0);
}

static struct suite *load(const char *text, struct text *out)
{
    char path[64];
    struct suite *s = NULL;
    struct diag_list diags = {0};
    write_file("s.yaml", text);
    snprintf(path, sizeof(path), "%s/s.yaml", folder);
    int failed = suite_load(path, &s, &diags, NULL);
    if (out) {
        text_clear(out);
        diag_print(&diags, out, false);
    }
    diag_list_deinit(&diags);
    return failed ? NULL : s;
}

static struct plan *plan_entry(const struct suite *s, size_t entry, const char *set, struct text *out)
{
    struct plan *p = NULL;
    struct diag_list diags = {0};
    const struct spec_options options = {.sets = &set, .set_count = set ? 1 : 0};
    int failed = suite_plan(s, entry, test_verbs, test_verb_count, &options, &p, &diags, NULL);
    if (out) {
        text_clear(out);
        diag_print(&diags, out, false);
    }
    diag_list_deinit(&diags);
    return failed ? NULL : p;
}

static int64_t target(const struct plan *p, enum target_key key)
{
    const struct plan_target *t = plan_target_find(p, key);
    return t ? t->value : -1;
}

static void defaults_and_entries(void)
{
    struct suite *s = NULL;
    struct diag_list diags = {0};
    CU_ASSERT_TRUE(spec_is_suite("tests/data/suite/three.yaml"));
    CU_ASSERT_FALSE(spec_is_suite("scenarios/partition.yaml"));
    CU_ASSERT_FALSE(spec_is_suite("tests/data/spec/binary.yaml"));
    CU_ASSERT_EQUAL(suite_load("tests/data/suite/three.yaml", &s, &diags, NULL), 0);
    REQUIRE(s != NULL);
    CU_ASSERT_STRING_EQUAL(s->name, "quarterly");
    CU_ASSERT_EQUAL(s->schedule, SCHEDULE_QUARTERLY);
    CU_ASSERT_EQUAL(s->overdue_after_ns, 100 * 86400 * NS_PER_S);
    CU_ASSERT_FALSE(s->stop_on_failure);
    REQUIRE(s->count == 3);
    CU_ASSERT_STRING_EQUAL(s->entries[0].file, "tests/data/suite/../../../scenarios/region-outage.yaml");
    CU_ASSERT_EQUAL(s->entries[1].repeat, 3);
    struct plan *p[3];
    for (size_t i = 0; i < 3; i++) {
        p[i] = plan_entry(s, i, NULL, NULL);
        REQUIRE(p[i] != NULL);
    }
    CU_ASSERT_EQUAL(target(p[1], TARGET_RTO), 3 * NS_PER_S); /* its own */
    CU_ASSERT_EQUAL(target(p[1], TARGET_RPO), 0);
    CU_ASSERT_EQUAL(target(p[2], TARGET_RTO), 5 * NS_PER_S); /* the suite's default */
    CU_ASSERT_EQUAL(target(p[2], TARGET_RPO), -1);           /* writes nothing: dropped */
    CU_ASSERT_EQUAL(target(p[2], TARGET_LOST_AFTER), -1);
    CU_ASSERT_EQUAL(target(p[2], TARGET_REPAIRED), 20 * NS_PER_S); /* the entry's */
    scoped_free char *record = json_dumps(p[2]->overrides, JSON_COMPACT | JSON_SORT_KEYS);
    CU_ASSERT_STRING_EQUAL(record, "{\"targets.repaired\":\"20s\",\"targets.rpo\":\"1s\",\"targets.rto\":\"5s\"}");
    suite_free(s);
    diag_list_deinit(&diags);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_PTR_NOT_NULL(p[i]->yaml); /* plans outlive their suite */
        plan_free(p[i]);
    }
}

static const char scenario[] = "drtest: 1\nname: a\nworkload: {seed: 3, reads: {rate: 100/s, timeout: 2s}}\n"
                               "timeline: [{at: 0s, do: kill, region: us-east, for: 20s}]\ntargets: {rto: 5s}\n";

static void values_merge_key_by_key(void)
{
    write_file("a.yaml", scenario);
    struct suite *s =
        load("drtest: 1\nsuite: s\ndefaults: {workload: {seed: 9, reads: {rate: 1/s, connections: fresh}, "
             "writes: {rate: 40/s}}, targets: {rpo: 1s, rto: 9s}, recovery: {hold: 7s}}\n"
             "scenarios: [a.yaml, {file: a.yaml, with: {workload: {reads: {rate: 200/s}}}}]\n",
             NULL);
    REQUIRE(s != NULL);
    struct plan *p = plan_entry(s, 0, NULL, NULL), *q = plan_entry(s, 1, NULL, NULL),
                *r = plan_entry(s, 1, "targets.rto=4s", NULL);
    REQUIRE(p && q && r);
    CU_ASSERT_EQUAL(p->seed, 3);
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_total(p), 140, 1e-9);
    CU_ASSERT_EQUAL(p->stream_count, 4); /* fresh from the defaults, writes, too */
    CU_ASSERT_EQUAL(p->streams[0].timeout_ns, 2 * NS_PER_S);
    CU_ASSERT_PTR_NOT_NULL(strstr(p->yaml, "hold: 7s"));
    CU_ASSERT_EQUAL(target(p, TARGET_RPO), NS_PER_S);
    CU_ASSERT_EQUAL(target(p, TARGET_RTO), 5 * NS_PER_S);
    CU_ASSERT_DOUBLE_EQUAL(plan_rate_total(q), 240, 1e-9);
    CU_ASSERT_EQUAL(target(r, TARGET_RTO), 4 * NS_PER_S);
    CU_ASSERT_STRING_NOT_EQUAL(p->sha256, q->sha256);
    plan_free(p);
    plan_free(q);
    plan_free(r);
    suite_free(s);
}

static bool stands(const struct plan *p, enum target_key key, const char *name, int line, int column)
{
    char path[64];
    const struct plan_target *t = plan_target_find(p, key);
    snprintf(path, sizeof(path), "%s/%s", folder, name ? name : "");
    bool found = t && t->line == line && t->column == column && text_eq(t->file, name ? path : NULL);
    if (!found) {
        printf("\n  %s: %s:%d:%d, not %s:%d:%d\n", target_types[key].key, t && t->file ? t->file : "-",
               t ? t->line : -1, t ? t->column : -1, name ? name : "-", line, column);
    }
    return found;
}

static void targets_stand_where_they_were_written(void)
{
    write_file("a.yaml", "drtest: 1\nname: a\nworkload: {seed: 3, writes: {rate: 100/s}}\n"
                         "timeline: [{at: 0s, do: kill, region: us-east, for: 20s}]\ntargets:\n  rto: 5s\n");
    struct suite *s = load("drtest: 1\nsuite: s\ndefaults:\n  targets:\n    rto: 9s\n    rpo: 1s\n"
                           "scenarios:\n  - a.yaml\n  - file: a.yaml\n    with:\n      targets:\n        rto: 4s\n",
                           NULL);
    REQUIRE(s != NULL);
    struct plan *p = plan_entry(s, 0, NULL, NULL), *q = plan_entry(s, 1, NULL, NULL),
                *r = plan_entry(s, 1, "targets.rto=3s", NULL);
    suite_free(s); /* places outlive it */
    REQUIRE(p && q && r);
    CU_ASSERT(stands(p, TARGET_RTO, NULL, 6, 3)); /* the scenario's own */
    CU_ASSERT(stands(p, TARGET_RPO, "s.yaml", 6, 5));
    CU_ASSERT(stands(p, TARGET_LOST_AFTER, "s.yaml", 6, 5)); /* implied by it */
    CU_ASSERT(stands(q, TARGET_RTO, "s.yaml", 12, 9));
    CU_ASSERT(stands(q, TARGET_RPO, "s.yaml", 6, 5));
    CU_ASSERT(stands(r, TARGET_RTO, NULL, 0, 0));
    CU_ASSERT_STRING_EQUAL(plan_target_find(r, TARGET_RTO)->assignment, "targets.rto=3s");
    plan_free(p);
    plan_free(q);
    plan_free(r);
}

static void only_defaults_are_dropped(void)
{
    scoped_text struct text out = {0};
    write_file("a.yaml", scenario);
    struct suite *s = load("drtest: 1\nsuite: s\nscenarios: [{file: a.yaml, with: {targets: {rpo: 1s}}}]\n", NULL);
    REQUIRE(s != NULL);
    CU_ASSERT_PTR_NULL(plan_entry(s, 0, NULL, &out));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), "error[DR0203]: `rpo` cannot be measured without writes"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), "/s.yaml:3:50\n")); /* where the suite says it */
    suite_free(s);
}

static void wrong_values_point_into_the_suite(void)
{
    scoped_text struct text out = {0};
    write_file("a.yaml", scenario);
    struct suite *s = load("drtest: 1\nsuite: s\ndefaults: {recovery: {hold: 5}}\nscenarios: [a.yaml, b.yaml]\n", NULL);
    REQUIRE(s != NULL);
    CU_ASSERT_PTR_NULL(plan_entry(s, 0, NULL, &out));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), "/s.yaml:3:29\n"));
    CU_ASSERT_PTR_NULL(plan_entry(s, 1, NULL, &out));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), "/b.yaml\n"));
    suite_free(s);
}

static void schedules(void)
{
    static const struct {
        const char *word;
        enum suite_schedule schedule;
        int64_t days;
    } cases[] = {
        {"daily", SCHEDULE_DAILY, 2},      {"weekly", SCHEDULE_WEEKLY, 8},
        {"monthly", SCHEDULE_MONTHLY, 35}, {"quarterly", SCHEDULE_QUARTERLY, 100},
        {"yearly", SCHEDULE_YEARLY, 400},  {"17 6 1 1,4,7,10 *", SCHEDULE_CRON, 0},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "drtest: 1\nsuite: s\nschedule: %s\nscenarios: [a.yaml]\n", cases[i].word);
        struct suite *s = load(text, NULL);
        CU_ASSERT(s && s->schedule == cases[i].schedule && s->overdue_after_ns == cases[i].days * 86400 * NS_PER_S);
        suite_free(s);
    }
    CU_ASSERT_PTR_NULL(load("drtest: 1\nsuite: s\nschedule: 17 6 1 *\nscenarios: [a.yaml]\n", NULL));
    CU_ASSERT_PTR_NULL(load("drtest: 1\nsuite: s\nschedule: 17 6 1 JAN *\nscenarios: [a.yaml]\n", NULL));
    CU_ASSERT_PTR_NULL(load("drtest: 1\nsuite: s\nscenarios: []\n", NULL));
    CU_ASSERT_PTR_NULL(load("drtest: 1\nsuite: s\nname: t\nscenarios: [a.yaml]\n", NULL));
}

void suite_suite_file(void)
{
    runner_suite(set_up, tear_down);
    runner_test(defaults_and_entries);
    runner_test(values_merge_key_by_key);
    runner_test(targets_stand_where_they_were_written);
    runner_test(only_defaults_are_dropped);
    runner_test(wrong_values_point_into_the_suite);
    runner_test(schedules);
}
