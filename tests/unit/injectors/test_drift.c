/* SPDX-License-Identifier: MIT */
#include "harness/base/json.h"
#include "harness/base/units.h"
#include "tests/unit/injectors/bench.h"
#include "tests/unit/runner.h"

#include <string.h>

static json_t *patch;

static int set_up(void)
{
    patch = json_pack("[{s:s, s:s, s:i}]", "op", "replace", "path", "/drain_ms", "value", 1);
    return patch ? 0 : -1;
}

static int tear_down(void)
{
    json_decref(patch);
    return 0;
}

static json_int_t drain(const json_t *config)
{
    return json_integer_value(json_object_get(config, "drain_ms"));
}

static void on_one_gateway(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 3, .patch = patch});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 1);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[4].running), 500);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 500);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    bench_free(&b);
}

static void on_a_region_by_merge(void)
{
    struct bench b;
    json_t *merge = json_pack("{s:i, s:n}", "extra", 7, "drain_ms");
    bench_new(&b, "drift", &(struct action){.target = TARGET_REGION, .site = 0, .merge = merge});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    for (int n = 0; n < 2; n++) {
        CU_ASSERT_EQUAL(json_integer_value(json_object_get(b.lab->nodes[n].running, "extra")), 7);
        CU_ASSERT_PTR_NULL(json_object_get(b.lab->nodes[n].running, "drain_ms"));
    }
    CU_ASSERT_PTR_NULL(json_object_get(b.lab->nodes[2].file, "extra")); /* an origin is no gateway */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    bench_free(&b);
    json_decref(merge);
}

static void a_repair_is_left_alone(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .patch = patch});
    bench_apply(&b);
    json_object_set_new(b.lab->nodes[0].file, "drain_ms", json_integer(77)); /* somebody repaired it his own way */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[0].file), 77);
    bench_free(&b);
}

static void a_gateway_that_does_not_listen(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .patch = patch});
    b.lab->ignores_hangup = true;
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_EQUAL(b.err.kind, ERR_RUN);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[0].file), 500);
    bench_free(&b);
}

static void it_must_be_on_no_other(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .patch = patch});
    bench_apply(&b);
    json_object_set_new(b.lab->nodes[4].running, "drain_ms", json_integer(2));
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "west/2"));
    bench_free(&b);
}

static void nothing_to_change(void)
{
    struct bench b;
    json_t *same = json_pack("{s:i}", "drain_ms", 500);
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .merge = same});
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_EQUAL(b.err.kind, ERR_MEANING);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->operations, 0);
    bench_free(&b);
    json_decref(same);
}

static void a_patch_that_does_not_fit(void)
{
    struct bench b;
    json_t *bad = json_pack("[{s:s, s:s}]", "op", "remove", "path", "/nowhere");
    bench_new(&b, "drift", &(struct action){.target = TARGET_REGION, .site = 0, .patch = bad});
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_EQUAL(b.lab->operations, 0); /* nothing was touched */
    bench_free(&b);
    json_decref(bad);
}

static void through_the_control_plane(bool guarded)
{
    struct bench b;
    bench_new(&b, "drift",
              &(struct action){.target = TARGET_NODE, .node = 3, .patch = patch, .via = DRIFT_VIA_CONTROL});
    b.lab->nodes[3].guards = guarded;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].file), 500); /* its own file is nobody's business here */
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].desired), guarded ? 500 : 1);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].desired), 500);
    CU_ASSERT_PTR_NULL(b.lab->nodes[3].refused);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void a_pushed_configuration_is_seen_taken_or_refused(void)
{
    through_the_control_plane(false);
    through_the_control_plane(true);
}

static void a_push_that_nobody_sees_is_refuted(void)
{
    struct bench b;
    bench_new(&b, "drift",
              &(struct action){.target = TARGET_NODE, .node = 3, .patch = patch, .via = DRIFT_VIA_CONTROL});
    b.lab->deaf = true;
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_free(&b);
}

static void a_heal_that_is_ignored(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .patch = patch});
    bench_apply(&b);
    b.lab->deaf = true;
    bench_heal(&b);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PENDING);
    bench_free(&b);
}

static void a_file_that_is_no_configuration(enum drift_file how, const char *word)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 3, .file = how});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 500); /* the last good one */
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, word));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(b.lab->nodes[3].file_state, LAB_FILE_READABLE);
    CU_ASSERT_PTR_NULL(b.lab->nodes[3].broken);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void a_file_cut_gone_or_closed(void)
{
    a_file_that_is_no_configuration(DRIFT_TRUNCATED, "broken");
    a_file_that_is_no_configuration(DRIFT_MISSING, "missing");
    a_file_that_is_no_configuration(DRIFT_UNREADABLE, "unreadable");
}

static void a_gateway_that_falls_over_it_counts(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 3, .file = DRIFT_TRUNCATED});
    b.lab->nodes[3].silent_about_files = true;
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    b.lab->nodes[3].state = NODE_DOWN;
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void a_missing_file_that_came_back_is_left_alone(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 3, .file = DRIFT_MISSING});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    json_object_set_new(b.lab->nodes[3].file, "drain_ms", json_integer(77));
    b.lab->nodes[3].file_state = LAB_FILE_READABLE;
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].file), 77);
    bench_free(&b);
}

static void a_file_that_nobody_is_told_of(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 3, .patch = patch, .not_reloaded = true});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 500);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].file), 1);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "in the file alone"));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].file), 500);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void an_old_file_is_the_first(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 3, .file = DRIFT_STALE});
    CU_ASSERT_EQUAL(bench_apply(&b), -1); /* nothing is older */
    json_object_set_new(b.lab->nodes[3].file, "drain_ms", json_integer(9));
    json_object_set_new(b.lab->nodes[3].running, "drain_ms", json_integer(9));
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 500);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 9);
    bench_free(&b);
}

static void an_origin_drifts_when_it_is_named(void)
{
    struct bench b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 2, .patch = patch});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[2].running), 1);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    bench_free(&b);
}

static void a_lab_that_does_nothing_is_no_proof(void)
{
    static const enum drift_file ways[] = {DRIFT_TRUNCATED, DRIFT_MISSING, DRIFT_UNREADABLE};
    for (size_t i = 0; i < 3; i++) {
        struct bench b;
        bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 3, .file = ways[i]});
        b.lab->deaf = true;
        CU_ASSERT_EQUAL(bench_apply(&b), -1);
        CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
        bench_free(&b);
    }
}

static void a_patch_of_what_runs_touches_no_file(void)
{
    struct bench b;
    bench_new(&b, "drift",
              &(struct action){.target = TARGET_REGION, .site = 1, .patch = patch, .via = DRIFT_VIA_RUNTIME});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    for (int n = 3; n < 5; n++) {
        CU_ASSERT_EQUAL(drain(b.lab->nodes[n].running), 1);
        CU_ASSERT_EQUAL(drain(b.lab->nodes[n].file), 500);
    }
    CU_ASSERT_EQUAL(drain(b.lab->nodes[5].running), 500);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.in.method, "by a patch"));
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 500);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    bench_free(&b);
}

static void a_patch_that_was_put_right_is_left_alone(void)
{
    struct bench b;
    bench_new(&b, "drift",
              &(struct action){.target = TARGET_NODE, .node = 3, .patch = patch, .via = DRIFT_VIA_RUNTIME});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    json_object_set_new(b.lab->nodes[3].running, "drain_ms", json_integer(77));
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN); /* it was there when it was made */
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 77);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

static void a_patch_ends_with_its_process(void)
{
    struct bench b;
    bench_new(&b, "drift",
              &(struct action){.target = TARGET_NODE, .node = 3, .patch = patch, .via = DRIFT_VIA_RUNTIME});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    b.lab->nodes[3].state = NODE_DOWN;
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    bench_free(&b);
}

/* Frozen when the heal comes, it is told when it thaws. */
static void a_patch_in_a_frozen_process_is_taken_back_later(void)
{
    struct bench b;
    bench_new(&b, "drift",
              &(struct action){.target = TARGET_NODE, .node = 3, .patch = patch, .via = DRIFT_VIA_RUNTIME});
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    b.lab->nodes[3].state = NODE_FROZEN;
    CU_ASSERT_EQUAL(bench_heal(&b), 0);
    b.lab->nodes[3].state = NODE_UP;
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 1);
    CU_ASSERT_EQUAL(bench_prove(&b, true), PROOF_PROVEN);
    CU_ASSERT_EQUAL(drain(b.lab->nodes[3].running), 500);
    bench_free(&b);
}

static void a_patch_that_nobody_takes_is_no_proof(void)
{
    struct bench b;
    bench_new(&b, "drift",
              &(struct action){.target = TARGET_NODE, .node = 3, .patch = patch, .via = DRIFT_VIA_RUNTIME});
    b.lab->deaf = true;
    CU_ASSERT_EQUAL(bench_apply(&b), -1);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_REFUTED);
    bench_free(&b);
}

static void beside_a_patched_one_a_file_drifts(void)
{
    struct bench first, b;
    bench_new(&b, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .patch = patch});
    first = b;
    first.in = (struct injection){.fault = 9, .action = &first.action, .fabric = b.fabric};
    first.action = b.action;
    first.action.node = 3;
    first.action.via = DRIFT_VIA_RUNTIME;
    CU_ASSERT_EQUAL(first.injector->apply(&first.in, &first.err), 0);
    CU_ASSERT_EQUAL(bench_apply(&b), 0);
    CU_ASSERT_EQUAL(bench_prove(&b, false), PROOF_PROVEN);
    free(first.in.state);
    bench_free(&b);
}

static void what_contradicts_itself(void)
{
    const struct action_type *type = &injector_find("drift")->type;
    char why[ACTION_WHY];
    CU_ASSERT_TRUE(type->objects(&(struct action){.via = DRIFT_VIA_CONTROL, .file = DRIFT_MISSING}, why));
    CU_ASSERT_TRUE(
        type->objects(&(struct action){.via = DRIFT_VIA_CONTROL, .patch = patch, .not_reloaded = true}, why));
    CU_ASSERT_TRUE(type->objects(&(struct action){.via = DRIFT_VIA_RUNTIME, .file = DRIFT_MISSING}, why));
    CU_ASSERT_TRUE(
        type->objects(&(struct action){.via = DRIFT_VIA_RUNTIME, .patch = patch, .not_reloaded = true}, why));
    CU_ASSERT_FALSE(type->objects(&(struct action){.via = DRIFT_VIA_RUNTIME, .patch = patch}, why));
    CU_ASSERT_FALSE(type->objects(&(struct action){.file = DRIFT_MISSING, .not_reloaded = true}, why));
}

void suite_drift(void)
{
    runner_suite(set_up, tear_down);
    runner_test(on_one_gateway);
    runner_test(on_a_region_by_merge);
    runner_test(a_repair_is_left_alone);
    runner_test(a_gateway_that_does_not_listen);
    runner_test(it_must_be_on_no_other);
    runner_test(nothing_to_change);
    runner_test(a_patch_that_does_not_fit);
    runner_test(a_pushed_configuration_is_seen_taken_or_refused);
    runner_test(a_push_that_nobody_sees_is_refuted);
    runner_test(a_heal_that_is_ignored);
    runner_test(a_file_cut_gone_or_closed);
    runner_test(a_gateway_that_falls_over_it_counts);
    runner_test(a_missing_file_that_came_back_is_left_alone);
    runner_test(a_file_that_nobody_is_told_of);
    runner_test(an_old_file_is_the_first);
    runner_test(an_origin_drifts_when_it_is_named);
    runner_test(a_lab_that_does_nothing_is_no_proof);
    runner_test(a_patch_of_what_runs_touches_no_file);
    runner_test(a_patch_that_was_put_right_is_left_alone);
    runner_test(a_patch_ends_with_its_process);
    runner_test(a_patch_in_a_frozen_process_is_taken_back_later);
    runner_test(a_patch_that_nobody_takes_is_no_proof);
    runner_test(beside_a_patched_one_a_file_drifts);
    runner_test(what_contradicts_itself);
}
