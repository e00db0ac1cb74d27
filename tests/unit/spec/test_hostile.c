/* SPDX-License-Identifier: MIT */
/*
 * Shipped scenarios with bytes changed, cut out and doubled at random (seeded): every one of them is either accepted or
 * explained, in bounded time, and what is accepted survives the round trip through plan.yaml.
 */
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/spec/load_tree.h"
#include "harness/spec/plan_yaml.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include "tests/unit/spec/verbs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 1500 };

static void mutate(struct text *t, struct rng *r)
{
    static const char *const pieces[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ": ",
                                         "- ",
                                         "\n",
                                         "\t",
                                         "&a ",
                                         "*a",
                                         "!x ",
                                         "\"",
                                         "'",
                                         "#",
                                         "\xff",
                                         "\xe2\x80\xa8",
                                         "99999999999999999999s",
                                         "-1",
                                         "0",
                                         "~",
                                         "us-east",
                                         "kill",
                                         "|\n",
                                         ",",
                                         "restore",
                                         "for: 1s",
                                         "<<",
                                         "\r",
                                         "at: 0s, ",
                                         "0%"};
    for (uint64_t n = 1 + rng_below(r, 6); n > 0 && t->len > 0; n--) {
        size_t at = (size_t)rng_below(r, t->len), len = (size_t)rng_below(r, 20);
        len = len > t->len - at ? t->len - at : len;
        scoped_text struct text next = {0};
        text_add_bytes(&next, t->at, at);
        switch (rng_below(r, 4)) {
        case 0: /* cut out */
            break;
        case 1: /* twice */
            text_add_bytes(&next, t->at + at, len);
            text_add_bytes(&next, t->at + at, len);
            break;
        case 2: /* put in */
            text_add(&next, pieces[rng_below(r, array_len(pieces))]);
            text_add_bytes(&next, t->at + at, len);
            break;
        default: { /* change one byte */
            char c = (char)rng_below(r, 256);
            text_add_bytes(&next, &c, 1);
            text_add_bytes(&next, t->at + at, len);
        }
        }
        text_add_bytes(&next, t->at + at + len, t->len - at - len);
        text_clear(t);
        text_add_bytes(t, next.at, next.len);
    }
}

/* Accepted or explained; returns whether accepted. */
static bool survives(const char *bytes, size_t len)
{
    struct plan *p = NULL, *again = NULL;
    struct diag_list diags = {0};
    struct err e = {0};
    scoped_text struct text printed = {0}, yaml = {0};
    struct load l = {.path = "t.yaml", .text = bytes, .len = len, .types = test_verbs, .type_count = test_verb_count};
    int64_t begin = cpu_ns();
    int failed = load_plan(&l, &p, &diags, &e);
    diag_print(&diags, &printed, false);
    json_decref(diag_json(&diags));
    CU_ASSERT(cpu_ns() - begin < 1000 * NS_PER_MS);
    CU_ASSERT_EQUAL(failed != 0, diags.errors > 0);
    CU_ASSERT_EQUAL(err_exit_code(&e), failed ? 3 : 0);
    diag_list_deinit(&diags);
    if (failed) {
        return false;
    }
    plan_yaml(p, &yaml);
    l.text = text_str(&yaml);
    l.len = yaml.len;
    CU_ASSERT_EQUAL(load_plan(&l, &again, &diags, &e), 0);
    CU_ASSERT(again && text_eq(again->yaml, p->yaml));
    if (!again || !text_eq(again->yaml, p->yaml)) {
        printf("\n  lost in plan.yaml:\n%.*s\n", (int)len, bytes);
    }
    diag_list_deinit(&diags);
    plan_free(p);
    plan_free(again);
    return true;
}

static void mutations_are_accepted_or_explained(void)
{
    static const char *const files[] = {"scenarios/region-outage.yaml", "scenarios/config-drift.yaml",
                                        "scenarios/one-way-partition.yaml", "tests/data/spec/faults.yaml"};
    struct rng r;
    size_t accepted = 0;
    rng_init(&r, 1, "test/hostile");
    for (int i = 0; i < ROUNDS; i++) {
        scoped_text struct text t = {0};
        CU_ASSERT_EQUAL(text_read_file(&t, files[(size_t)i % array_len(files)], 1 << 20, NULL), 0);
        mutate(&t, &r);
        accepted += survives(t.at, t.len);
    }
    CU_ASSERT(accepted > ROUNDS / 50); /* the mutations are mild enough to reach all stages */
    CU_ASSERT(accepted < ROUNDS / 2);
}

static void noise_is_explained(void)
{
    struct rng r;
    rng_init(&r, 2, "test/hostile");
    for (int i = 0; i < 300; i++) {
        char bytes[400];
        size_t len = (size_t)rng_below(&r, sizeof(bytes));
        for (size_t k = 0; k < len; k++) {
            static const char alphabet[] = "{}[]:,-?&*!|>'\"%@`# \n\tab01~<=";
            bytes[k] = alphabet[rng_below(&r, sizeof(alphabet) - 1)];
        }
        CU_ASSERT_FALSE(survives(bytes, len));
    }
}

/* Two hundred steps over ninety-nine regions: the checks among faults stay quick. */
static void the_largest_timeline_is_quick(void)
{
    scoped_text struct text t = {0};
    text_add(&t, "drtest: 1\nname: t\nworkload: {reads: {rate: 1000/s}}\ntopology:\n  regions:\n");
    for (int i = 0; i < 99; i++) {
        text_addf(&t, "    r%d: {gateways: 8, origins: 4}\n", i);
    }
    text_add(&t, "targets: {rto: 5s}\ntimeline:\n");
    for (int i = 0; i < 98; i++) {
        text_addf(&t, "  - {at: %ds, do: kill, region: r%d}\n", i, i);
    }
    for (int i = 0; i < 102; i++) {
        text_addf(&t, "  - {at: %ds, do: partition, between: [clients-r%d, r98]}\n", 100 + i, i % 99);
    }
    CU_ASSERT_FALSE(survives(t.at, t.len)); /* three of the cuts are there already */
}

void suite_hostile(void)
{
    runner_suite(go_to_sources, NULL);
    runner_test(mutations_are_accepted_or_explained);
    runner_test(noise_is_explained);
    runner_test(the_largest_timeline_is_quick);
}
