/* SPDX-License-Identifier: MIT */
/*
 * Wrong files and what is said of them: tests/data/spec/NAME.yaml against NAME.txt, byte for byte, and quickly. To
 * write the expected files anew: DRTEST_WRITE_GOLDEN=1 unit-spec golden, then read the difference.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/suite.h"
#include "tests/unit/runner.h"
#include "tests/unit/spec/support.h"
#include "tests/unit/spec/verbs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a command would print about the file; says whether it was accepted. */
static int describe(const char *path, struct text *out, struct err *e)
{
    struct diag_list diags = {0};
    struct plan *p = NULL;
    struct suite *s = NULL;
    int failed = spec_is_suite(path) ? suite_load(path, &s, &diags, e)
                                     : spec_load(path, test_verbs, test_verb_count, NULL, &p, &diags, e);
    diag_print(&diags, out, false);
    diag_list_deinit(&diags);
    suite_free(s);
    plan_free(p);
    return failed;
}

static void compare(const char *name, bool accepted)
{
    scoped_text struct text got = {0}, want = {0};
    char yaml[128], expected[128];
    struct err e = {0};
    snprintf(yaml, sizeof(yaml), "tests/data/spec/%s.yaml", name);
    snprintf(expected, sizeof(expected), "tests/data/spec/%s.txt", name);
    int64_t begin = cpu_ns();
    CU_ASSERT_EQUAL(describe(yaml, &got, &e), accepted ? 0 : -1);
    CU_ASSERT(cpu_ns() - begin < 100 * NS_PER_MS);
    CU_ASSERT_EQUAL(err_exit_code(&e), accepted ? 0 : 3);
    if (getenv("DRTEST_WRITE_GOLDEN")) {
        CU_ASSERT_EQUAL(file_replace(expected, text_str(&got), got.len, NULL), 0);
    }
    CU_ASSERT_EQUAL(text_read_file(&want, expected, 1 << 20, NULL), 0);
    CU_ASSERT_STRING_EQUAL(text_str(&got), text_str(&want));
    if (!text_eq(text_str(&got), text_str(&want))) {
        printf("\n%s: got\n%s", yaml, text_str(&got));
    }
}

static void wrong_files_are_explained(void)
{
    static const char *const names[] = {
        "unknown-key",
        "missing-unit",
        "unknown-region",
        "balancing",
        "weights",
        "tls",
        "identity",
        "identity-missing",
        "identity-rate",
        "identity-fine",
        "unknown-region-steps",
        "client-target",
        "duplicate-key",
        "tab",
        "empty",
        "comments",
        "binary",
        "latin1",
        "deep",
        "wide",
        "many",
        "features",
        "second-document",
        "syntax",
        "everything",
        "choices",
        "faults",
        "late",
        "late-together",
        "platform",
        "platform-sense",
        "platform-steps",
        "no-platform",
        "links",
        "link-faults",
        "only",
        "only-faults",
        "composition",
        "rounds",
        "rounds-keys",
        "backups",
        "backups-none",
        "backups-kept",
        "targets",
        "no-writes",
        "suite",
        "not-a-map",
        "settings-file",
        "does-not-exist",
    };
    for (size_t i = 0; i < array_len(names); i++) {
        compare(names[i], false);
    }
}

static void doubtful_files_are_accepted_with_warnings(void)
{
    compare("warnings", true);
}

static void a_file_of_two_mebibytes_is_refused(void)
{
    scoped_text struct text big = {0}, out = {0};
    char path[] = "/tmp/drtest-spec-XXXXXX";
    CU_ASSERT_EQUAL(close(mkstemp(path)), 0);
    for (size_t i = 0; i < 2 * 1024 * 1024 / 16; i++) {
        text_add(&big, "# sixteen bytes\n");
    }
    CU_ASSERT_EQUAL(file_replace(path, text_str(&big), big.len, NULL), 0);
    struct err e = {0};
    int64_t begin = cpu_ns();
    CU_ASSERT_EQUAL(describe(path, &out, &e), -1);
    CU_ASSERT(cpu_ns() - begin < 400 * NS_PER_MS); /* with sanitizers; 20 ms without */
    CU_ASSERT_EQUAL(err_exit_code(&e), 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), "error[DR0113]: the file has 2097152 bytes, more than 1 MiB"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text_str(&out), ":65537:1\n      |\n65537 | # sixteen bytes\n      | ^ 1 MiB ends here"));
    remove(path);
}

static void shipped_scenarios_are_green(void)
{
    static const char *const names[] = {"region-outage", "partition",  "one-way-partition",
                                        "config-drift",  "null-drill", "quarterly"};
    for (size_t i = 0; i < array_len(names); i++) {
        char path[64];
        scoped_text struct text out = {0};
        struct err e = {0};
        snprintf(path, sizeof(path), "scenarios/%s.yaml", names[i]);
        CU_ASSERT_EQUAL(describe(path, &out, &e), 0);
        CU_ASSERT_STRING_EQUAL(text_str(&out), "");
    }
}

void suite_golden(void)
{
    runner_suite(go_to_sources, NULL);
    runner_test(wrong_files_are_explained);
    runner_test(doubtful_files_are_accepted_with_warnings);
    runner_test(a_file_of_two_mebibytes_is_refused);
    runner_test(shipped_scenarios_are_green);
}
