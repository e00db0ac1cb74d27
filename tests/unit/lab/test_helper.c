/* SPDX-License-Identifier: MIT */
/* Helpers that obey, refuse, die and fall silent, and what their owner is told then. */
#include "harness/lab/helper.h"

#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum question { DOUBLE_IT, REFUSE, DIE };

struct ask {
    enum question what;
    int number;
};

struct answer {
    struct helper_answer head;
    int number;
};

static void tell(int fd, struct answer a)
{
    if (send(fd, &a, sizeof(a), MSG_NOSIGNAL) != (ssize_t)sizeof(a)) {
        _exit(1);
    }
}

static _Noreturn void live(int fd, bool ready)
{
    struct ask q;
    tell(fd, (struct answer){.head = {ready, {.kind = ERR_MACHINE, .at = "helper", .msg = "no bench is free"}}});
    while (recv(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q) && q.what != DIE) {
        struct answer a = {.head.right = q.what == DOUBLE_IT, .number = 2 * q.number};
        if (q.what == REFUSE) {
            err_set(&a.head.failed, ERR_DEFECT, "helper", "%d is no number for this", q.number);
        }
        tell(fd, a);
    }
    _exit(0);
}

static int open_helper(struct helper *h, bool ready, struct err *e)
{
    int fd;
    struct answer a = {0};
    int side = helper_fork(h, "helper", "doubles numbers", &fd, e);
    if (side == 0) {
        live(fd, ready);
    }
    CU_ASSERT_FATAL(side == 1);
    return helper_hear_ready(h, &a.head, sizeof(a), e);
}

static int ask(struct helper *h, enum question what, int number, int *got, struct err *e)
{
    struct ask q = {what, number};
    struct answer a = {0};
    int rc = helper_ask(h, &q, sizeof(q), &a.head, sizeof(a), e);
    *got = a.number;
    return rc;
}

static void a_refusal_is_an_error_and_no_loss(void)
{
    struct helper h;
    struct err e = {0};
    int got;
    CU_ASSERT_FATAL(open_helper(&h, true, &e) == 0);
    CU_ASSERT(ask(&h, DOUBLE_IT, 21, &got, &e) == 0 && got == 42);
    CU_ASSERT(ask(&h, REFUSE, 7, &got, &e) == -1);
    CU_ASSERT(e.kind == ERR_DEFECT && strcmp(e.at, "helper") == 0 && strcmp(e.msg, "7 is no number for this") == 0);
    CU_ASSERT(helper_check(&h, NULL) == 0); /* to refuse is not to be lost */
    CU_ASSERT(ask(&h, DOUBLE_IT, 4, &got, NULL) == 0 && got == 8);
    helper_stop(&h);
    CU_ASSERT(h.process.reaped && h.control_fd == -1);
}

static void one_that_cannot_begin_says_why(void)
{
    struct helper h;
    struct err e = {0};
    CU_ASSERT(open_helper(&h, false, &e) == -1);
    CU_ASSERT(e.kind == ERR_MACHINE && strcmp(e.msg, "no bench is free") == 0);
    helper_stop(&h);
}

static void one_that_died_over_a_question_is_asked_no_more(void)
{
    struct helper h;
    struct err e = {0}, later = {0};
    int got;
    CU_ASSERT_FATAL(open_helper(&h, true, &e) == 0);
    CU_ASSERT(ask(&h, DIE, 0, &got, &e) == -1);
    CU_ASSERT(e.kind == ERR_RUN && strcmp(e.msg, "the process that doubles numbers has died") == 0);
    CU_ASSERT(ask(&h, DOUBLE_IT, 1, &got, &later) == -1 && strcmp(later.msg, e.msg) == 0);
    helper_stop(&h);
}

static void one_that_died_in_between_is_found_dead(void)
{
    struct helper h;
    struct err e = {0};
    CU_ASSERT_FATAL(open_helper(&h, true, &e) == 0);
    CU_ASSERT(kill(h.process.pid, SIGKILL) == 0 && child_wait(&h.process, 10 * NS_PER_S, NULL) == 0);
    CU_ASSERT(helper_check(&h, &e) == -1 && strcmp(e.msg, "the process that doubles numbers has died") == 0);
    helper_stop(&h);
}

/* The answer to 1 comes when it is not waited for any more; it must never pass for the answer to 2. */
static void a_late_answer_is_not_taken_for_the_next_one(void)
{
    struct helper h;
    struct err e = {0};
    int got;
    CU_ASSERT_FATAL(open_helper(&h, true, &e) == 0);
    CU_ASSERT(kill(h.process.pid, SIGSTOP) == 0);
    CU_ASSERT(ask(&h, DOUBLE_IT, 1, &got, &e) == -1);
    CU_ASSERT(strcmp(e.msg, "the process that doubles numbers does not answer") == 0);
    CU_ASSERT(kill(h.process.pid, SIGCONT) == 0);
    CU_ASSERT(ask(&h, DOUBLE_IT, 2, &got, NULL) == -1 && helper_check(&h, NULL) == -1);
    helper_stop(&h);
}

void suite_helper(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_refusal_is_an_error_and_no_loss);
    runner_test(one_that_cannot_begin_says_why);
    runner_test(one_that_died_over_a_question_is_asked_no_more);
    runner_test(one_that_died_in_between_is_found_dead);
    runner_test(a_late_answer_is_not_taken_for_the_next_one);
}
