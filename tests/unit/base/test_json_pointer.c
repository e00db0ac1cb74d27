/* SPDX-License-Identifier: MIT */
/* JSON Pointer, Merge Patch and the comparison of RFC 6902. */
#include "harness/base/json_pointer.h"

#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static json_t *read_doc(const char *text)
{
    return json_read(text, strlen(text), "test", NULL);
}

/* The document and the pointers of RFC 6901 section 5. */
static void pointers_of_the_rfc(void)
{
    scoped_json json_t *doc = read_doc("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,"
                                       "\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}");
    static const char *const pointers[] = {"/", "/a~1b", "/c%d", "/e^f", "/g|h", "/i\\j", "/k\"l", "/ ", "/m~0n"};
    for (size_t i = 0; i < array_len(pointers); i++) {
        const json_t *v = json_at(doc, pointers[i]);
        CU_ASSERT(json_is_integer(v) && json_integer_value(v) == (json_int_t)i);
    }
    CU_ASSERT_PTR_EQUAL(json_at(doc, ""), doc);
    CU_ASSERT_EQUAL(json_array_size(json_at(doc, "/foo")), 2);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_at(doc, "/foo/0")), "bar");
}

static void pointers_that_lead_nowhere(void)
{
    scoped_json json_t *doc = read_doc("{\"a\":[1,{\"b\":2}],\"~\":1,\"~1\":7}");
    static const char *const nowhere[] = {"a",
                                          "/b",
                                          "/a/2",
                                          "/a/-",
                                          "/a/01",
                                          "/a/-1",
                                          "/a/1e0",
                                          "/a/",
                                          "/a/0/x",
                                          "/~",
                                          "/~2",
                                          "/a//",
                                          "/a/ 1",
                                          "/a/1/c",
                                          "/a/18446744073709551616",
                                          "/a/18446744073709551617"};
    for (size_t i = 0; i < array_len(nowhere); i++) {
        CU_ASSERT_PTR_NULL(json_at(doc, nowhere[i]));
    }
    CU_ASSERT_EQUAL(json_integer_value(json_at(doc, "/~01")), 7); /* ~0 is read after ~1: not a slash */
    CU_ASSERT_EQUAL(json_integer_value(json_at(doc, "/a/1/b")), 2);
    CU_ASSERT_PTR_NULL(json_at(NULL, ""));
}

static void tokens_are_escaped_and_read_back(void)
{
    static const char *const tokens[] = {"", "/", "~", "~1", "~0~1//", "a/b~c", "\xc3\xa9"};
    for (size_t i = 0; i < array_len(tokens); i++) {
        scoped_text struct text pointer = {0};
        scoped_json json_t *doc = json_object();
        json_object_set_new(doc, tokens[i], json_integer(5));
        pointer_add(&pointer, tokens[i]);
        CU_ASSERT(pointer_valid(text_str(&pointer)));
        CU_ASSERT_EQUAL(json_integer_value(json_at(doc, text_str(&pointer))), 5);
    }
}

/* RFC 7386 appendix A: original, patch, result. */
static void merges_of_the_rfc(void)
{
    static const char *const cases[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", "null"},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"a\":1,\"e\":null}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        scoped_json json_t *doc = read_doc(cases[i][0]);
        scoped_json json_t *merge = read_doc(cases[i][1]);
        scoped_json json_t *got = json_merge(doc, merge);
        scoped_free char *text = json_canonical(got), *untouched = json_canonical(doc);
        CU_ASSERT_STRING_EQUAL(text, cases[i][2]);
        CU_ASSERT_STRING_EQUAL(untouched, cases[i][0]);
    }
}

static void merge_result_shares_nothing(void)
{
    scoped_json json_t *doc = read_doc("{\"a\":{\"b\":{\"c\":1}}}");
    scoped_json json_t *merge = read_doc("{\"x\":{\"y\":1}}");
    scoped_json json_t *got = json_merge(doc, merge);
    json_object_clear(json_object_get(json_object_get(got, "a"), "b"));
    json_object_clear(json_object_get(got, "x"));
    CU_ASSERT_PTR_NOT_NULL(json_at(doc, "/a/b/c"));
    CU_ASSERT_PTR_NOT_NULL(json_at(merge, "/x/y"));
}

static void numbers_are_compared_by_value(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"1", "1.0", true},
        {"1", "1.5", false},
        {"[1,{\"a\":2}]", "[1.0,{\"a\":2.0}]", true},
        {"{\"a\":1}", "{}", false},
        {"{}", "{\"a\":1}", false},
        {"\"1\"", "1", false},
        {"true", "false", false},
        {"null", "null", true},
        {"[1]", "[1,2]", false},
        {"9007199254740993", "9007199254740992", false},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        scoped_json json_t *a = read_doc(cases[i].a);
        scoped_json json_t *b = read_doc(cases[i].b);
        CU_ASSERT_EQUAL(json_same(a, b), cases[i].same);
        CU_ASSERT_EQUAL(json_same(b, a), cases[i].same);
    }
}

void suite_json_pointer(void)
{
    runner_suite(NULL, NULL);
    runner_test(pointers_of_the_rfc);
    runner_test(pointers_that_lead_nowhere);
    runner_test(tokens_are_escaped_and_read_back);
    runner_test(merges_of_the_rfc);
    runner_test(merge_result_shares_nothing);
    runner_test(numbers_are_compared_by_value);
}
