/* SPDX-License-Identifier: MIT */
/* A second of requests: by vantage and by region that served, told once, and nothing of it left in the next one. */
#include "harness/run/pulse.h"

#include "tests/unit/runner.h"

#include <math.h>

enum { US_EAST, EU_WEST, CLIENTS };

static struct plan_stream streams[] = {{.vantage = CLIENTS}, {.vantage = CLIENTS}};
static struct topology topology = {.site_count = 3};
static const struct plan plan = {.topology = &topology, .streams = streams, .stream_count = 2};

static void ends(struct pulse *p, uint16_t stream, enum outcome outcome, uint16_t region, int64_t took_ms)
{
    struct sample s = {.kind = SAMPLE_REQUEST,
                       .stream = stream,
                       .outcome = (uint8_t)outcome,
                       .region = region,
                       .planned_ns = 5000000,
                       .done_ns = 5000000 + took_ms * 1000000};
    pulse_take(p, &s);
}

static void goes(struct pulse *p, uint16_t site, uint64_t endpoint, int64_t at_ms)
{
    struct sample s = {.kind = SAMPLE_SWITCH, .stream = site, .k = endpoint, .done_ns = at_ms * 1000000};
    pulse_take(p, &s);
}

static void clients_that_move_are_told_once(void)
{
    struct pulse *p = pulse_new(&plan);
    goes(p, CLIENTS, 1, 400);
    goes(p, 9, 1, 500); /* of no site of the topology */
    const struct run_second *s = pulse_turn(p, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->move_count, 1);
    CU_ASSERT(s->moves[0].vantage == CLIENTS && s->moves[0].endpoint == 1 && s->moves[0].at_s == 0.4);
    CU_ASSERT_EQUAL(s->sites[CLIENTS].good + s->sites[CLIENTS].bad, 0); /* it is no request */
    for (int i = 0; i < RUN_MOVES_MAX + 9; i++)
        goes(p, CLIENTS, (uint64_t)i, 1500);
    CU_ASSERT_EQUAL(s->move_count, 1); /* still looked at */
    s = pulse_turn(p, 2);
    CU_ASSERT(s && s->move_count == RUN_MOVES_MAX && s->moves[RUN_MOVES_MAX - 1].endpoint == RUN_MOVES_MAX - 1);
    s = pulse_turn(p, 3);
    CU_ASSERT(s && s->move_count == 0);
    pulse_free(p);
}

static void a_second_is_told_once(void)
{
    struct pulse *p = pulse_new(&plan);
    ends(p, 0, OUTCOME_GOOD, US_EAST, 30);
    ends(p, 1, OUTCOME_GOOD, EU_WEST, 10);
    ends(p, 0, OUTCOME_GOOD, US_EAST, 20);
    ends(p, 1, OUTCOME_TIMEOUT, UINT16_MAX, 1000);
    CU_ASSERT_PTR_NULL(pulse_turn(p, 0.6));
    const struct run_second *s = pulse_turn(p, 1.2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->from_s, 0);
    CU_ASSERT_EQUAL(s->to_s, 1.2);
    CU_ASSERT_EQUAL(s->site_count, 3);
    CU_ASSERT_EQUAL(s->sites[CLIENTS].good, 3);
    CU_ASSERT_EQUAL(s->sites[CLIENTS].bad, 1);
    CU_ASSERT_EQUAL(s->sites[US_EAST].served, 2);
    CU_ASSERT_EQUAL(s->sites[EU_WEST].served, 1);
    CU_ASSERT_EQUAL(s->p50_ms, 20);
    CU_ASSERT_EQUAL(s->p99_ms, 30);
    CU_ASSERT_PTR_NULL(pulse_turn(p, 1.4));
    pulse_free(p);
}

static void the_next_one_begins_with_nothing(void)
{
    struct pulse *p = pulse_new(&plan);
    ends(p, 0, OUTCOME_GOOD, US_EAST, 30);
    CU_ASSERT_PTR_NOT_NULL(pulse_turn(p, 1));
    ends(p, 0, OUTCOME_REFUSED, UINT16_MAX, 1);
    ends(p, 7, OUTCOME_REFUSED, UINT16_MAX, 1); /* of no stream of the plan */
    const struct run_second *s = pulse_turn(p, 2.5);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->from_s, 1);
    CU_ASSERT_EQUAL(s->sites[CLIENTS].good, 0);
    CU_ASSERT_EQUAL(s->sites[CLIENTS].bad, 1);
    CU_ASSERT_EQUAL(s->sites[US_EAST].served, 0);
    CU_ASSERT(isnan(s->p50_ms) && isnan(s->p99_ms));
    pulse_free(p);
}

void suite_pulse(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_second_is_told_once);
    runner_test(the_next_one_begins_with_nothing);
    runner_test(clients_that_move_are_told_once);
}
