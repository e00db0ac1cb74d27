/* SPDX-License-Identifier: MIT */
#include "harness/base/err.h"
#include "harness/lab/caps.h"
#include "tests/unit/runner.h"

#include <string.h>

static void netem_comes_first(void)
{
    const struct caps_trial all = {.netem = true, .tbf = true, .fib = true};
    struct lab_caps caps = {0};
    caps_judge(&all, &caps);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_CUT].name, "netem");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_DEGRADE].name, "netem");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_RATE].name, "netem");
}

static void without_netem(void)
{
    const struct caps_trial some = {.tbf = true, .fib = true};
    struct lab_caps caps = {0};
    caps_judge(&some, &caps);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_CUT].name, "fib");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_RATE].name, "tbf");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_DEGRADE].name, "none");
    CU_ASSERT_FALSE(caps.effects[EFFECT_DEGRADE].available);
    CU_ASSERT_PTR_NOT_NULL(strstr(caps.effects[EFFECT_DEGRADE].why, "sch_netem"));
}

static void nothing_at_all(void)
{
    const struct caps_trial bare = {0};
    struct lab_caps caps = {0};
    caps_judge(&bare, &caps);
    CU_ASSERT_FALSE(caps.effects[EFFECT_CUT].available);
    CU_ASSERT_FALSE(caps.effects[EFFECT_RATE].available);
    for (int i = 0; i < LAB_EFFECTS; i++) {
        CU_ASSERT_PTR_NOT_NULL(caps.effects[i].name);
        CU_ASSERT_PTR_NOT_NULL(caps.effects[i].why);
        CU_ASSERT_PTR_NOT_NULL(lab_effect_words[i]);
    }
}

static void what_is_forced(void)
{
    const struct caps_trial all = {.netem = true, .tbf = true, .fib = true}, no_fib = {.netem = true};
    const char *forced[LAB_EFFECTS] = {[EFFECT_CUT] = "fib", [EFFECT_KILL] = "signal"};
    struct lab_caps caps = {0};
    struct err e = {0};
    caps_judge(&all, &caps);
    CU_ASSERT_EQUAL(caps_force(&caps, &all, forced, &e), 0);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_CUT].name, "fib");
    caps_judge(&no_fib, &caps);
    CU_ASSERT_EQUAL(caps_force(&caps, &no_fib, forced, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_MACHINE);
    e = (struct err){0};
    forced[EFFECT_CUT] = NULL;
    forced[EFFECT_FREEZE] = "cgroup";
    caps_judge(&all, &caps);
    CU_ASSERT_EQUAL(caps_force(&caps, &all, forced, &e), -1);
    CU_ASSERT_STRING_EQUAL(e.at, "freeze");
}

void suite_caps(void)
{
    runner_suite(NULL, NULL);
    runner_test(netem_comes_first);
    runner_test(without_netem);
    runner_test(nothing_at_all);
    runner_test(what_is_forced);
}
