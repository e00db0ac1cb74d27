/* SPDX-License-Identifier: MIT */
/*
 * From paths to runs: folders, suites, tags, repeats; and what stops a plan on a machine.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/batch.h"
#include "harness/cli/machine.h"
#include "tests/unit/runner.h"

#include <string.h>

#define SCENARIOS DRTEST_SOURCE_DIR "/scenarios"

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
    load(&b, SCENARIOS "/quarterly.yaml", &none, 2);
    CU_ASSERT_EQUAL_FATAL(b.suites.len, 1);
    CU_ASSERT_STRING_EQUAL(b.suites.at[0]->name, "quarterly");
    CU_ASSERT_EQUAL(b.suites.at[0]->count, b.jobs.len);
    for (size_t i = 0; i < b.jobs.len; i++) {
        CU_ASSERT_EQUAL(b.jobs.at[i].repeat_count % 2, 0);
        CU_ASSERT(b.jobs.at[i].repeat_index >= 1 && b.jobs.at[i].repeat_index <= b.jobs.at[i].repeat_count);
    }
    batch_deinit(&b);
}

static void tags_select_and_exclude(void)
{
    struct option_list tags = {0};
    struct batch b = {0};
    option_list_add(&tags, "quarterly");
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
    runner_test(tags_select_and_exclude);
    runner_test(what_is_not_there_is_an_error_of_the_batch);
    runner_test(a_machine_without_the_effect_is_unfit);
    runner_test(mechanisms_are_forced_by_effect);
}
