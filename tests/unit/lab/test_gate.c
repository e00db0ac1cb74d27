/* SPDX-License-Identifier: MIT */
#include "harness/lab/gate.h"
#include "harness/lab/shape.h"
#include "tests/unit/runner.h"

static struct path_state wish(uint16_t port, enum gate_way way)
{
    return (struct path_state){.gate_count = 1, .gates = {{port, way}}};
}

static struct path_state merged(const struct path_state *wishes, size_t n)
{
    struct shape_sum sum = {0};
    for (size_t i = 0; i < n; i++) {
        shape_add(&sum, &wishes[i]);
    }
    return shape_total(&sum);
}

static bool is(const struct path_state *s, size_t i, uint16_t port, enum gate_way way)
{
    return i < s->gate_count && s->gates[i].port == port && s->gates[i].way == way;
}

static void ports_before_all(void)
{
    const struct path_state wishes[] = {wish(0, GATE_REFUSE), wish(7001, GATE_DROP), wish(8080, GATE_UNREACHABLE),
                                        wish(8080, GATE_REFUSE)};
    struct path_state s = merged(wishes, 4);
    CU_ASSERT_EQUAL(s.gate_count, 3);
    CU_ASSERT(is(&s, 0, 8080, GATE_REFUSE) && is(&s, 1, 7001, GATE_DROP) && is(&s, 2, 0, GATE_REFUSE));
    const struct path_state turned[] = {wishes[3], wishes[2], wishes[1], wishes[0]};
    struct path_state other = merged(turned, 4);
    CU_ASSERT_TRUE(shape_same(&s, &other));
    other.gates[1].way = GATE_REFUSE;
    CU_ASSERT_FALSE(shape_same(&s, &other));
}

static void a_cut_hides_answers(void)
{
    const struct path_state wishes[] = {wish(0, GATE_REFUSE), wish(7001, GATE_DROP), {.cut = true}};
    struct path_state s = merged(wishes, 3);
    CU_ASSERT(s.cut && s.gate_count == 1 && is(&s, 0, 7001, GATE_DROP));
    CU_ASSERT_FALSE(path_passes(&s, 8080));
    s = merged(wishes, 2);
    CU_ASSERT(!s.cut && s.gate_count == 2);
}

static void who_passes(void)
{
    struct path_state s = wish(7001, GATE_DROP);
    CU_ASSERT(path_passes(&s, 8080) && path_passes(&s, 0) && !path_passes(&s, 7001));
    s = wish(0, GATE_UNREACHABLE);
    CU_ASSERT(!path_passes(&s, 8080) && !path_passes(&s, 0));
}

static void asking_and_answering(void)
{
    const struct path_gate gates[] = {{7001, GATE_DROP}, {0, GATE_REFUSE}};
    CU_ASSERT_PTR_EQUAL(gate_met(gates, 2, 40000, 7001), &gates[0]);
    CU_ASSERT_PTR_EQUAL(gate_met(gates, 2, 7001, 40000), &gates[0]);
    CU_ASSERT_PTR_EQUAL(gate_met(gates, 2, 40000, 8080), &gates[1]);
    CU_ASSERT_PTR_EQUAL(gate_met(gates, 2, 0, 0), &gates[1]);
    CU_ASSERT_PTR_NULL(gate_met(gates, 1, 0, 0));
}

static void no_more_than_there_is_room_for(void)
{
    struct path_state s = {0};
    for (uint16_t i = 0; i < PATH_GATES_MAX; i++) {
        struct path_state one = wish((uint16_t)(1 + i), GATE_DROP);
        CU_ASSERT_TRUE(gates_add(&s, &one));
    }
    const struct path_state again = wish(1, GATE_REFUSE), more = wish(0, GATE_REFUSE);
    CU_ASSERT_TRUE(gates_add(&s, &again));
    CU_ASSERT_FALSE(gates_add(&s, &more));
    CU_ASSERT_EQUAL(s.gate_count, PATH_GATES_MAX);
}

void suite_gate(void)
{
    runner_suite(NULL, NULL);
    runner_test(ports_before_all);
    runner_test(a_cut_hides_answers);
    runner_test(who_passes);
    runner_test(asking_and_answering);
    runner_test(no_more_than_there_is_room_for);
}
