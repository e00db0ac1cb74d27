/* SPDX-License-Identifier: MIT */
/*
 * --profile: what it brings along, what a scenario adds, what stands above it, and that nothing of it is read unheard.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/load_tree.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include "tests/unit/spec/verbs.h"
#include <stdio.h>
#include <string.h>

#define SMALL                                                                                                          \
    "drtest: 1\nname: t\ntimeline:\n  - {at: 0s, do: kill, region: us-east}\n"                                         \
    "  - {at: 300s, do: restore, region: us-east}\ntargets: {rto: 5s}\n"

static struct plan *read_as(const char *yaml, const char *profile, const char *set, struct text *out)
{
    struct plan *p = NULL;
    struct diag_list diags = {0};
    const struct load l = {.path = "t.yaml",
                           .text = yaml,
                           .len = strlen(yaml),
                           .types = test_verbs,
                           .type_count = test_verb_count,
                           .options = {.profile = profile, .sets = &set, .set_count = set ? 1 : 0, .seed = 7}};
    int failed = load_plan(&l, &p, &diags, NULL);
    if (out) {
        diag_print(&diags, out, false);
    }
    diag_list_deinit(&diags);
    return failed ? NULL : p;
}

static void article_is_slow(void)
{
    struct plan *p = read_as(SMALL, "article", NULL, NULL);
    REQUIRE(p != NULL);
    const struct topo_failover *f = &p->topology->failover;
    CU_ASSERT_EQUAL(f->probe_every_ns, 30 * NS_PER_S);
    CU_ASSERT_EQUAL(f->unhealthy_after, 3);
    CU_ASSERT_EQUAL(f->dns_ttl_ns, 60 * NS_PER_S);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(p->overrides, "topology.failover.probe_every")), "30s");
    plan_free(p);
}

static void ci_is_the_scenario_as_written(void)
{
    struct plan *plain = read_as(SMALL, NULL, NULL, NULL), *ci = read_as(SMALL, "ci", NULL, NULL);
    REQUIRE(plain != NULL && ci != NULL);
    CU_ASSERT_STRING_EQUAL(plain->sha256, ci->sha256);
    CU_ASSERT_STRING_EQUAL(plain->yaml, ci->yaml);
    plan_free(plain);
    plan_free(ci);
}

static void scenarios_add_to_it(void)
{
    static const char yaml[] = SMALL "profiles: {article: {targets.rto: 160s, timeline.1.at: 400s}}\n";
    struct plan *p = read_as(yaml, "article", NULL, NULL);
    REQUIRE(p != NULL);
    const struct plan_target *rto = plan_target_find(p, TARGET_RTO);
    CU_ASSERT_EQUAL(rto->value, 160 * NS_PER_S);
    CU_ASSERT(rto->line == 7 && rto->column == 22 && !rto->file && !rto->assignment); /* where the profile says it */
    CU_ASSERT_EQUAL(p->steps[1].at_ns, 400 * NS_PER_S);
    CU_ASSERT(strstr(p->yaml, "profiles") == NULL); /* the stored plan has one way to be read */
    plan_free(p);
    p = read_as(yaml, "article", "targets.rto=200s", NULL);
    CU_ASSERT(p && plan_target_find(p, TARGET_RTO)->value == 200 * NS_PER_S);
    plan_free(p);
    p = read_as(yaml, NULL, NULL, NULL);
    CU_ASSERT(p && plan_target_find(p, TARGET_RTO)->value == 5 * NS_PER_S);
    plan_free(p);
}

static bool complains(const char *profiles, const char *words, int line)
{
    scoped_text struct text yaml = {0}, out = {0};
    char place[32];
    text_addf(&yaml, "%s%s", SMALL, profiles);
    struct plan *p = read_as(text_str(&yaml), NULL, NULL, &out);
    plan_free(p);
    snprintf(place, sizeof(place), "t.yaml:%d:", line);
    bool found = !p && strstr(text_str(&out), words) && strstr(text_str(&out), place);
    if (!found) {
        printf("\n  expected \"%s\" at %s, got:\n%s\n", words, place, text_str(&out));
    }
    return found;
}

static void what_nobody_asked_for_is_checked(void)
{
    CU_ASSERT(complains("profiles: {articel: {}}\n", "unknown key `articel`", 7));
    CU_ASSERT(complains("profiles: {article: 5}\n", "`article` is a plain value", 7));
    CU_ASSERT(complains("profiles: 5\n", "`profiles` is a plain value", 7));
    CU_ASSERT(complains("profiles:\n  article:\n    targets.rto: 160\n", "`160` has no unit", 9));
    CU_ASSERT(complains("profiles:\n  article:\n    timeline.9.at: 1s\n", "the list has 2 entries", 9));
    CU_ASSERT(complains("profiles:\n  article: {target.rto: 160s}\n", "unknown key `target`", 8));
    CU_ASSERT(complains("profiles:\n  article: {name.x: 160s}\n", "nothing is below it", 8));
    CU_ASSERT(complains("profiles:\n  article: {targets.rto: 160}\n", "with `--profile article`", 8));
}

void suite_profile(void)
{
    runner_suite(NULL, NULL);
    runner_test(article_is_slow);
    runner_test(ci_is_the_scenario_as_written);
    runner_test(scenarios_add_to_it);
    runner_test(what_nobody_asked_for_is_checked);
}
