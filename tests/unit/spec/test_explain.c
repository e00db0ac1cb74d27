/* SPDX-License-Identifier: MIT */
/*
 * `drtest explain`: every topic that a message mentions leads somewhere.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/spec/explain.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include "tests/unit/spec/verbs.h"
#include <stdio.h>
#include <string.h>

static bool says(const char *topic, const char *words)
{
    scoped_text struct text out = {0};
    return spec_explain(&out, topic, test_verbs, test_verb_count, NULL) == 0 && strstr(text_str(&out), words);
}

static void topics_are_explained(void)
{
    CU_ASSERT(says("scenario", "timeline: "));
    CU_ASSERT(says("workload", "seed: "));
    CU_ASSERT(says("workload.reads", "connections: "));
    CU_ASSERT(says("workload.reads.connections", "one of both, fresh, keepalive; default both"));
    CU_ASSERT(says("steady_state.expect.p99", "duration"));
    CU_ASSERT(says("topology", "flaws: "));
    CU_ASSERT(says("topology.regions", "gateways: "));
    CU_ASSERT(says("topology.links.between", "required"));
    CU_ASSERT(says("topology.flaws", "no_failover"));
    CU_ASSERT(says("timeline", "partition: Cut a link."));
    CU_ASSERT(says("timeline.partition", "direction: "));
    CU_ASSERT(says("timeline.kill.how", "one of power, crash"));
    CU_ASSERT(says("timeline.degrade.jitter", "only beside `delay`"));
    CU_ASSERT(says("targets.rto", "such as 5s"));
    CU_ASSERT(says("rto", "stable service"));
    CU_ASSERT(says("partition", "direction: "));
    CU_ASSERT(says("kill.how", "one of power, crash"));
    CU_ASSERT(says("suite", "overdue_after: "));
    CU_ASSERT(says("suite.scenarios", "repeat: "));
    CU_ASSERT(says("timeline.at", "scenario time"));
    CU_ASSERT(says("timeline.do", "the verb"));
    CU_ASSERT(says("timeline.note", "for people"));
    CU_ASSERT(says("timeline.region", "every node"));
    CU_ASSERT(says("DR0103", "not one of those"));
}

static void explain_one(void *arg, const char *topic)
{
    size_t *count = arg;
    scoped_text struct text out = {0};
    ++*count;
    if (spec_explain(&out, topic, test_verbs, test_verb_count, NULL) < 0 || out.len <= strlen(topic) + strlen(": \n")) {
        printf("\n    nothing is said about %s\n", topic);
        CU_FAIL("a topic is not explained");
    }
}

static void count_wanted(void *arg, const char *topic)
{
    static const char *const wanted[] = {
        "timeline", "timeline.at", "timeline.kill.how", "workload.reads.rate", "topology.failover.probe_every", "kill",
        "rto", "suite", "suite.overdue_after", "suite.scenarios.repeat"};
    size_t *found = arg;
    for (size_t i = 0; i < array_len(wanted); i++) {
        found[i] += strcmp(wanted[i], topic) == 0;
    }
}

static void every_topic_is_explained(void)
{
    size_t count = 0, found[10] = {0};
    spec_topics(test_verbs, test_verb_count, explain_one, &count);
    CU_ASSERT(count > 150);
    spec_topics(test_verbs, test_verb_count, count_wanted, found);
    for (size_t i = 0; i < array_len(found); i++) {
        CU_ASSERT_EQUAL(found[i], 1);
    }
}

static void unknown_topics_get_help(void)
{
    static const struct {
        const char *topic, *help;
    } wrong[] = {{"timeline.partitoin", "use `drtest explain timeline.partition`"},
                 {"partitoin", "use `drtest explain partition`"},
                 {"workloud.reads", "use `drtest explain workload`"},
                 {"workload.raeds", "use `drtest explain workload.reads`"},
                 {"suite.scenarois", "use `drtest explain suite.scenarios`"},
                 {"availabilty", "use `drtest explain availability`"},
                 {"timeline.kill.regoin", "use `drtest explain timeline.kill.region`"},
                 {"DR9999", ""},
                 {"timeline.kill.x", ""},
                 {"timeline.at.x", ""},
                 {"workload.seed.x", ""},
                 {".", ""}};
    for (size_t i = 0; i < array_len(wrong); i++) {
        scoped_text struct text out = {0};
        struct err e = {0};
        CU_ASSERT_EQUAL(spec_explain(&out, wrong[i].topic, test_verbs, test_verb_count, &e), -1);
        CU_ASSERT_EQUAL(err_exit_code(&e), 2);
        CU_ASSERT_STRING_EQUAL(e.help, wrong[i].help);
    }
}

void suite_explain(void)
{
    runner_suite(NULL, NULL);
    runner_test(topics_are_explained);
    runner_test(every_topic_is_explained);
    runner_test(unknown_topics_get_help);
}
