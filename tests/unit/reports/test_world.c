/* SPDX-License-Identifier: MIT */
/*
 * Links over time, and who served whom, from the made-up drill: one link between its regions, hit by faults that
 * overlap.
 */
#include "reports/world.h"

#include "harness/base/scoped.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <math.h>

enum { END_S = 86 };

/* Fault `index` of the result becomes a fault on the link, in force from..to seconds. */
static void hit_link(struct fixture *f, struct plan_step *step, size_t index, double from_s, double to_s)
{
    struct result_fault *fault = &f->result.faults.at[index];
    fault->id = step->id;
    fault->t_ib_s = fault->t_ie_s = from_s;
    fault->t_hb_s = fault->t_he_s = to_s;
}

static struct fixture *linked(struct topo_link *link, struct plan_step steps[2])
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    *link = (struct topo_link){.a = 0, .b = 1};
    f->plan.topology->links = link;
    f->plan.topology->link_count = 1;
    f->plan.steps = steps;
    f->plan.step_count = 2;
    for (uint16_t i = 0; i < 2; i++) {
        steps[i] = (struct plan_step){.id = (uint16_t)(71 + i), .action = {.target = TARGET_LINK, .link = 0}};
    }
    return f;
}

static void links_follow_the_faults(void)
{
    struct topo_link link;
    struct plan_step steps[2];
    struct fixture *f = linked(&link, steps);
    struct result_fault second = f->result.faults.at[0], first = second, both[] = {first, second};
    struct result_fault *kept = f->result.faults.at;
    f->result.faults.at = both;
    f->result.faults.len = 2;
    steps[0].action.shape.delay_ns = 1000;
    steps[1].action.shape.cut = true;
    steps[1].action.direction = DIRECTION_FORWARD;
    hit_link(f, &steps[0], 0, 10, 40);
    hit_link(f, &steps[1], 1, 20, 30);
    struct world w = {0};
    world_make(&w, &f->in, END_S);
    CU_ASSERT(w.links[0].hit);
    CU_ASSERT_EQUAL(world_link_at(&w, 0, 9.9), LINK_WELL);
    CU_ASSERT_EQUAL(world_link_at(&w, 0, 10), LINK_IMPAIRED);
    CU_ASSERT_EQUAL(world_link_at(&w, 0, 25), LINK_ONE_WAY);
    CU_ASSERT_EQUAL(world_link_at(&w, 0, 35), LINK_IMPAIRED);
    CU_ASSERT_EQUAL(world_link_at(&w, 0, 40), LINK_WELL);
    CU_ASSERT_EQUAL(w.links[0].spans.len, 5);
    world_deinit(&w);
    steps[1].action.direction = DIRECTION_BOTH;
    both[1].t_he_s = both[1].t_hb_s = (double)NAN; /* never healed */
    world_make(&w, &f->in, END_S);
    CU_ASSERT_EQUAL(world_link_at(&w, 0, END_S), LINK_CUT);
    world_deinit(&w);
    f->result.faults.at = kept;
    f->result.faults.len = 1;
    fixture_free(f);
}

static void a_fault_on_a_region_leaves_links_alone(void)
{
    struct topo_link link;
    struct plan_step steps[2];
    struct fixture *f = linked(&link, steps);
    struct world w = {0};
    world_make(&w, &f->in, END_S);
    CU_ASSERT(!w.links[0].hit);
    CU_ASSERT_EQUAL(w.links[0].spans.len, 1);
    world_deinit(&w);
    fixture_free(f);
}

static void flows_go_where_answers_came_from(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    struct world w = {0};
    world_make(&w, &f->in, END_S);
    size_t before = world_bucket(&w, 15), during = world_bucket(&w, 24), after = world_bucket(&w, 35);
    CU_ASSERT(world_share(&w, before, 3, 0) > 0.99);
    CU_ASSERT(world_share(&w, before, 3, 1) < 0.01);
    CU_ASSERT(world_good(&w, during, 3) < 0.5);
    CU_ASSERT(world_share(&w, after, 3, 1) > 0.99);
    CU_ASSERT(isnan(world_good(&w, before, 0))); /* a region asks nothing */
    CU_ASSERT_EQUAL(world_bucket(&w, -1), 0);
    CU_ASSERT_EQUAL(world_bucket(&w, 1e9), w.buckets - 1);
    world_deinit(&w);
    fixture_free(f);
}

void suite_world(void)
{
    runner_suite(NULL, NULL);
    runner_test(links_follow_the_faults);
    runner_test(a_fault_on_a_region_leaves_links_alone);
    runner_test(flows_go_where_answers_came_from);
}
