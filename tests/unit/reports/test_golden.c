/* SPDX-License-Identifier: MIT */
/*
 * Whole files against the ones kept in tests/golden/report-<case>/. After a wanted change:
 *
 *     DRTEST_UPDATE_GOLDEN=1 build/dev/tests/bin/unit-reports golden, then look at the difference
 *
 * report.html is not kept: its rules are tested by themselves, its looks by eye.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <sys/stat.h>

static void compare(const char *folder, const char *file, const char *got)
{
    scoped_text struct text path = {0}, want = {0};
    struct err e = {0};
    text_addf(&path, DRTEST_SOURCE_DIR "/tests/golden/report-%s", folder);
    if (getenv("DRTEST_UPDATE_GOLDEN")) {
        (void)mkdir(text_str(&path), 0777);
        text_addf(&path, "/%s", file);
        CU_ASSERT_EQUAL(file_replace(text_str(&path), got, strlen(got), &e), 0);
        return;
    }
    text_addf(&path, "/%s", file);
    CU_ASSERT_EQUAL(text_read_file(&want, text_str(&path), 1 << 20, &e), 0);
    if (strcmp(text_str(&want), got) != 0) {
        size_t at = 0, line = 1;
        for (; want.at && want.at[at] && want.at[at] == got[at]; at++) {
            line += got[at] == '\n';
        }
        printf("%s:%zu: differs; got: %.*s\n", text_str(&path), line, (int)strcspn(got + at, "\n"), got + at);
    }
    CU_ASSERT_STRING_EQUAL(text_str(&want), got);
}

static void reports_are_as_kept(void)
{
    for (int which = 0; which < FIXTURE_CASES; which++) {
        struct fixture *f = fixture_new((enum fixture_case)which);
        static const char *const names[] = {"junit", "summary", "metrics"};
        for (size_t i = 0; i < array_len(names); i++) {
            scoped_free char *got = fixture_render(names[i], &f->in);
            compare(fixture_names[which], reporter_find(names[i])->file_name, got);
        }
        f->in.jenkins_style = true;
        scoped_free char *strict = fixture_render("junit", &f->in);
        compare(fixture_names[which], "junit-jenkins.xml", strict);
        scoped_free char *bytes = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&bytes, &len);
        const struct terminal_style style = {.utf8 = true, .width = 80};
        terminal_result(out, &f->in, &style);
        CU_ASSERT_EQUAL(fclose(out), 0);
        compare(fixture_names[which], "terminal.txt", bytes);
        fixture_free(f);
    }
}

void suite_golden(void)
{
    runner_suite(NULL, NULL);
    runner_test(reports_are_as_kept);
}
