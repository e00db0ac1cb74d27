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

static void gates_need_rules_and_rejects_answers(void)
{
    const struct caps_trial old = {.netem = true, .fib = true, .wire = true}, mute = {.fib = true, .ports = true},
                            all = {.netem = true, .fib = true, .wire = true, .ports = true};
    struct lab_caps caps = {0};
    caps_judge(&old, &caps);
    CU_ASSERT(!caps.effects[EFFECT_CUT_ONLY].available && !caps.effects[EFFECT_REJECT].available);
    caps_judge(&mute, &caps);
    CU_ASSERT(caps.effects[EFFECT_CUT_ONLY].available && !caps.effects[EFFECT_REJECT].available);
    CU_ASSERT_PTR_NOT_NULL(strstr(caps.effects[EFFECT_REJECT].why, "packet sockets"));
    caps_judge(&all, &caps);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_CUT_ONLY].name, "fib");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_REJECT].name, "fib");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_CUT].name, "netem");
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
    e = (struct err){0};
    forced[EFFECT_CUT] = NULL;
    forced[EFFECT_RATE] = "tbf"; /* a device has one queueing discipline */
    caps_judge(&all, &caps);
    CU_ASSERT_EQUAL(caps_force(&caps, &all, forced, &e), -1);
    e = (struct err){0};
    forced[EFFECT_RATE] = NULL;
    forced[EFFECT_DEGRADE] = "wire";
    caps_judge(&all, &caps);
    CU_ASSERT_EQUAL(caps_force(&caps, &all, forced, &e), -1); /* not tried, or in vain */
    const struct caps_trial wire_too = {.netem = true, .wire = true};
    e = (struct err){0};
    CU_ASSERT_EQUAL(caps_force(&caps, &wire_too, forced, &e), 0);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_DEGRADE].name, "wire");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_RATE].name, "netem");
    forced[EFFECT_DEGRADE] = NULL;
    forced[EFFECT_FREEZE] = "cgroup";
    caps_judge(&all, &caps);
    CU_ASSERT_EQUAL(caps_force(&caps, &all, forced, &e), -1);
    CU_ASSERT_STRING_EQUAL(e.at, "freeze");
}

static void the_wire_before_nothing(void)
{
    const struct caps_trial some = {.tbf = true, .fib = true, .wire = true}, alone = {.wire = true};
    struct lab_caps caps = {0};
    caps_judge(&some, &caps);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_DEGRADE].name, "wire");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_RATE].name, "tbf");
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_CUT].name, "fib");
    caps_judge(&alone, &caps);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_RATE].name, "wire");
    CU_ASSERT_FALSE(caps.effects[EFFECT_CUT].available);
}

/* Four links: one with a delay of its own, one that a fault degrades, one that a fault narrows, one left alone. */
static void only_links_that_need_it(void)
{
    struct topo_link links[4] = {{.baseline = {.delay_ns = 1}}, {.a = 1}, {.a = 2}, {.a = 3}};
    const struct topology t = {.links = links, .link_count = 4};
    const unsigned effects[4] = {0, 1u << EFFECT_DEGRADE | 1u << EFFECT_CUT, 1u << EFFECT_RATE, 1u << EFFECT_CUT};
    const struct caps_trial trial = {.tbf = true, .fib = true, .wire = true}, netem = {.netem = true, .wire = true};
    const char *forced[LAB_EFFECTS] = {0};
    struct lab_caps caps = {0};
    bool wired[4];
    caps_judge(&trial, &caps);
    CU_ASSERT_TRUE(lab_caps_settle(&caps, &t, effects, forced, wired));
    CU_ASSERT(wired[0] && wired[1] && wired[2] && !wired[3]);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_RATE].name, "wire"); /* one link, one mechanism */

    forced[EFFECT_RATE] = "tbf";
    caps_judge(&trial, &caps);
    CU_ASSERT_TRUE(lab_caps_settle(&caps, &t, effects, forced, wired));
    CU_ASSERT(wired[0] && wired[1] && !wired[2] && !wired[3]);

    forced[EFFECT_RATE] = NULL;
    links[0].baseline = (struct path_state){0};
    const unsigned narrow[4] = {0, 0, 1u << EFFECT_RATE, 0};
    caps_judge(&trial, &caps);
    CU_ASSERT_FALSE(lab_caps_settle(&caps, &t, narrow, forced, wired)); /* a rate alone: the bucket does it */
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_RATE].name, "tbf");
    CU_ASSERT_FALSE(lab_caps_settle(&caps, &t, NULL, forced, NULL));

    caps_judge(&netem, &caps);
    CU_ASSERT_FALSE(lab_caps_settle(&caps, &t, effects, forced, wired));
}

static void telling_packets_apart(void)
{
    struct topo_link links[2] = {{.a = 1}, {.a = 2}};
    const struct topology t = {.links = links, .link_count = 2};
    const unsigned effects[2] = {1u << EFFECT_FILTER, 1u << EFFECT_UNPLUG};
    const struct caps_trial able = {.netem = true, .filter = true, .wire = true, .disconnect = true},
                            wire = {.netem = true, .wire = true};
    const char *forced[LAB_EFFECTS] = {0};
    struct lab_caps caps = {0};
    bool wired[2];
    caps_judge(&able, &caps);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_FILTER].name, "bpf");
    CU_ASSERT_TRUE(caps.effects[EFFECT_DISCONNECT].available && caps.effects[EFFECT_UNPLUG].available);
    CU_ASSERT_FALSE(lab_caps_settle(&caps, &t, effects, forced, wired));
    caps_judge(&wire, &caps);
    CU_ASSERT_STRING_EQUAL(caps.effects[EFFECT_FILTER].name, "wire");
    CU_ASSERT_FALSE(caps.effects[EFFECT_DISCONNECT].available);
    CU_ASSERT_PTR_NOT_NULL(strstr(caps.effects[EFFECT_DISCONNECT].why, "CONFIG_INET_DIAG_DESTROY"));
    CU_ASSERT_TRUE(lab_caps_settle(&caps, &t, effects, forced, wired));
    CU_ASSERT(wired[0] && !wired[1]);
}

void suite_caps(void)
{
    runner_suite(NULL, NULL);
    runner_test(netem_comes_first);
    runner_test(without_netem);
    runner_test(nothing_at_all);
    runner_test(gates_need_rules_and_rejects_answers);
    runner_test(what_is_forced);
    runner_test(the_wire_before_nothing);
    runner_test(only_links_that_need_it);
    runner_test(telling_packets_apart);
}
