/* SPDX-License-Identifier: MIT */
#include "reports/lanes.h"

#include "harness/base/text.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

static const struct lane *lane_of(const struct lanes *l, const char *name)
{
    for (size_t i = 0; i < l->all.len; i++) {
        if (text_eq(l->all.at[i].name, name)) {
            return &l->all.at[i];
        }
    }
    CU_FAIL_FATAL("no such lane");
    return NULL;
}

static enum lane_state state_at(const struct lanes *l, const char *name, double t_s)
{
    const struct lane *lane = lane_of(l, name);
    for (size_t i = 0; i < lane->spans.len; i++) {
        if (lane->spans.at[i].from_s <= t_s && t_s < lane->spans.at[i].to_s) {
            return lane->spans.at[i].state;
        }
    }
    return LANE_ABSENT;
}

static bool leads_at(const struct lanes *l, const char *name, double t_s)
{
    const struct lane *lane = lane_of(l, name);
    for (size_t i = 0; i < lane->leads.len; i++) {
        if (lane->leads.at[i].from_s <= t_s && t_s < lane->leads.at[i].to_s) {
            return true;
        }
    }
    return false;
}

static void shows_death_and_return(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    scoped_lanes struct lanes l = {0};
    lanes_make(&l, &f->in, 86.512);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 1), LANE_ABSENT);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 15), LANE_UP);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 30), LANE_DOWN);
    CU_ASSERT_EQUAL(state_at(&l, "us-east/2", 30), LANE_DOWN);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 42.9), LANE_STARTING);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 60), LANE_UP);
    CU_ASSERT_EQUAL(state_at(&l, "eu-west", 30), LANE_UP);
    CU_ASSERT(leads_at(&l, "us-east", 15) && !leads_at(&l, "eu-west", 15));
    CU_ASSERT(!leads_at(&l, "us-east", 30) && leads_at(&l, "eu-west", 30));
    CU_ASSERT(leads_at(&l, "us-east", 60) && !leads_at(&l, "eu-west", 60));
    fixture_free(f);
}

static void shows_drift_and_cut_links(void)
{
    struct fixture *f = fixture_new(FIXTURE_DRIFT);
    scoped_lanes struct lanes l = {0};
    lanes_make(&l, &f->in, 86.512);
    CU_ASSERT_EQUAL(state_at(&l, "eu-west/1", 23), LANE_DRIFTED);
    CU_ASSERT_EQUAL(state_at(&l, "eu-west", 23), LANE_DRIFTED);
    CU_ASSERT_EQUAL(state_at(&l, "eu-west", 26), LANE_UP);
    lanes_deinit(&l);
    f->result.faults.at[0].subject.at[0] = "eu-west";
    *vec_push(&f->result.faults.at[0].subject) = "us-east";
    lanes_make(&l, &f->in, 86.512);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 30), LANE_DEGRADED);
    CU_ASSERT_EQUAL(state_at(&l, "eu-west", 30), LANE_DEGRADED);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 50), LANE_UP);
    fixture_free(f);
}

static void tells_frozen_from_dead(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    struct result_fault *fault = &f->result.faults.at[0];
    scoped_lanes struct lanes l = {0};
    fault->do_ = "freeze";
    lanes_make(&l, &f->in, 86.512);
    CU_ASSERT_EQUAL(state_at(&l, "us-east/1", 30), LANE_FROZEN);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 30), LANE_FROZEN);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 60), LANE_UP);
    lanes_deinit(&l);
    fault->do_ = "kill";
    fault->subject.at[0] = "us-east/2";
    f->evidence.event_count = 24; /* nobody answers or falls silent after the start */
    lanes_make(&l, &f->in, 86.512);
    CU_ASSERT_EQUAL(state_at(&l, "us-east/2", 30), LANE_DOWN);
    CU_ASSERT_EQUAL(state_at(&l, "us-east/1", 30), LANE_UP);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 30), LANE_DEGRADED);
    CU_ASSERT_EQUAL(state_at(&l, "us-east/2", 60), LANE_STARTING);
    fixture_free(f);
}

static void a_silence_without_a_fault_is_shown(void)
{
    struct fixture *f = fixture_new(FIXTURE_DRIFT);
    f->evidence.events[f->evidence.event_count++] =
        (struct event){.kind = EVENT_OBSERVED, .at_ns = 50000000000, .subject = "us-east/1", .outcome = "silent"};
    scoped_lanes struct lanes l = {0};
    lanes_make(&l, &f->in, 86.512);
    CU_ASSERT_EQUAL(state_at(&l, "us-east/1", 60), LANE_DOWN);
    CU_ASSERT_EQUAL(state_at(&l, "us-east", 60), LANE_DEGRADED);
    fixture_free(f);
}

static void spans_follow_one_another(void)
{
    for (int which = 0; which < FIXTURE_CASES; which++) {
        struct fixture *f = fixture_new((enum fixture_case)which);
        scoped_lanes struct lanes l = {0};
        lanes_make(&l, &f->in, f->result.run.duration_s);
        for (size_t i = 0; i < l.all.len; i++) {
            for (size_t s = 1; s < l.all.at[i].spans.len; s++) {
                CU_ASSERT_EQUAL(l.all.at[i].spans.at[s].from_s, l.all.at[i].spans.at[s - 1].to_s);
                CU_ASSERT_NOT_EQUAL(l.all.at[i].spans.at[s].state, l.all.at[i].spans.at[s - 1].state);
            }
        }
        fixture_free(f);
    }
}

static void passes_over_strangers(void)
{
    struct fixture *f = fixture_new(FIXTURE_MISSED);
    for (size_t i = 0; i < f->evidence.event_count; i += 2) {
        f->evidence.events[i].subject = i % 4 ? NULL : "somebody/9";
        f->evidence.events[i].detail = "exploded";
    }
    scoped_lanes struct lanes l = {0};
    lanes_make(&l, &f->in, 86.512);
    CU_ASSERT(l.all.len > 0);
    lanes_deinit(&l);
    f->in.plan = NULL;
    lanes_make(&l, &f->in, 86.512);
    CU_ASSERT_EQUAL(l.all.len, 0);
    fixture_free(f);
}

void suite_lanes(void)
{
    runner_suite(NULL, NULL);
    runner_test(shows_death_and_return);
    runner_test(shows_drift_and_cut_links);
    runner_test(tells_frozen_from_dead);
    runner_test(a_silence_without_a_fault_is_shown);
    runner_test(spans_follow_one_another);
    runner_test(passes_over_strangers);
}
