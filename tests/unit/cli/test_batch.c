/* SPDX-License-Identifier: MIT */
/*
 * From paths to runs: folders, suites, tags, repeats; and what stops a plan on a machine.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/batch.h"
#include "harness/cli/floors.h"
#include "harness/cli/machine.h"
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCENARIOS DRTEST_SOURCE_DIR "/scenarios"
#define THREE DRTEST_SOURCE_DIR "/tests/data/suite/three.yaml" /* region-outage, partition three times, config-drift */

static struct option_list none;

static void load(struct batch *b, const char *path, const struct option_list *tags, int64_t repeat)
{
    struct err e = {0};
    struct option_list paths = {0};
    struct batch_options o = {.set = &none, .tags = tags, .repeat = repeat, .seed = -1};
    option_list_add(&paths, path);
    CU_ASSERT_EQUAL(batch_load(b, &paths, &o, &e), 0);
    CU_ASSERT_EQUAL(b->errors, 0);
    option_list_deinit(&paths);
}

static void a_folder_stands_for_its_scenarios_not_its_suites(void)
{
    struct batch b = {0};
    load(&b, SCENARIOS, &none, -1);
    CU_ASSERT(b.jobs.len >= 5);
    CU_ASSERT_EQUAL(b.suites.len, 0);
    for (size_t i = 0; i < b.jobs.len; i++) {
        CU_ASSERT_PTR_NULL(b.jobs.at[i].suite);
    }
    batch_deinit(&b);
}

static void a_suite_is_its_entries_times_their_repeats(void)
{
    struct batch b = {0};
    load(&b, THREE, &none, 2);
    CU_ASSERT_EQUAL_FATAL(b.suites.len, 1);
    CU_ASSERT_STRING_EQUAL(b.suites.at[0]->name, "quarterly");
    CU_ASSERT_EQUAL(b.suites.at[0]->count, b.jobs.len);
    for (size_t i = 0; i < b.jobs.len; i++) {
        CU_ASSERT_EQUAL(b.jobs.at[i].repeat_count % 2, 0);
        CU_ASSERT(b.jobs.at[i].repeat_index >= 1 && b.jobs.at[i].repeat_index <= b.jobs.at[i].repeat_count);
    }
    batch_deinit(&b);
}

static void each_repeat_has_a_seed_of_its_own(void)
{
    struct batch b = {0}, again = {0}, alone = {0};
    load(&b, SCENARIOS "/region-outage.yaml", &none, 6); /* has a seed of its own */
    load(&again, SCENARIOS "/region-outage.yaml", &none, 6);
    load(&alone, SCENARIOS "/region-outage.yaml", &none, -1);
    CU_ASSERT_EQUAL_FATAL(b.jobs.len, 6);
    CU_ASSERT_EQUAL(b.jobs.at[0].plan->seed, alone.jobs.at[0].plan->seed);
    CU_ASSERT_PTR_NULL(alone.jobs.at[0].suite);
    for (size_t i = 0; i < 6; i++) {
        const struct job *job = &b.jobs.at[i];
        CU_ASSERT_EQUAL(job->repeat_index, (int64_t)i + 1);
        CU_ASSERT_EQUAL(job->plan->seed, again.jobs.at[i].plan->seed);
        CU_ASSERT_EQUAL(job->plan->seed, batch_repeat_seed(20260101, (int64_t)i + 1));
        CU_ASSERT_STRING_EQUAL(job->plan->sha256, alone.jobs.at[0].plan->sha256); /* still the same drill */
        CU_ASSERT(job->plan->seed > 0 && job->plan->seed < UINT64_C(1) << 53);
        CU_ASSERT_PTR_NOT_NULL_FATAL(job->suite);
        CU_ASSERT_STRING_EQUAL(job->suite->name, "region-outage-repeats");
        CU_ASSERT_PTR_NULL(job->suite->file);
        for (size_t k = 0; k < i; k++) {
            CU_ASSERT_NOT_EQUAL(job->plan->seed, b.jobs.at[k].plan->seed);
        }
    }
    batch_deinit(&b);
    batch_deinit(&again);
    batch_deinit(&alone);
}

static void the_seed_is_no_part_of_the_digest(void)
{
    struct err e = {0};
    struct batch b[3] = {0};
    const char *sets[] = {NULL, "workload.seed=7", "workload.reads.rate=300/s"};
    for (size_t i = 0; i < 3; i++) {
        struct option_list paths = {0}, given = {0};
        struct batch_options o = {.set = &given, .tags = &none, .repeat = -1, .seed = -1};
        option_list_add(&paths, SCENARIOS "/region-outage.yaml");
        if (sets[i]) {
            option_list_add(&given, sets[i]);
        }
        CU_ASSERT_EQUAL_FATAL(batch_load(&b[i], &paths, &o, &e), 0);
        CU_ASSERT_EQUAL_FATAL(b[i].jobs.len, 1);
        option_list_deinit(&paths);
        option_list_deinit(&given);
    }
    CU_ASSERT_EQUAL(b[1].jobs.at[0].plan->seed, 7);
    CU_ASSERT_STRING_EQUAL(b[0].jobs.at[0].plan->sha256, b[1].jobs.at[0].plan->sha256);
    CU_ASSERT_STRING_NOT_EQUAL(b[0].jobs.at[0].plan->sha256, b[2].jobs.at[0].plan->sha256);
    for (size_t i = 0; i < 3; i++) {
        batch_deinit(&b[i]);
    }
}

/* Rounds of one repeat each: the first as written, the others shuffled, and the same way every time. */
static void repeats_of_a_suite_go_in_rounds(void)
{
    struct batch b = {0}, again = {0};
    load(&b, THREE, &none, 8);
    load(&again, THREE, &none, 8);
    int64_t round = 1;
    size_t moved = 0;
    CU_ASSERT_EQUAL_FATAL(b.jobs.len, 40);
    CU_ASSERT_STRING_EQUAL(b.jobs.at[0].plan->name, "region-outage");
    CU_ASSERT_STRING_EQUAL(b.jobs.at[1].plan->name, "partition");
    CU_ASSERT_STRING_EQUAL(b.jobs.at[2].plan->name, "config-drift");
    for (size_t i = 0; i < b.jobs.len; i++) {
        CU_ASSERT(b.jobs.at[i].repeat_index >= round);
        round = b.jobs.at[i].repeat_index;
        moved += i % 3 == 0 && i < 24 && !text_eq(b.jobs.at[i].plan->name, "region-outage");
    }
    CU_ASSERT(moved > 0);
    batch_order(&b, b.suites.at[0]); /* nothing moves once it is in order but within rounds */
    CU_ASSERT_STRING_EQUAL(b.jobs.at[0].plan->name, again.jobs.at[0].plan->name);
    batch_deinit(&b);
    load(&b, SCENARIOS "/region-outage.yaml", &none, 3);
    load(&b, SCENARIOS "/partition.yaml", &none, 3);
    CU_ASSERT_EQUAL(b.suites.len, 2); /* two command lines, as it were */
    batch_deinit(&b);
    batch_deinit(&again);
}

static void a_suite_that_stops_keeps_its_order(void)
{
    struct batch b = {0};
    load(&b, THREE, &none, 2);
    struct batch_suite stops = *b.suites.at[0];
    struct job before[10];
    stops.stop_on_failure = true;
    CU_ASSERT_EQUAL_FATAL(b.jobs.len, 10);
    memcpy(before, b.jobs.at, sizeof(before));
    batch_order(&b, &stops);
    CU_ASSERT_EQUAL(memcmp(before, b.jobs.at, sizeof(before)), 0);
    batch_deinit(&b);
}

static void scenarios_named_together_share_a_set(void)
{
    struct err e = {0};
    struct batch b = {0};
    struct option_list paths = {0};
    struct batch_options o = {.set = &none, .tags = &none, .repeat = 2, .seed = 5};
    option_list_add(&paths, SCENARIOS "/region-outage.yaml");
    option_list_add(&paths, SCENARIOS "/null-drill.yaml");
    option_list_add(&paths, THREE);
    option_list_add(&paths, SCENARIOS "/partition.yaml");
    CU_ASSERT_EQUAL_FATAL(batch_load(&b, &paths, &o, &e), 0);
    CU_ASSERT_EQUAL_FATAL(b.suites.len, 3);
    CU_ASSERT_STRING_EQUAL(b.suites.at[0]->name, "repeats");
    CU_ASSERT_EQUAL(b.suites.at[0]->count, 4);
    CU_ASSERT_STRING_EQUAL(b.suites.at[1]->name, "quarterly");
    CU_ASSERT_STRING_EQUAL(b.suites.at[2]->name, "partition-repeats");
    CU_ASSERT_EQUAL(b.suites.at[2]->first, 14);
    option_list_deinit(&paths);
    batch_deinit(&b);
}

static void a_target_out_of_reach_is_warned_of_once(void)
{
    struct err e = {0};
    struct batch b = {0};
    struct option_list paths = {0}, given = {0};
    struct batch_options o = {.set = &given, .tags = &none, .repeat = 3, .seed = -1};
    option_list_add(&paths, SCENARIOS "/region-outage.yaml");
    option_list_add(&given, "targets.rto=500ms");
    CU_ASSERT_EQUAL_FATAL(batch_load(&b, &paths, &o, &e), 0);
    scoped_text struct text t = {0};
    batch_print(&b, &t, "human", false);
    CU_ASSERT_EQUAL(b.warnings, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), "DR0218"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), "out of reach by configuration"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), "--> --set:1:1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), "1 | targets.rto=500ms\n  | ^^^^^^^^^^^\n"));
    const struct plan *p = b.jobs.at[0].plan;
    struct plan_target rto = *plan_target_find(p, TARGET_RTO);
    struct floor f = floor_of_target(p, TARGET_RTO);
    CU_ASSERT_STRING_EQUAL(floor_says(&rto, f), "out of reach by configuration");
    rto.value = 1000000000;
    CU_ASSERT_STRING_EQUAL(floor_says(&rto, f), "depends on phase");
    rto.value = 2000000000;
    CU_ASSERT_PTR_NULL(floor_says(&rto, f));
    CU_ASSERT_PTR_NULL(floor_says(&rto, floor_of_target(p, TARGET_P99)));
    option_list_deinit(&paths);
    option_list_deinit(&given);
    batch_deinit(&b);
}

static void a_target_of_a_suite_is_warned_of_where_it_stands(void)
{
    char path[] = "/tmp/drtest-batch-XXXXXX";
    struct err e = {0};
    struct batch b = {0};
    struct option_list paths = {0};
    struct batch_options o = {.set = &none, .tags = &none, .repeat = -1, .seed = -1};
    static const char suite[] = "drtest: 1\nsuite: s\nscenarios:\n  - file: " SCENARIOS "/region-outage.yaml\n"
                                "    with:\n      targets:\n        rto: 500ms\n";
    scoped_fd int fd = mkstemp(path);
    CU_ASSERT_EQUAL_FATAL(write(fd, suite, strlen(suite)), (ssize_t)strlen(suite));
    option_list_add(&paths, path);
    CU_ASSERT_EQUAL_FATAL(batch_load(&b, &paths, &o, &e), 0);
    scoped_text struct text t = {0}, place = {0};
    batch_print(&b, &t, "human", false);
    text_addf(&place, "--> %s:7:9\n  |\n7 |         rto: 500ms\n", path);
    CU_ASSERT_EQUAL(b.warnings, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), text_str(&place)));
    option_list_deinit(&paths);
    batch_deinit(&b);
    unlink(path);
}

static void tags_select_and_exclude(void)
{
    struct option_list tags = {0};
    struct batch b = {0};
    option_list_add(&tags, "strategy-data");
    option_list_add(&tags, "!network");
    load(&b, SCENARIOS, &tags, -1);
    CU_ASSERT(b.jobs.len >= 2);
    for (size_t i = 0; i < b.jobs.len; i++) {
        CU_ASSERT(batch_selected(b.jobs.at[i].plan, &tags));
        CU_ASSERT_STRING_NOT_EQUAL(b.jobs.at[i].plan->name, "partition");
    }
    CU_ASSERT(b.files > b.jobs.len);
    option_list_deinit(&tags);
    batch_deinit(&b);
}

static void what_is_not_there_is_an_error_of_the_batch(void)
{
    struct err e = {0};
    struct batch b = {0};
    struct option_list paths = {0};
    struct batch_options o = {.set = &none, .tags = &none, .repeat = -1, .seed = -1};
    option_list_add(&paths, "/nonexistent/x.yaml");
    CU_ASSERT_EQUAL(batch_load(&b, &paths, &o, &e), 0);
    CU_ASSERT(b.errors > 0);
    scoped_text struct text t = {0};
    batch_print(&b, &t, "json", false);
    CU_ASSERT(text_starts(text_str(&t), "["));
    option_list_deinit(&paths);
    batch_deinit(&b);
}

static void a_machine_without_the_effect_is_unfit(void)
{
    struct batch b = {0};
    load(&b, SCENARIOS "/region-outage.yaml", &none, -1);
    const struct plan *p = b.jobs.at[0].plan;
    struct lab_caps caps = {.usable = true};
    for (int i = 0; i < LAB_EFFECTS; i++) {
        caps.effects[i] =
            (struct lab_mechanism){.name = "none", .why = "a missing thing", .available = i == EFFECT_KILL};
    }
    scoped_text struct text why = {0};
    CU_ASSERT(machine_needs(p, EFFECT_KILL) && !machine_needs(p, EFFECT_DEGRADE));
    CU_ASSERT_FALSE(machine_unfit(&caps, p, &why)); /* shaped links are a wish */
    caps.effects[EFFECT_KILL].available = false;
    CU_ASSERT(machine_unfit(&caps, p, &why));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&why), "a missing thing"));
    caps = (struct lab_caps){.reason = "no namespaces", .remedy = "be root"};
    text_clear(&why);
    CU_ASSERT(machine_unfit(&caps, p, &why));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&why), "be root"));
    batch_deinit(&b);
}

static void mechanisms_are_forced_by_effect(void)
{
    struct arena a = {0};
    struct err e = {0};
    struct option_list given = {0};
    const char *forced[LAB_EFFECTS] = {0};
    option_list_add(&given, "cut=fib");
    CU_ASSERT_EQUAL(machine_forced(&given, &a, forced, &e), 0);
    CU_ASSERT_STRING_EQUAL(forced[EFFECT_CUT], "fib");
    static const char *const wrong[] = {"cut", "cut=", "cu=fib", "=fib", "cutt=fib"};
    for (size_t i = 0; i < array_len(wrong); i++) {
        e = (struct err){0};
        given.at[0] = wrong[i];
        CU_ASSERT_EQUAL(machine_forced(&given, &a, forced, &e), -1);
        CU_ASSERT_EQUAL(e.kind, ERR_USAGE);
    }
    option_list_deinit(&given);
    arena_deinit(&a);
}

void suite_batch(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_folder_stands_for_its_scenarios_not_its_suites);
    runner_test(a_suite_is_its_entries_times_their_repeats);
    runner_test(each_repeat_has_a_seed_of_its_own);
    runner_test(the_seed_is_no_part_of_the_digest);
    runner_test(repeats_of_a_suite_go_in_rounds);
    runner_test(a_suite_that_stops_keeps_its_order);
    runner_test(scenarios_named_together_share_a_set);
    runner_test(a_target_out_of_reach_is_warned_of_once);
    runner_test(a_target_of_a_suite_is_warned_of_where_it_stands);
    runner_test(tags_select_and_exclude);
    runner_test(what_is_not_there_is_an_error_of_the_batch);
    runner_test(a_machine_without_the_effect_is_unfit);
    runner_test(mechanisms_are_forced_by_effect);
}
