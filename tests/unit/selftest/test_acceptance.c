/* SPDX-License-Identifier: MIT */
/* The arithmetic of what is accepted, at its limits: one nanosecond more is too much. */
#include "harness/base/units.h"
#include "harness/selftest/acceptance.h"
#include "tests/unit/runner.h"

#define MS(x) ((x) * NS_PER_MS)

/* gap 5, client late 1, server late 2, service 3, injection 1: upper 14 ms, lower 11 ms, equivalent 10 ms. */
static struct outage_record well_measured(void)
{
    return (struct outage_record){.mode = OUTAGE_RST, .gap_ns = MS(5), .timeout_ns = MS(250), .truth_lo_ns = MS(200),
                                  .truth_hi_ns = MS(200), .down_ns = MS(200), .down_phases = 1, .lower_ns = MS(198),
                                  .upper_ns = MS(204), .loss_ns = MS(200), .verdict = MET, .injection_ns = MS(1),
                                  .service_ns = MS(3), .client_late_ns = MS(1), .server_late_ns = MS(2), .valid = true};
}

static bool accepted(const struct outage_record *r)
{
    struct acceptance a;
    acceptance_of(r, &a);
    return a.accepted;
}

static void the_limits_are_sums(void)
{
    struct outage_record r = well_measured();
    struct acceptance a;
    acceptance_of(&r, &a);
    CU_ASSERT(a.inside && a.accepted);
    CU_ASSERT_EQUAL(a.excess_allowed_ns, MS(14));
    CU_ASSERT_EQUAL(a.slack_allowed_ns, MS(11));
    CU_ASSERT_EQUAL(a.loss_long_ns, MS(10));
    CU_ASSERT_EQUAL(a.loss_short_ns, MS(10));
    CU_ASSERT_EQUAL(a.excess_ns, MS(4));
    CU_ASSERT_EQUAL(a.slack_ns, MS(2));
}

static void the_upper_end_may_be_so_far(void)
{
    struct outage_record r = well_measured();
    r.upper_ns = MS(214);
    CU_ASSERT(accepted(&r));
    r.upper_ns++;
    CU_ASSERT_FALSE(accepted(&r));
    r.upper_ns = MS(198); /* 2 ms below the truth: the server's clock read */
    CU_ASSERT(accepted(&r));
    r.upper_ns--;
    CU_ASSERT_FALSE(accepted(&r));
    r.upper_ns = INT64_MAX; /* no recovery seen where there was one */
    CU_ASSERT_FALSE(accepted(&r));
}

static void the_lower_end_may_be_so_far(void)
{
    struct outage_record r = well_measured();
    r.lower_ns = MS(189);
    CU_ASSERT(accepted(&r));
    r.lower_ns--;
    CU_ASSERT_FALSE(accepted(&r));
    r.mode = OUTAGE_FREEZE; /* the backlog is answered: T_req more */
    r.lower_ns = 0;
    r.loss_ns = 0;
    CU_ASSERT(accepted(&r));
    r = well_measured();
    r.lower_ns = MS(202);
    CU_ASSERT(accepted(&r));
    r.lower_ns++;
    CU_ASSERT_FALSE(accepted(&r));
}

/* Beside the first's 198 to 204: own lateness 1, so 2 x 5 + 1 + 2 + 1 = 14 apart at most. */
static struct outage_record well_watched(void)
{
    struct outage_record r = well_measured();
    r.second.watched = true;
    r.second.lower_ns = MS(196);
    r.second.upper_ns = MS(203);
    r.second.late_ns = MS(1);
    return r;
}

static void the_second_prober_has_to_confirm(void)
{
    struct outage_record r = well_watched();
    struct acceptance a;
    acceptance_of(&r, &a);
    CU_ASSERT(a.second_inside && a.confirmed && a.accepted);
    CU_ASSERT_EQUAL(a.apart_ns, MS(1));
    CU_ASSERT_EQUAL(a.apart_allowed_ns, MS(14));
    r.second.upper_ns = MS(218); /* as far from 204 as may be */
    CU_ASSERT(accepted(&r));
    r.second.upper_ns++;
    CU_ASSERT_FALSE(accepted(&r));
    r = well_watched();
    r.second.lower_ns = MS(203); /* above the truth, and above what the server's clock read allows */
    CU_ASSERT_FALSE(accepted(&r));
    r = well_watched();
    r.second.upper_ns = MS(197);
    CU_ASSERT_FALSE(accepted(&r));
    r = well_watched();
    r.second.upper_ns = INT64_MAX; /* only one saw it come back */
    CU_ASSERT_FALSE(accepted(&r));
    r = well_watched();
    r.second.damaged = true;
    CU_ASSERT_FALSE(accepted(&r));
    r.second.watched = false; /* it did not look on: nothing to confirm */
    CU_ASSERT(accepted(&r));
}

static void the_second_prober_sees_no_recovery_either(void)
{
    struct outage_record r = well_watched();
    r.never = r.recovered_never = true;
    r.verdict = INCONCLUSIVE;
    r.truth_hi_ns = MS(900);
    r.upper_ns = r.second.upper_ns = INT64_MAX;
    CU_ASSERT(accepted(&r));
    r.second.lower_ns = r.lower_ns - MS(14);
    CU_ASSERT(accepted(&r));
    r.second.lower_ns--;
    CU_ASSERT_FALSE(accepted(&r));
    r.second.lower_ns = MS(198);
    r.second.upper_ns = MS(700);
    CU_ASSERT_FALSE(accepted(&r));
}

static void the_equivalent_may_be_so_far(void)
{
    struct outage_record r = well_measured();
    r.loss_ns = MS(210);
    CU_ASSERT(accepted(&r));
    r.loss_ns++;
    CU_ASSERT_FALSE(accepted(&r));
    r.loss_ns = MS(190);
    CU_ASSERT(accepted(&r));
    r.loss_ns--;
    CU_ASSERT_FALSE(accepted(&r));
    r.mode = OUTAGE_FREEZE;
    CU_ASSERT(accepted(&r));
    r.loss_ns = MS(211); /* shorter it may be, not longer */
    CU_ASSERT_FALSE(accepted(&r));
    r = well_measured();
    r.mode = OUTAGE_FLAP; /* each phase has edges of its own */
    r.down_phases = 3;
    r.loss_ns = MS(230);
    CU_ASSERT(accepted(&r));
    r.loss_ns++;
    CU_ASSERT_FALSE(accepted(&r));
}

static void lateness_widens_what_is_allowed_and_no_more(void)
{
    struct outage_record r = well_measured();
    r.upper_ns = MS(250);
    CU_ASSERT_FALSE(accepted(&r));
    r.server_late_ns += MS(36);
    CU_ASSERT(accepted(&r));
    r.server_late_ns--;
    CU_ASSERT_FALSE(accepted(&r));
}

static void a_truth_that_is_another_one_is_outside(void)
{
    for (int64_t shift = MS(-100); shift <= MS(100); shift += MS(20)) {
        struct outage_record r = well_measured();
        r.truth_lo_ns += shift;
        r.truth_hi_ns += shift;
        CU_ASSERT_EQUAL(accepted(&r), shift == 0);
    }
}

static void the_truth_is_as_wide_as_the_server_knows(void)
{
    struct outage_record r = well_measured();
    r.truth_lo_ns = MS(190); /* a server that stood still between its two readings */
    r.truth_hi_ns = MS(206);
    struct acceptance a;
    acceptance_of(&r, &a);
    CU_ASSERT_FALSE(a.inside); /* 190 + 2 lies below the lower end of 198 */
    r.lower_ns = MS(192);
    acceptance_of(&r, &a);
    CU_ASSERT(a.inside);
}

static void what_never_comes_back_has_no_upper_end(void)
{
    struct outage_record r = well_measured();
    r.never = true;
    r.mode = OUTAGE_HALF;
    r.truth_lo_ns = MS(700);
    r.truth_hi_ns = INT64_MAX - 2 * CLOCK_READ_NS;
    r.upper_ns = INT64_MAX;
    r.recovered_never = true;
    r.verdict = INCONCLUSIVE;
    CU_ASSERT(accepted(&r));
    r.verdict = MET;
    CU_ASSERT_FALSE(accepted(&r));
    r.verdict = MISSED;
    r.recovered_never = false;
    CU_ASSERT_FALSE(accepted(&r));
    r.recovered_never = true;
    r.upper_ns = MS(500);
    CU_ASSERT_FALSE(accepted(&r));
}

void suite_acceptance(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_limits_are_sums);
    runner_test(the_upper_end_may_be_so_far);
    runner_test(the_lower_end_may_be_so_far);
    runner_test(the_second_prober_has_to_confirm);
    runner_test(the_second_prober_sees_no_recovery_either);
    runner_test(the_equivalent_may_be_so_far);
    runner_test(lateness_widens_what_is_allowed_and_no_more);
    runner_test(a_truth_that_is_another_one_is_outside);
    runner_test(the_truth_is_as_wide_as_the_server_knows);
    runner_test(what_never_comes_back_has_no_upper_end);
}
