/* SPDX-License-Identifier: MIT */
/*
 * The lines that a log gets: their form, what is told and what is kept quiet, and that the evidence cannot steer a
 * terminal.
 */
#include "harness/base/text.h"
#include "harness/cli/progress.h"
#include "tests/unit/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct plan_step step = {.id = 1};
static struct plan plan = {.name = "drill", .seed = 7, .steps = &step, .step_count = 1, .good_ratio_ppm = 999000};
static int pipe_out;
static struct watch w;

static void begin(struct face face)
{
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
    unsetenv("GITHUB_ACTIONS");
    watch_init(&w, &plan, &face, "sim");
    w.fd = fds[1];
    w.zero_wall_ns = INT64_C(1767247200) * 1000000000;
    pipe_out = fds[0];
}

/* What was written since begin. */
static void end(struct text *t)
{
    char buf[4096];
    watch_deinit(&w);
    close(w.fd);
    for (ssize_t n; (n = read(pipe_out, buf, sizeof(buf))) > 0;) {
        text_add_bytes(t, buf, (size_t)n);
    }
    close(pipe_out);
}

static void tell(enum event_kind kind, double run_s, const char *outcome, const char *detail)
{
    struct event ev = {.kind = kind, .subject = "kill us-east", .outcome = outcome, .detail = detail, .code = 1};
    w.progress.event(&w.progress, &ev, run_s);
}

static void a_fault_and_its_proof_are_one_line(void)
{
    scoped_text struct text t = {0};
    begin((struct face){0});
    tell(EVENT_FAULT_APPLY, 22.0003, "ok", NULL);
    tell(EVENT_FAULT_PROOF, 22.003, "proven", "pidfd");
    end(&t);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "06:00:22Z  22.003 fault      1 kill us-east: proven in 2.7 ms\n");
}

static void what_went_wrong_is_always_told(void)
{
    scoped_text struct text t = {0};
    begin((struct face){0});
    tell(EVENT_FAULT_APPLY, 1, "error", "no netem");
    tell(EVENT_FAULT_PROOF, 1, "unproven", "canary \033[2J still\nanswers");
    tell(EVENT_ABORT, 2, NULL, "SIGINT");
    tell(EVENT_RESIDUE, 3, "dirty", "a namespace");
    end(&t);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), "no netem"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), "unproven, canary  [2J still answers\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), "SIGINT"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&t), "a namespace"));
    CU_ASSERT_PTR_NULL(strchr(text_str(&t), '\033'));
}

static void quiet_says_harness_errors_only(void)
{
    scoped_text struct text t = {0};
    begin((struct face){0});
    w.quiet = true;
    tell(EVENT_PHASE_BEGIN, 1, NULL, NULL);
    tell(EVENT_FAULT_PROOF, 1, "proven", NULL);
    CU_ASSERT_EQUAL(w.said_mono_ns > 0, true);
    tell(EVENT_HARNESS, 2, "error", "a worker died");
    end(&t);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "06:00:02Z   2.000 harness    error: a worker died\n");
}

static void verbose_says_every_event(void)
{
    scoped_text struct text t = {0};
    begin((struct face){0});
    tell(EVENT_OBSERVED, 1, NULL, "role");
    w.verbose = true;
    tell(EVENT_OBSERVED, 2, NULL, "role");
    end(&t);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "06:00:02Z   2.000 observed   kill us-east role\n");
}

static void service_is_judged_by_what_ended(void)
{
    scoped_text struct text t = {0};
    struct run_view v = {.phase = "fault"};
    begin((struct face){0});
    for (int s = 1; s <= 4; s++) {
        v.elapsed_s = s;
        v.good += 100;
        v.bad += s == 3 ? 50 : 0;
        w.progress.view(&w.progress, &v);
    }
    end(&t);
    CU_ASSERT_STRING_EQUAL(text_str(&t),
                           "06:00:03Z   3.000 service    66.7 % of what ended in the last second was good\n"
                           "06:00:04Z   4.000 service    100.0 % of what ended in the last second was good\n");
}

static void a_terminal_gets_one_status_line_that_goes_away(void)
{
    scoped_text struct text t = {0};
    struct run_view v = {
        .phase = "a phase with quite a long name", .elapsed_s = 1, .sent = 5};
    begin((struct face){.terminal = true, .width = 30});
    w.progress.view(&w.progress, &v);
    end(&t);
    CU_ASSERT(text_starts(text_str(&t), "\r[1 of about 0 s] a phase with"));
    CU_ASSERT_PTR_NULL(strchr(text_str(&t), '\n'));
    const char *cleared = strrchr(text_str(&t), '\r');
    CU_ASSERT(cleared && text_eq(cleared, "\r\033[K"));
}

void suite_progress(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_fault_and_its_proof_are_one_line);
    runner_test(what_went_wrong_is_always_told);
    runner_test(quiet_says_harness_errors_only);
    runner_test(verbose_says_every_event);
    runner_test(service_is_judged_by_what_ended);
    runner_test(a_terminal_gets_one_status_line_that_goes_away);
}
