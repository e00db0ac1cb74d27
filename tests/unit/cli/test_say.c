/* SPDX-License-Identifier: MIT */
/*
 * The form of errors, when there is colour, and which exit code counts.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/outputs.h"
#include "harness/cli/say.h"
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void errors_have_the_house_form(void)
{
    struct err e = {0};
    err_set(&e, ERR_RUN, "runs/x", "it broke");
    err_help(&e, "mend it");
    scoped_text struct text t = {0};
    say_error_text(&t, &e, false);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "error[DR0400]: it broke\n  --> runs/x\n   = help: mend it\n");
    e.code = 409;
    e.at[0] = e.help[0] = '\0';
    text_clear(&t);
    say_error_text(&t, &e, false);
    CU_ASSERT_STRING_EQUAL(text_str(&t), "error[DR0409]: it broke\n");
    text_clear(&t);
    say_error_text(&t, &e, true);
    CU_ASSERT_PTR_NOT_NULL(strchr(text_str(&t), '\033'));
}

static void colour_follows_flag_then_environment(void)
{
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
    unsetenv("NO_COLOR");
    unsetenv("FORCE_COLOR");
    CU_ASSERT_FALSE(face_of(fds[1], "auto").colour);
    CU_ASSERT_FALSE(face_of(fds[1], "auto").terminal);
    CU_ASSERT(face_of(fds[1], "always").colour);
    setenv("FORCE_COLOR", "1", 1);
    CU_ASSERT(face_of(fds[1], "auto").colour);
    CU_ASSERT_FALSE(face_of(fds[1], "never").colour);
    setenv("FORCE_COLOR", "0", 1);
    CU_ASSERT_FALSE(face_of(fds[1], "auto").colour);
    setenv("FORCE_COLOR", "1", 1);
    setenv("NO_COLOR", "1", 1);
    CU_ASSERT_FALSE(face_of(fds[1], "auto").colour);
    setenv("NO_COLOR", "", 1);
    CU_ASSERT(face_of(fds[1], "auto").colour);
    unsetenv("NO_COLOR");
    unsetenv("FORCE_COLOR");
    close(fds[0]);
    close(fds[1]);
}

static void the_worse_exit_code_counts(void)
{
    static const int cases[][3] = {{0, 0, 0}, {0, 5, 5}, {5, 4, 4}, {4, 1, 1}, {1, 5, 1}, {0, 130, 130}, {143, 1, 143}};
    for (size_t i = 0; i < array_len(cases); i++) {
        CU_ASSERT_EQUAL(exit_code_worse(cases[i][0], cases[i][1]), cases[i][2]);
        CU_ASSERT_EQUAL(exit_code_worse(cases[i][1], cases[i][0]), cases[i][2]);
    }
}

static void ages_are_short(void)
{
    char out[32];
    say_age(out, 59);
    CU_ASSERT_STRING_EQUAL(out, "59 s");
    say_age(out, 3 * 86400);
    CU_ASSERT_STRING_EQUAL(out, "3 d");
}

void suite_say(void)
{
    runner_suite(NULL, NULL);
    runner_test(errors_have_the_house_form);
    runner_test(colour_follows_flag_then_environment);
    runner_test(the_worse_exit_code_counts);
    runner_test(ages_are_short);
}
