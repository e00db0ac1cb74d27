/* SPDX-License-Identifier: MIT */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/reports/fixture.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void the_table_is_complete(void)
{
    static const char *const files[] = {"result.json", "report.html", "junit.xml", "summary.md", "metrics.prom"};
    size_t n = 0;
    for (; reporters[n]; n++) {
        CU_ASSERT_STRING_EQUAL(reporters[n]->file_name, files[n]);
        CU_ASSERT_PTR_EQUAL(reporter_find(reporters[n]->name), reporters[n]);
    }
    CU_ASSERT_EQUAL(n, array_len(files));
    CU_ASSERT_PTR_NULL(reporter_find("pdf"));
    CU_ASSERT_PTR_NULL(reporter_find(NULL));
}

static void writes_into_the_run_directory(void)
{
    char dir[] = "/tmp/drtest-report-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    struct fixture *f = fixture_new(FIXTURE_TINY);
    f->in.run_path = dir;
    struct err e = {0};
    CU_ASSERT_EQUAL(report_write(reporter_find("summary"), &f->in, NULL, &e), 0);
    scoped_text struct text path = {0}, bytes = {0};
    text_addf(&path, "%s/summary.md", dir);
    CU_ASSERT_EQUAL(text_read_file(&bytes, text_str(&path), 1 << 20, &e), 0);
    scoped_free char *want = fixture_render("summary", &f->in);
    CU_ASSERT_STRING_EQUAL(text_str(&bytes), want);
    unlink(text_str(&path));
    rmdir(dir);
    fixture_free(f);
}

static int fails(FILE *out, const struct report_input *in, struct err *e)
{
    (void)in;
    fputs("half a report", out);
    return err_set(e, ERR_DEFECT, "half", "stopped in the middle");
}

static void a_failure_leaves_the_older_file(void)
{
    char path[] = "/tmp/drtest-report-XXXXXX";
    scoped_fd int fd = mkstemp(path);
    CU_ASSERT_EQUAL(write(fd, "older", 5), 5);
    const struct reporter half = {"half", "half.txt", "stops", fails};
    struct fixture *f = fixture_new(FIXTURE_TINY);
    struct err e = {0};
    CU_ASSERT_EQUAL(report_write(&half, &f->in, path, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_DEFECT);
    scoped_text struct text bytes = {0};
    struct err none = {0};
    CU_ASSERT_EQUAL(text_read_file(&bytes, path, 100, &none), 0);
    CU_ASSERT_STRING_EQUAL(text_str(&bytes), "older");
    e = (struct err){0};
    CU_ASSERT_EQUAL(report_write(reporter_find("junit"), &f->in, "/nowhere/at/all.xml", &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    unlink(path);
    fixture_free(f);
}

void suite_report(void)
{
    runner_suite(NULL, NULL);
    runner_test(the_table_is_complete);
    runner_test(writes_into_the_run_directory);
    runner_test(a_failure_leaves_the_older_file);
}
