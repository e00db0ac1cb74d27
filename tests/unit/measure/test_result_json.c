/* SPDX-License-Identifier: MIT */
/* result.json: what is written reads back bit for bit, and what is not one is refused. */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/measure/bench.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct bench b;
static char folder[64];

static int build(void)
{
    strcpy(folder, "/tmp/drtest-result-XXXXXX");
    bench_init(&b);
    uint16_t reads = bench_stream(&b, STREAM_READ_FRESH, 7, 1000), writes = bench_stream(&b, STREAM_WRITE, 20, 1000);
    bench_fault(&b, "kill", 15000.123457, 15003.7, 35000, 35010, 5000);
    json_t *patch = bench_json("[{\"op\":\"remove\",\"path\":\"/a\"}]");
    b.steps[0].action.patch = patch;
    bench_target(&b, TARGET_RTO, MS(5000));
    bench_target(&b, TARGET_RPO, MS(1000));
    b.targets[0].assignment = "targets.rto=5s";
    b.targets[1].file = "quarterly.yaml";
    bench_target(&b, TARGET_AVAILABILITY, 990000);
    bool has[200];
    for (uint64_t k = 0; k < 200; k++) {
        double at = 10007 + 142.857143 * (double)k;
        bench_sample(&b, reads, k, at, at + 0.111111, at + 3.333333,
                     at > 15001 && at < 16000 ? OUTCOME_REFUSED : OUTCOME_GOOD);
        bench_sample(&b, writes, k, at, at, at + 3, OUTCOME_GOOD);
        bench_write(&b, 0, k, at, at + 3, WRITE_OK);
        has[k] = k < 30 || k > 33;
    }
    bench_all_reads(&b, has, 200);
    struct event *drift = bench_event(&b, EVENT_DRIFT, 16000, 16000, "eu-west/1", NULL, 0);
    drift->data = bench_json("{\"desired\":{\"a\":1},\"running\":{\"a\":2}}");
    static const char *const told[] = {"{\"drift_kind\":\"file_edit\"}", "{\"drift_kind\":\"secret\"}",
                                       "{\"drift_kind\":\"<b>\"}", "{\"drift_kind\":7}", "{\"drift_kind\":null}"};
    for (size_t i = 0; i < array_len(told); i++)
        bench_event(&b, EVENT_OBSERVED, 16000 + (double)i, 16000 + (double)i, "eu-west/1", "ok", 0)->data =
            bench_json("%s", told[i]);
    struct event *mechanism = bench_event(&b, EVENT_MECHANISM, 0, 0, "kill", NULL, 0);
    mechanism->detail = "pidfd available";
    mechanism->data = bench_json("{\"name\":\"signal\"}");
    bench_event(&b, EVENT_LIMIT, 0, 0, NULL, NULL, 0)->detail = "Link delays were left out.";
    bench_run(&b);
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/result.json", folder);
    (void)unlink(path);
    (void)rmdir(folder);
    json_decref(b.steps[0].action.patch);
    bench_deinit(&b);
    return 0;
}

static void stored_and_loaded_is_the_same(void)
{
    struct err e = {0};
    struct result *back = NULL;
    CU_ASSERT_EQUAL(result_store(folder, b.result, &e), 0);
    CU_ASSERT_EQUAL(result_load(folder, &back, &e), 0);
    CU_ASSERT_STRING_EQUAL(e.msg, "");
    CU_ASSERT_PTR_NOT_NULL(back);
    if (!back)
        return;
    scoped_json json_t *ours = result_to_json(b.result);
    scoped_json json_t *theirs = result_to_json(back);
    CU_ASSERT(json_equal(ours, theirs)); /* doubles bit for bit */
    CU_ASSERT_EQUAL(back->objectives.len, 3);
    CU_ASSERT_EQUAL(back->objectives.at[0].verdict, b.result->objectives.at[0].verdict);
    CU_ASSERT(back->has_ledger && back->has_drift);
    CU_ASSERT_STRING_EQUAL(back->drift.gateways.at[0].kind, "secret"); /* its last word that is one of ours */
    CU_ASSERT_EQUAL(back->ledger.lost.len, b.result->ledger.lost.len);
    CU_ASSERT(isnan(back->measures.rto_after_heal_s));
    CU_ASSERT_EQUAL(back->measures.stale_read_count, b.result->measures.stale_read_count);
    CU_ASSERT_WORD(back->faults.at[0].do_, "kill");
    CU_ASSERT_WORD(back->objectives.at[0].assignment, "targets.rto=5s");
    CU_ASSERT_WORD(back->objectives.at[1].file, "quarterly.yaml");
    CU_ASSERT(!back->objectives.at[0].file && !back->objectives.at[1].assignment && !back->objectives.at[2].file);
    CU_ASSERT_WORD(back->drift.gateways.at[0].status, "changed");
    CU_ASSERT_EQUAL(json_array_size(back->drift.patch), 1);
    result_free(back);
}

static void every_key_of_the_contract_is_there(void)
{
    static const char *const top[] = {"schema_version", "tool", "run", "clock", "scenario", "host", "lab", "mechanisms",
                                      "phases", "faults", "events", "objectives", "checks", "measures", "requests",
                                      "ledger", "drift", "quality", "history", "surges", "stops", "comparisons",
                                      "limits", "blast_radius"};
    scoped_json json_t *doc = result_to_json(b.result);
    CU_ASSERT_EQUAL(json_object_size(doc), sizeof(top) / sizeof(top[0]));
    for (size_t i = 0; i < sizeof(top) / sizeof(top[0]); i++)
        CU_ASSERT_PTR_NOT_NULL(json_object_get(doc, top[i]));
    json_t *m = json_object_get(doc, "measures");
    size_t count = 0, wanted = 0;
#define X(name, doc) count += json_object_get(m, #name) != NULL, wanted++;
    RESULT_MEASURES(X, X, X)
#undef X
    CU_ASSERT_EQUAL(count, wanted);
    CU_ASSERT_EQUAL(json_object_size(m), wanted);
    CU_ASSERT(json_is_null(json_object_get(m, "rto_after_heal_s")));
    json_t *fault = json_array_get(json_object_get(doc, "faults"), 0);
    CU_ASSERT_WORD(json_string_value(json_object_get(fault, "do")), "kill");
    CU_ASSERT_PTR_NOT_NULL(json_object_get(json_object_get(fault, "params"), "patch"));
    CU_ASSERT(json_is_object(json_object_get(fault, "heal_proof")));
}

static void what_does_not_apply_is_null(void)
{
    struct bench plain;
    bench_init(&plain);
    bench_stream(&plain, STREAM_READ_FRESH, 50, 1000);
    bench_fault(&plain, "kill", 15000, 15001, NEVER, NEVER, 0);
    bench_run(&plain);
    scoped_json json_t *doc = result_to_json(plain.result);
    CU_ASSERT(json_is_null(json_object_get(doc, "ledger")));
    CU_ASSERT(json_is_null(json_object_get(doc, "drift")));
    json_t *fault = json_array_get(json_object_get(doc, "faults"), 0);
    CU_ASSERT(json_is_null(json_object_get(fault, "heal_proof")));
    CU_ASSERT(json_is_null(json_object_get(fault, "t_hb_s")));
    struct result *back = NULL;
    CU_ASSERT_EQUAL(result_from_json(doc, &back, "plain", NULL), 0);
    CU_ASSERT(back && !back->has_ledger && !back->has_drift && !back->faults.at[0].has_heal_proof);
    result_free(back);
    bench_deinit(&plain);
}

/* A file from before targets had them has neither key, and says the same of a target of the scenario itself. */
static void older_objectives_are_read(void)
{
    struct result *back = NULL;
    scoped_json json_t *doc = result_to_json(b.result);
    json_t *own = json_array_get(json_object_get(doc, "objectives"), 2);
    CU_ASSERT(json_is_null(json_object_get(own, "file")) && json_is_null(json_object_get(own, "assignment")));
    scoped_json json_t *whole = json_deep_copy(doc);
    json_object_del(own, "file");
    json_object_del(own, "assignment");
    CU_ASSERT_EQUAL(result_from_json(doc, &back, "older", NULL), 0);
    scoped_json json_t *again = result_to_json(back);
    CU_ASSERT(json_equal(again, whole));
    result_free(back);
}

static void the_same_evidence_gives_the_same_bytes(void)
{
    scoped_json json_t *first = result_to_json(b.result);
    scoped_free char *one = json_dumps(first, JSON_REAL_PRECISION(15));
    bench_run(&b);
    scoped_json json_t *second = result_to_json(b.result);
    scoped_free char *two = json_dumps(second, JSON_REAL_PRECISION(15));
    CU_ASSERT_STRING_EQUAL(one, two);
    CU_ASSERT(strstr(one, "00000001") == NULL); /* no artefacts of binary fractions */
    CU_ASSERT(strstr(one, "99999999") == NULL);
}

static void identity_comes_from_header_and_plan(void)
{
    const struct result *r = b.result;
    CU_ASSERT_WORD(r->run.started_at, "2026-01-01T06:00:00.118Z");
    CU_ASSERT_WORD(r->run.ended_at, "2026-01-01T06:01:40.118Z");
    CU_ASSERT_NEAR(r->run.duration_s, 100);
    CU_ASSERT_EQUAL(r->run.command.len, 3);
    CU_ASSERT_EQUAL(r->run.seed, 7);
    CU_ASSERT_WORD(r->host.hostname, "ci-7");
    CU_ASSERT_EQUAL(r->host.memory_bytes, 8589934592);
    CU_ASSERT_WORD(r->lab.kind, "netns");
    CU_ASSERT_EQUAL(r->lab.regions.len, 2);
    CU_ASSERT_WORD(r->lab.vantages.at[0], "clients");
    CU_ASSERT_WORD(r->mechanisms.at[0].name, "signal");
    CU_ASSERT_WORD(r->phases.at[0].name, "baseline");
    CU_ASSERT_NEAR(r->phases.at[0].end_s, 14.8);
    CU_ASSERT_NEAR(r->clock.scenario_zero_s, 14.9);
    CU_ASSERT_EQUAL_FATAL(r->limits.len, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(r->limits.at[1], "supports only a good ratio >= "));
}

static void strangers_files_are_refused(void)
{
    static const char *const odd[] = {"{}", "[]", "7", "{\"schema_version\":1}", "{\"schema_version\":\"1\"}"};
    struct result *back = NULL;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct err e = {0};
        scoped_json json_t *doc = bench_json("%s", odd[i]);
        CU_ASSERT_EQUAL(result_from_json(doc, &back, "odd", &e), -1);
        CU_ASSERT_PTR_NULL(back);
        CU_ASSERT_NOT_EQUAL(e.kind, ERR_NONE);
    }
    scoped_json json_t *doc = result_to_json(b.result);
    json_object_set_new(doc, "schema_version", json_integer(2));
    struct err e = {0};
    CU_ASSERT_EQUAL(result_from_json(doc, &back, "later", &e), -1);
    json_object_set_new(doc, "schema_version", json_integer(1));
    json_object_set_new(doc, "unheard_of", json_true());
    CU_ASSERT_EQUAL(result_from_json(doc, &back, "later", NULL), 0); /* ignored */
    result_free(back);
    json_object_set_new(json_object_get(doc, "run"), "verdict", json_string("splendid"));
    CU_ASSERT_EQUAL(result_from_json(doc, &back, "word", &e), -1);
    CU_ASSERT_EQUAL(result_load("/nonexistent", &back, &e), -1);
    result_free(NULL);
}

void suite_result_json(void)
{
    runner_suite(build, tear_down);
    runner_test(stored_and_loaded_is_the_same);
    runner_test(every_key_of_the_contract_is_there);
    runner_test(what_does_not_apply_is_null);
    runner_test(older_objectives_are_read);
    runner_test(the_same_evidence_gives_the_same_bytes);
    runner_test(identity_comes_from_header_and_plan);
    runner_test(strangers_files_are_refused);
}
