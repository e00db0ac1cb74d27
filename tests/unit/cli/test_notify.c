/* SPDX-License-Identifier: MIT */
/*
 * The log of events: every run has it, in the words of CloudEvents, and who cannot write it says so.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/notify.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/drtest-notify-XXXXXX", log_path[64];
static const struct plan plan = {.name = "region-outage", .title = "A region dies", .seed = 7};

static int set_up(void)
{
    bool made = mkdtemp(folder) != NULL;
    snprintf(log_path, sizeof(log_path), "%s/events.jsonl", folder);
    return made ? 0 : -1;
}

static int tear_down(void)
{
    return rmdir(folder);
}

/* What one run tells: the beginning, a fault, an event that is nobody's business, the end. */
static int tell_all(struct err *e)
{
    struct notify n = {.plan = &plan, .lab = "sim", .run_id = "r-1", .zero_wall_ns = 1767247200000000000};
    const struct event proof = {.kind = EVENT_FAULT_PROOF, .code = 1, .subject = "kill us-east", .outcome = "proven"},
                       other = {.kind = EVENT_NODE, .subject = "us-east/1"};
    struct result r = {.run = {.id = "r-1", .verdict = MISSED, .exit_code = 1, .duration_s = 60}};
    *vec_push(&r.objectives) =
        (struct result_objective){.name = "rto", .unit = "s", .achieved_lower = 5.25, .achieved_upper = 5.5};
    int undelivered = 7, rc = notify_begin(&n, NULL, folder, e);
    if (rc == 0) {
        notify_started(&n);
        notify_event(&n, &other, 1);
        notify_event(&n, &proof, 22.5);
        rc = notify_end(&n, &r, folder, &undelivered, e);
        CU_ASSERT_EQUAL(undelivered, 0);
    }
    notify_close(&n);
    vec_deinit(&r.objectives);
    return rc;
}

static void every_run_has_its_log(void)
{
    static const char *const types[] = {"drtest.run.started", "drtest.fault.injected", "drtest.run.finished"};
    static const char *const times[] = {"2026-01-01T06:00:00", "2026-01-01T06:00:22", "2026-01-01T06:01:00"};
    struct err e = {0};
    scoped_text struct text all = {0};
    CU_ASSERT_EQUAL(tell_all(&e), 0);
    CU_ASSERT_EQUAL_FATAL(text_read_file(&all, log_path, 1 << 16, &e), 0);
    char *rest = all.at;
    for (size_t i = 0; i < array_len(types); i++) {
        scoped_json json_t *event = json_loads(strsep(&rest, "\n"), 0, NULL);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(event, "specversion")), "1.0");
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(event, "type")), types[i]);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(event, "source")), "/drtest/region-outage");
        CU_ASSERT(text_starts(json_string_value(json_object_get(event, "time")), times[i]));
        CU_ASSERT(text_starts(json_string_value(json_object_get(event, "id")), "r-1/"));
        CU_ASSERT(json_is_object(json_object_get(event, "data")));
    }
    CU_ASSERT_STRING_EQUAL(rest, "");
    unlink(log_path);
}

static void a_full_disk_is_told_at_the_end(void)
{
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(symlink("/dev/full", log_path), 0);
    CU_ASSERT_EQUAL(tell_all(&e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    CU_ASSERT_STRING_EQUAL(e.at, "events.jsonl");
    unlink(log_path);
}

static void a_log_that_cannot_be_made_keeps_the_run_from_beginning(void)
{
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(symlink("/nonexistent/folder/x", log_path), 0);
    CU_ASSERT_EQUAL(tell_all(&e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.at, "events.jsonl"));
    unlink(log_path);
}

void suite_notify(void)
{
    runner_suite(set_up, tear_down);
    runner_test(every_run_has_its_log);
    runner_test(a_full_disk_is_told_at_the_end);
    runner_test(a_log_that_cannot_be_made_keeps_the_run_from_beginning);
}
