/* SPDX-License-Identifier: MIT */
/*
 * The bundled scenarios as a library: each explains itself, belongs to a strategy, is in the quarterly suite and in
 * that of its strategies, and has a red twin in ci/flaw-matrix for every flaw that it claims, one at least.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/batch.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

#define ROOT DRTEST_SOURCE_DIR

static struct batch all;
static struct option_list none;
static struct text matrix;

static int load(struct batch *b, const char *path)
{
    static const struct batch_options o = {.set = &none, .tags = &none, .repeat = -1, .seed = -1};
    struct option_list paths = {0};
    struct err e = {0};
    option_list_add(&paths, path);
    int rc = batch_load(b, &paths, &o, &e);
    option_list_deinit(&paths);
    return rc < 0 || b->errors > 0 ? -1 : 0;
}

static int set_up(void)
{
    return load(&all, ROOT "/scenarios") != 0 || text_read_file(&matrix, ROOT "/ci/flaw-matrix", 1 << 20, NULL) != 0;
}

static int tear_down(void)
{
    batch_deinit(&all);
    text_deinit(&matrix);
    return 0;
}

static bool has_tag(const struct plan *p, const char *tag)
{
    for (size_t i = 0; i < p->tag_count; i++) {
        if (text_eq(p->tags[i], tag)) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct batch *b, const char *name)
{
    for (size_t i = 0; i < b->jobs.len; i++) {
        if (text_eq(b->jobs.at[i].plan->name, name)) {
            return true;
        }
    }
    return false;
}

static void told(bool right, const struct plan *p, const char *wrong)
{
    CU_ASSERT(right);
    if (!right) {
        printf("\n  %s: %s\n", p->name, wrong);
    }
}

static void each_explains_itself(void)
{
    CU_ASSERT(all.jobs.len > 0);
    for (size_t i = 0; i < all.jobs.len; i++) {
        const struct plan *p = all.jobs.at[i].plan;
        bool strategy = false;
        for (size_t k = 0; k < p->tag_count; k++) {
            strategy |= text_starts(p->tags[k], "strategy-");
        }
        told(strategy, p, "no tag says which strategy it drills");
        told(p->description && strlen(p->description) > 60, p, "no description to speak of");
        told(!text_eq(p->title, p->name), p, "no title");
        told(p->target_count > 0, p, "promises nothing");
    }
}

/* Is there a red cell of the matrix that starts with the scenario and, unless NULL, the flaw? */
static bool red_twin(const char *scenario, const char *flaw)
{
    for (const char *line = text_str(&matrix); line && *line; line = strchr(line, '\n')) {
        char name[64], with[64], lab[16], verdict[16];
        line += *line == '\n';
        if (sscanf(line, "%63s %63s %15s %15s", name, with, lab, verdict) == 4 && text_eq(name, scenario) &&
            text_eq(lab, "netns") && text_eq(verdict, "missed") && (!flaw || text_eq(with, flaw))) {
            return true;
        }
    }
    return false;
}

static void each_has_its_red_twins(void)
{
    for (size_t i = 0; i < all.jobs.len; i++) {
        const struct plan *p = all.jobs.at[i].plan;
        told(red_twin(p->name, NULL), p, "nothing in ci/flaw-matrix turns it red");
        for (size_t k = 0; k < p->tag_count; k++) {
            if (text_starts(p->tags[k], "catches-")) {
                char flaw[64];
                snprintf(flaw, sizeof(flaw), "%s", p->tags[k] + strlen("catches-"));
                for (char *c = flaw; *c; c++) {
                    *c = *c == '-' ? '_' : *c;
                }
                told(red_twin(p->name, flaw), p, p->tags[k]);
            }
        }
    }
}

static void the_quarterly_suite_has_them_all(void)
{
    struct batch quarterly = {0};
    CU_ASSERT_EQUAL(load(&quarterly, ROOT "/scenarios/quarterly.yaml"), 0);
    CU_ASSERT_EQUAL(quarterly.jobs.len, all.jobs.len);
    for (size_t i = 0; i < all.jobs.len; i++) {
        told(holds(&quarterly, all.jobs.at[i].plan->name), all.jobs.at[i].plan, "not in the quarterly suite");
    }
    batch_deinit(&quarterly);
}

static void each_strategy_has_a_suite(void)
{
    static const char *const strategies[] = {"regions",    "balancing",  "failover",   "data",
                                             "containers", "serverless", "monitoring", "testing"};
    for (size_t s = 0; s < array_len(strategies); s++) {
        struct batch suite = {0};
        char path[256], tag[64];
        size_t tagged = 0;
        snprintf(path, sizeof(path), ROOT "/scenarios/strategy-%s.yaml", strategies[s]);
        snprintf(tag, sizeof(tag), "strategy-%s", strategies[s]);
        CU_ASSERT(load(&suite, path) == 0 && suite.jobs.len > 0);
        for (size_t i = 0; i < all.jobs.len; i++) {
            const struct plan *p = all.jobs.at[i].plan;
            tagged += has_tag(p, tag);
            told(has_tag(p, tag) == holds(&suite, p->name), p, path);
        }
        CU_ASSERT_EQUAL(tagged, suite.jobs.len);
        batch_deinit(&suite);
    }
}

void suite_library(void)
{
    runner_suite(set_up, tear_down);
    runner_test(each_explains_itself);
    runner_test(each_has_its_red_twins);
    runner_test(the_quarterly_suite_has_them_all);
    runner_test(each_strategy_has_a_suite);
}
