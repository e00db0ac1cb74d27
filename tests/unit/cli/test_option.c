/* SPDX-License-Identifier: MIT */
/*
 * Options by table: every way of writing one, who beats whom, and what is refused.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/option.h"
#include "tests/unit/runner.h"

#include <string.h>

struct values {
    bool fast, all;
    const char *name, *kind;
    int64_t n, wait_ns;
    struct option_list tags;
};

static const char *const kinds[] = {"real", "model", NULL};
static const struct option_row rows[] = {
    {.name = "fast", .letter = 'f', .offset = offsetof(struct values, fast), .help = "h"},
    {.name = "all", .letter = 'a', .offset = offsetof(struct values, all), .help = "h"},
    {.name = "name", .letter = 'o', .kind = OPTION_TEXT, .offset = offsetof(struct values, name), .fallback = "none"},
    {.name = "kind", .kind = OPTION_TEXT, .offset = offsetof(struct values, kind), .choices = kinds},
    {.name = "count", .kind = OPTION_COUNT, .offset = offsetof(struct values, n)},
    {.name = "wait", .kind = OPTION_DURATION, .offset = offsetof(struct values, wait_ns)},
    {.name = "tag", .kind = OPTION_LIST, .offset = offsetof(struct values, tags)},
};

static struct values v;
static enum option_origin origins[array_len(rows)];
static struct option_set set;
static struct option_list operands;
static struct err e;

static void fresh(void)
{
    option_list_deinit(&operands);
    option_list_deinit(&v.tags);
    v = (struct values){0};
    e = (struct err){0};
    set = (struct option_set){rows, array_len(rows), &v, origins};
    options_init(&set);
}

static int tear_down(void)
{
    option_list_deinit(&operands);
    option_list_deinit(&v.tags);
    return 0;
}

/* Parse up to seven words into fresh values. */
#define parse(...) parse_words((char *[8]){__VA_ARGS__})
static int parse_words(char *const *words)
{
    fresh();
    return options_parse(&set, 1, words, false, &operands, &e);
}

static void unset_values_are_told_from_zero(void)
{
    CU_ASSERT_EQUAL(parse(NULL), 0);
    CU_ASSERT_EQUAL(v.n, -1);
    CU_ASSERT_EQUAL(v.wait_ns, -1);
    CU_ASSERT_STRING_EQUAL(v.name, "none");
    CU_ASSERT_PTR_NULL(v.kind);
    CU_ASSERT_EQUAL(parse("--count", "0"), 0);
    CU_ASSERT_EQUAL(v.n, 0);
}

static void every_spelling_is_read(void)
{
    CU_ASSERT_EQUAL(parse("--name=a", "x", "--wait", "1m30s", "-fa", "y"), 0);
    CU_ASSERT_STRING_EQUAL(v.name, "a");
    CU_ASSERT_EQUAL(v.wait_ns, INT64_C(90000000000));
    CU_ASSERT(v.fast && v.all);
    CU_ASSERT_EQUAL_FATAL(operands.len, 2);
    CU_ASSERT_STRING_EQUAL(operands.at[1], "y");
    CU_ASSERT_EQUAL(parse("-ofile", "-f"), 0);
    CU_ASSERT_STRING_EQUAL(v.name, "file");
    CU_ASSERT_EQUAL(parse("-fo", "file"), 0);
    CU_ASSERT_STRING_EQUAL(v.name, "file");
    CU_ASSERT_EQUAL(parse("--name=="), 0);
    CU_ASSERT_STRING_EQUAL(v.name, "=");
    CU_ASSERT_EQUAL(parse("--fast=false"), 0);
    CU_ASSERT_FALSE(v.fast);
}

static void two_dashes_end_the_options(void)
{
    CU_ASSERT_EQUAL(parse("-f", "--", "--all", "-"), 0);
    CU_ASSERT_FALSE(v.all);
    CU_ASSERT_EQUAL_FATAL(operands.len, 2);
    CU_ASSERT_STRING_EQUAL(operands.at[0], "--all");
    CU_ASSERT_EQUAL(parse("-", "-f"), 0);
    CU_ASSERT(v.fast);
}

static void the_first_operand_may_stop_it(void)
{
    fresh();
    char *const words[] = {"-f", "run", "-a", NULL};
    CU_ASSERT_EQUAL(options_parse(&set, 1, words, true, &operands, &e), 0);
    CU_ASSERT(v.fast && !v.all);
    CU_ASSERT_EQUAL(operands.len, 2);
}

static void wrong_words_are_usage_errors(void)
{
    static char *const wrong[][3] = {
        {"--fsat"},
        {"-z"},
        {"--fast=maybe"},
        {"--name"},
        {"-o"},
        {"--kind", "other"},
        {"--count", "-1"},
        {"--count", "x"},
        {"--wait", "5"},
        {"--wait", "5parsec"},
        {"--count="},
        {"--name="},
        {"-o", ""},
        {"--tag", ""},
        {"---"},
        {"--count", "99999999999999999999"},
    };
    for (size_t i = 0; i < array_len(wrong); i++) {
        fresh();
        CU_ASSERT_EQUAL(options_parse(&set, 1, wrong[i], false, &operands, &e), -1);
        CU_ASSERT_EQUAL(e.kind, ERR_USAGE);
        CU_ASSERT(e.msg[0] != '\0');
    }
}

static void a_slip_gets_the_right_name(void)
{
    CU_ASSERT_EQUAL(parse("--cuont=3"), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.help, "--count"));
    CU_ASSERT_EQUAL(parse("--kind", "reel"), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.help, "real, model"));
    CU_ASSERT_EQUAL(parse("--wait", "5"), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.help, "5s"));
}

static void the_higher_giver_wins_in_any_order(void)
{
    fresh();
    CU_ASSERT_EQUAL(options_give(&set, 2, "flag", ORIGIN_FLAG, "--name", &e), 0);
    CU_ASSERT_EQUAL(options_give(&set, 2, "file", ORIGIN_PROJECT, "f", &e), 0);
    CU_ASSERT_STRING_EQUAL(v.name, "flag");
    CU_ASSERT_EQUAL(options_give(&set, 4, "1", ORIGIN_SYSTEM, "s", &e), 0);
    CU_ASSERT_EQUAL(options_give(&set, 4, "2", ORIGIN_ENVIRONMENT, "e", &e), 0);
    CU_ASSERT_EQUAL(v.n, 2);
    CU_ASSERT_EQUAL(set.origins[options_find(&set, "count")], ORIGIN_ENVIRONMENT);
    CU_ASSERT_EQUAL(set.origins[options_find(&set, "wait")], ORIGIN_BUILTIN);
}

static void a_list_grows_within_one_giver_only(void)
{
    fresh();
    options_give(&set, 6, "a", ORIGIN_PROJECT, "f", &e);
    options_give(&set, 6, "b", ORIGIN_PROJECT, "f", &e);
    CU_ASSERT_EQUAL(v.tags.len, 2);
    options_give(&set, 6, "c", ORIGIN_FLAG, "--tag", &e);
    options_give(&set, 6, "d", ORIGIN_FLAG, "--tag", &e);
    options_give(&set, 6, "e", ORIGIN_PROJECT, "f", &e);
    CU_ASSERT_EQUAL_FATAL(v.tags.len, 2);
    CU_ASSERT_STRING_EQUAL(v.tags.at[0], "c");
}

void suite_option(void)
{
    runner_suite(NULL, tear_down);
    runner_test(unset_values_are_told_from_zero);
    runner_test(every_spelling_is_read);
    runner_test(two_dashes_end_the_options);
    runner_test(the_first_operand_may_stop_it);
    runner_test(wrong_words_are_usage_errors);
    runner_test(a_slip_gets_the_right_name);
    runner_test(the_higher_giver_wins_in_any_order);
    runner_test(a_list_grows_within_one_giver_only);
}
