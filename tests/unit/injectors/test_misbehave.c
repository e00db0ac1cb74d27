/* SPDX-License-Identifier: MIT */
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

enum { EAST = 2, WEST = 5 }; /* origins */

static enum proof prove_long(struct bench *b, bool healed)
{
    enum proof p = PROOF_PENDING;
    for (int i = 0; i < 20 && p == PROOF_PENDING; i++) {
        p = bench_prove(b, healed);
    }
    return p;
}

static void whole_life(struct service_fault service)
{
    struct bench b;
    bench_new(&b, "misbehave", &(struct action){.target = TARGET_NODE, .node = EAST, .service = service});
    char why[ACTION_WHY];
    CU_ASSERT_FALSE(b.action.type->objects(&b.action, why));
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "west/origin-1 is well"));
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(json_object_size(b.lab->nodes[EAST].ills), 0);
    CU_ASSERT_EQUAL(prove_long(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void every_way_to_serve_badly(void)
{
    whole_life((struct service_fault){.status = 503, .share_ppm = 200000});
    whole_life((struct service_fault){.status = 429, .retry_after_ns = 2 * NS_PER_S});
    whole_life((struct service_fault){.first_byte_ns = 300 * NS_PER_MS});
    whole_life((struct service_fault){.hang = true, .share_ppm = 500000, .health = HEALTH_GOOD});
    whole_life((struct service_fault){.has_reset = true, .reset_after_bytes = 10000});
    whole_life((struct service_fault){.short_body = true, .share_ppm = 300000});
    whole_life((struct service_fault){.health = HEALTH_BAD});
}

static void a_region_is_all_its_origins(void)
{
    struct bench b;
    bench_new(&b, "misbehave", &(struct action){.target = TARGET_REGION, .site = 1, .service.status = 500});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(json_object_size(b.lab->nodes[WEST].ills), 1);
    CU_ASSERT_EQUAL(json_object_size(b.lab->nodes[3].ills) + json_object_size(b.lab->nodes[EAST].ills), 0);
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void a_lab_that_does_nothing_is_refuted(void)
{
    struct bench b;
    bench_new(&b, "misbehave", &(struct action){.target = TARGET_NODE, .node = EAST, .service.status = 503});
    b.lab->deaf = true;
    bench_apply(&b);
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "read back"));
    bench_free(&b);
}

/* The knobs read back, and yet nothing comes of them: the count tells. */
static void knobs_alone_prove_nothing(void)
{
    struct bench b;
    bench_new(&b, "misbehave",
              &(struct action){.target = TARGET_NODE, .node = EAST, .service = {.status = 503, .share_ppm = 200000}});
    bench_apply(&b);
    json_object_set_new(json_object_get(b.lab->nodes[EAST].ills, "fault-1"), "status", json_integer(200));
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_REFUTED);
    json_object_set_new(json_object_get(b.lab->nodes[EAST].ills, "fault-1"), "status", json_integer(503));
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void the_control_must_be_well(void)
{
    struct bench b;
    bench_new(&b, "misbehave", &(struct action){.target = TARGET_NODE, .node = EAST, .service.status = 503});
    bench_apply(&b);
    json_object_set_new(b.lab->nodes[WEST].ills, "other",
                        json_pack("{s:i, s:i, s:s}", "status", 503, "share_ppm", 1000000, "health", "honest"));
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "west/origin-1: not hit"));
    bench_free(&b);
}

/* Proven once, a single refuted round is no lapse; two are. */
static void a_lapse_takes_two_rounds(void)
{
    struct bench b;
    bench_new(&b, "misbehave", &(struct action){.target = TARGET_NODE, .node = EAST, .service.status = 503});
    bench_apply(&b);
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_PROVEN);
    json_object_clear(b.lab->nodes[EAST].ills);
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_REFUTED);
    CU_ASSERT_EQUAL(b.injector->prove(&b.in, false), PROOF_REFUTED);
    bench_free(&b);
}

static void a_dead_origin_is_not_asked(void)
{
    struct bench b;
    bench_new(&b, "misbehave", &(struct action){.target = TARGET_NODE, .node = EAST, .service.status = 503});
    bench_apply(&b);
    fabric_hold(b.fabric, 9, EAST, HOLD_FROZEN, NULL);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PENDING);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(json_object_size(b.lab->nodes[EAST].ills), 1); /* it could not hear */
    fabric_release(b.fabric, 9, NULL);
    CU_ASSERT_EQUAL(prove_long(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(json_object_size(b.lab->nodes[EAST].ills), 0);
    bench_free(&b);
}

static void two_faults_on_one_origin(void)
{
    struct bench b;
    bench_new(&b, "misbehave",
              &(struct action){.target = TARGET_NODE, .node = EAST, .service = {.status = 503, .share_ppm = 400000}});
    struct action slow = {
        .type = b.action.type, .target = TARGET_NODE, .node = EAST, .service.first_byte_ns = 50 * NS_PER_MS};
    struct injection other = {.fault = 2, .action = &slow, .fabric = b.fabric};
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(b.injector->apply(&other, NULL), 0);
    CU_ASSERT_EQUAL(prove_long(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(json_object_size(b.lab->nodes[EAST].ills), 1);
    CU_ASSERT_EQUAL(prove_long(&b, true), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "its slot is gone"));
    CU_ASSERT_EQUAL(b.injector->heal(&other, NULL), 0);
    bench_free(&b);
    free(other.state);
}

static void what_two_may_share(void)
{
    const struct action_type *t = &injector_find("misbehave")->type;
    const struct action status = {.service.status = 503}, slow = {.service.first_byte_ns = 1},
                        hang = {.service.hang = true}, cut = {.service.short_body = true},
                        drip = {.service.body_ns = 1}, lie = {.service.health = HEALTH_BAD};
    CU_ASSERT_PTR_NULL(t->clash(&status, &slow));
    CU_ASSERT_PTR_NULL(t->clash(&slow, &cut));
    CU_ASSERT_PTR_NULL(t->clash(&hang, &lie));
    CU_ASSERT_STRING_EQUAL(t->clash(&cut, &drip), "how the body goes");
    CU_ASSERT_PTR_NOT_NULL(t->clash(&hang, &slow));
}

static bool objects(struct service_fault service)
{
    const struct action_type *t = &injector_find("misbehave")->type;
    char why[ACTION_WHY] = "";
    return t->objects(&(struct action){.type = t, .service = service}, why) && why[0];
}

static void contradictions(void)
{
    CU_ASSERT_TRUE(objects((struct service_fault){0}));
    CU_ASSERT_TRUE(objects((struct service_fault){.health = HEALTH_BAD, .share_ppm = 200000}));
    CU_ASSERT_TRUE(objects((struct service_fault){.hang = true, .status = 503}));
    CU_ASSERT_TRUE(objects((struct service_fault){.has_reset = true, .short_body = true}));
    CU_ASSERT_TRUE(objects((struct service_fault){.status = 500, .retry_after_ns = NS_PER_S}));
    CU_ASSERT_TRUE(objects((struct service_fault){.status = 503, .retry_after_ns = 1500 * NS_PER_MS}));
    CU_ASSERT_FALSE(
        objects((struct service_fault){.status = 503, .retry_after_ns = 2 * NS_PER_S, .body_ns = NS_PER_S}));
}

void suite_misbehave(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_way_to_serve_badly);
    runner_test(a_region_is_all_its_origins);
    runner_test(a_lab_that_does_nothing_is_refuted);
    runner_test(knobs_alone_prove_nothing);
    runner_test(the_control_must_be_well);
    runner_test(a_lapse_takes_two_rounds);
    runner_test(a_dead_origin_is_not_asked);
    runner_test(two_faults_on_one_origin);
    runner_test(what_two_may_share);
    runner_test(contradictions);
}
