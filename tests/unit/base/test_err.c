/* SPDX-License-Identifier: MIT */
#include "harness/base/err.h"

#include "tests/unit/runner.h"

#include <errno.h>
#include <string.h>

static void first_failure_wins(void)
{
    struct err e = {0};
    CU_ASSERT_EQUAL(err_set(&e, ERR_READING, "a.yaml:3:1", "unknown key `%s`", "betwen"), -1);
    CU_ASSERT_EQUAL(err_set(&e, ERR_DEFECT, "b", "later"), -1);
    CU_ASSERT_EQUAL(err_os(&e, ERR_RUN, EPERM, "c", "later still"), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_READING);
    CU_ASSERT_EQUAL(e.os, 0);
    CU_ASSERT_STRING_EQUAL(e.at, "a.yaml:3:1");
    CU_ASSERT_STRING_EQUAL(e.msg, "unknown key `betwen`");
}

static void nobody_listens(void)
{
    CU_ASSERT_EQUAL(err_set(NULL, ERR_RUN, NULL, "x"), -1);
    CU_ASSERT_EQUAL(err_os(NULL, ERR_RUN, EIO, NULL, "x"), -1);
    CU_ASSERT_EQUAL(err_help(NULL, "x"), -1);
}

static void os_errors_say_what_they_mean(void)
{
    struct err e = {0};
    err_os(&e, ERR_OUTPUT, ENOENT, "out/x", "cannot open %s", "it");
    CU_ASSERT_EQUAL(e.os, ENOENT);
    CU_ASSERT_STRING_EQUAL(e.msg, "cannot open it: No such file or directory");

    struct err unknown = {0};
    err_os(&unknown, ERR_OUTPUT, 99999, NULL, "odd");
    CU_ASSERT_STRING_EQUAL(unknown.msg, "odd: error 99999");
    CU_ASSERT_STRING_EQUAL(unknown.at, "");
}

static void meaning_survives_a_long_message(void)
{
    char filler[2000];
    memset(filler, 'x', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = '\0';
    struct err e = {0};
    err_os(&e, ERR_RUN, EACCES, filler, "%s", filler);
    CU_ASSERT_EQUAL(strlen(e.at), sizeof(e.at) - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, ": Permission denied"));
    CU_ASSERT(strlen(e.msg) < sizeof(e.msg));
}

static void message_is_one_clean_line(void)
{
    struct err e = {0};
    err_set(&e, ERR_READING, "a\nb", "word `%s`", "x\033[31m\n\x7f");
    CU_ASSERT_STRING_EQUAL(e.at, "a?b");
    CU_ASSERT_STRING_EQUAL(e.msg, "word `x?[31m??`");
}

static void cut_text_ends_at_a_whole_character(void)
{
    char wide[600]; /* an odd number of one-byte characters, then two-byte ones up to and beyond the end */
    size_t len = 0;
    wide[len++] = 'a';
    while (len + 2 < sizeof(wide)) {
        memcpy(wide + len, "\xc3\xa9", 2);
        len += 2;
    }
    wide[len] = '\0';
    for (int shift = 0; shift < 2; shift++) {
        struct err e = {0};
        err_set(&e, ERR_READING, NULL, "%s", wide + shift);
        size_t got = strlen(e.msg);
        CU_ASSERT(got >= sizeof(e.msg) - 2);
        CU_ASSERT_EQUAL((unsigned char)e.msg[got - 1], 0xa9);
    }
}

static void help_belongs_to_a_failure(void)
{
    struct err e = {0};
    err_help(&e, "too early");
    CU_ASSERT_STRING_EQUAL(e.help, "");
    err_set(&e, ERR_MACHINE, NULL, "no netem");
    CU_ASSERT_EQUAL(err_help(&e, "load %s", "sch_netem"), -1);
    err_help(&e, "something else");
    CU_ASSERT_STRING_EQUAL(e.help, "load sch_netem");
}

static void exit_codes(void)
{
    static const int want[] = {[ERR_NONE] = 0,    [ERR_USAGE] = 2, [ERR_READING] = 3, [ERR_MEANING] = 3,
                               [ERR_MACHINE] = 5, [ERR_RUN] = 4,   [ERR_OUTPUT] = 4,  [ERR_DEFECT] = 4};
    for (int kind = ERR_NONE; kind <= ERR_DEFECT; kind++) {
        struct err e = {.kind = (enum err_kind)kind};
        CU_ASSERT_EQUAL(err_exit_code(&e), want[kind]);
    }
}

void suite_err(void)
{
    runner_suite(NULL, NULL);
    runner_test(first_failure_wins);
    runner_test(nobody_listens);
    runner_test(os_errors_say_what_they_mean);
    runner_test(meaning_survives_a_long_message);
    runner_test(message_is_one_clean_line);
    runner_test(cut_text_ends_at_a_whole_character);
    runner_test(help_belongs_to_a_failure);
    runner_test(exit_codes);
}
