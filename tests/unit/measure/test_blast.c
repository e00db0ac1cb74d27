/* SPDX-License-Identifier: MIT */
/* What a plan may touch, by name. */
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

static struct bench b;

static void is(const struct texts *got, const char *want)
{
    scoped_text struct text t = {0};
    for (size_t i = 0; i < got->len; i++)
        text_addf(&t, "%s%s", i ? ", " : "", got->at[i]);
    CU_ASSERT_STRING_EQUAL(text_str(&t), want);
}

static struct action *step(const char *verb)
{
    bench_init(&b);
    return &bench_fault(&b, verb, 15000, 15003, 35000, 35010, 5000)->action;
}

static void radius(const char *regions, const char *nodes, const char *links, const char *vantages)
{
    const struct result_blast *r = &bench_run(&b)->blast_radius;
    CU_ASSERT_TRUE(b.result->has_blast_radius);
    is(&r->regions, regions);
    is(&r->nodes, nodes);
    is(&r->links, links);
    is(&r->vantages, vantages);
    bench_deinit(&b);
}

static void a_region_takes_its_nodes_and_who_lives_there(void)
{
    struct action *a = step("kill");
    a->target = TARGET_REGION;
    a->site = EAST;
    radius("us-east", "us-east/1, us-east/origin-1", "", "clients");
}

static void a_node_elsewhere_leaves_vantages_alone(void)
{
    struct action *a = step("freeze");
    a->target = TARGET_NODE;
    a->node = 3;
    radius("eu-west", "eu-west/origin-1", "", "");
}

static void a_node_of_no_region_is_only_a_node(void)
{
    struct action *a = step("kill");
    a->target = TARGET_NODE;
    a->node = 5;
    radius("", "witness/1", "", "");
}

static void links_hit_the_vantages_at_their_ends(void)
{
    struct action *a = step("partition");
    a->target = TARGET_LINK;
    a->link = 0;
    radius("", "", "us-east - eu-west", "");
    static const uint8_t sides[] = {1, 2, 0, 0};
    a = step("partition");
    a->target = TARGET_LINK;
    a->sides = sides;
    radius("", "", "us-east - eu-west", "");
    a = step("degrade");
    a->target = TARGET_LINK;
    a->link = 2;
    radius("", "", "eu-west - clients", "clients");
}

static void load_comes_from_everywhere_and_nothing_from_nowhere(void)
{
    step("degrade")->target = TARGET_NONE; /* as a surge has it */
    radius("", "", "", "clients");
    step("nothing")->target = TARGET_REGION;
    radius("", "", "", "");
}

void suite_blast(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_region_takes_its_nodes_and_who_lives_there);
    runner_test(a_node_elsewhere_leaves_vantages_alone);
    runner_test(a_node_of_no_region_is_only_a_node);
    runner_test(links_hit_the_vantages_at_their_ends);
    runner_test(load_comes_from_everywhere_and_nothing_from_nowhere);
}
