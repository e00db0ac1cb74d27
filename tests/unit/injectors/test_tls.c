/* SPDX-License-Identifier: MIT */
#include "harness/base/arena.h"
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>

static void kinds_are_proven_and_put_back(void)
{
    for (enum certificate kind = CERTIFICATE_ROTATED; kind < CERTIFICATES; kind++) {
        struct bench b;
        bench_new(&b, "tls", &(struct action){.target = TARGET_NODE, .node = 3, .certificate = kind});
        CU_ASSERT_EQUAL(bench_apply(&b), 0);
        CU_ASSERT_EQUAL(atoi(b.lab->nodes[3].shown), (int)kind);
        CU_ASSERT_STRING_EQUAL(b.lab->nodes[4].shown, "1 0");
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
        CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "is well"));
        CU_ASSERT_EQUAL(bench_heal(&b), 0);
        CU_ASSERT_STRING_EQUAL(b.lab->nodes[3].shown, "1 0");
        CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
        CU_ASSERT_EQUAL(bench_heal(&b), 0);
        bench_free(&b);
    }
}

static void a_region_is_its_gateways(void)
{
    struct bench b;
    bench_new(&b, "tls", &(struct action){.target = TARGET_REGION, .site = 0, .certificate = CERTIFICATE_EXPIRED});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(atoi(b.lab->nodes[0].shown), CERTIFICATE_EXPIRED);
    CU_ASSERT_EQUAL(atoi(b.lab->nodes[1].shown), CERTIFICATE_EXPIRED);
    CU_ASSERT_STRING_NOT_EQUAL(b.lab->nodes[0].shown, b.lab->nodes[1].shown);
    CU_ASSERT_STRING_EQUAL(b.lab->nodes[2].bundle, "1 0"); /* an origin has none */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void handshakes_stall_and_go_on(void)
{
    struct bench b;
    bench_new(&b, "tls", &(struct action){.target = TARGET_REGION, .site = 1, .stall = true});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT(b.lab->nodes[3].stall && b.lab->nodes[4].stall && !b.lab->nodes[0].stall);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    (void)b.injector->prove(&b.in, false); /* looks are out when the heal comes */
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT(!b.lab->nodes[3].stall && !b.lab->nodes[4].stall);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void a_lab_that_does_nothing_proves_nothing(void)
{
    static const struct action actions[] = {
        {.target = TARGET_NODE, .node = 3, .certificate = CERTIFICATE_EXPIRED},
        {.target = TARGET_NODE, .node = 3, .certificate = CERTIFICATE_ROTATED},
        {.target = TARGET_NODE, .node = 3, .stall = true},
    };
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        struct bench b;
        bench_new(&b, "tls", &actions[i]);
        b.lab->deaf = true;
        CU_ASSERT_EQUAL(bench_apply(&b), -1);
        CU_ASSERT_EQUAL(b.err.kind, ERR_RUN);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
        CU_ASSERT_EQUAL(bench_heal(&b), 0);
        bench_free(&b);
    }
}

static void a_gateway_that_shows_another_one_is_no_proof(void)
{
    struct bench b;
    bench_new(&b, "tls", &(struct action){.target = TARGET_NODE, .node = 3, .certificate = CERTIFICATE_EXPIRED});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    free(b.lab->nodes[3].shown);
    b.lab->nodes[3].shown = xstrdup("2 77"); /* expired, but not ours */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "west/1: handshake done"));
    bench_free(&b);
}

static void nobody_well_is_no_proof(void)
{
    struct bench b;
    bench_new(&b, "tls", &(struct action){.target = TARGET_NODE, .node = 3, .certificate = CERTIFICATE_EXPIRED});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    for (int n = 0; n < 5; n++)
        b.lab->nodes[n].stall = n != 3;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "though not hit"));
    bench_free(&b);
}

static void a_renewal_is_left_alone(void)
{
    struct bench b;
    bench_new(&b, "tls", &(struct action){.target = TARGET_NODE, .node = 0, .certificate = CERTIFICATE_EXPIRED});
    bench_apply(&b);
    free(b.lab->nodes[0].bundle);
    b.lab->nodes[0].bundle = xstrdup("1 99"); /* somebody was quicker */
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_STRING_EQUAL(b.lab->nodes[0].bundle, "1 99");
    bench_free(&b);
}

static void half_an_apply_is_healed(void)
{
    for (int after = 0; after < 4; after++) {
        struct bench b;
        bench_new(&b, "tls",
                  &(struct action){.target = TARGET_REGION, .site = 0, .certificate = CERTIFICATE_WRONG_NAME});
        b.lab->fail_after = after;
        CU_ASSERT_EQUAL(bench_apply(&b), -1);
        CU_ASSERT_EQUAL(bench_heal(&b), 0);
        for (int n = 0; n < 2; n++) {
            CU_ASSERT_STRING_EQUAL(b.lab->nodes[n].bundle, "1 0");
            CU_ASSERT_STRING_EQUAL(b.lab->nodes[n].shown, "1 0");
        }
        bench_free(&b);
    }
}

static void the_dead_are_put_right_for_when_they_return(void)
{
    struct bench b;
    bench_new(&b, "tls", &(struct action){.target = TARGET_NODE, .node = 0, .certificate = CERTIFICATE_EXPIRED});
    bench_apply(&b);
    b.lab->nodes[0].state = NODE_DOWN;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_STRING_EQUAL(b.lab->nodes[0].bundle, "1 0");
    bench_free(&b);
}

static void a_heal_that_is_ignored(void)
{
    struct bench b;
    bench_new(&b, "tls", &(struct action){.target = TARGET_NODE, .node = 0, .stall = true});
    bench_apply(&b);
    b.lab->deaf = true;
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PENDING);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "stalled"));
    bench_free(&b);
}

void suite_tls(void)
{
    runner_suite(NULL, NULL);
    runner_test(kinds_are_proven_and_put_back);
    runner_test(a_region_is_its_gateways);
    runner_test(handshakes_stall_and_go_on);
    runner_test(a_lab_that_does_nothing_proves_nothing);
    runner_test(a_gateway_that_shows_another_one_is_no_proof);
    runner_test(nobody_well_is_no_proof);
    runner_test(a_renewal_is_left_alone);
    runner_test(half_an_apply_is_healed);
    runner_test(the_dead_are_put_right_for_when_they_return);
    runner_test(a_heal_that_is_ignored);
}
