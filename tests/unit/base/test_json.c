/* SPDX-License-Identifier: MIT */
/* Reading, the canonical form, digests. */
#include "harness/base/json.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static json_t *read_doc(const char *text)
{
    return json_read(text, strlen(text), "test", NULL);
}

static void check_canonical(const char *text, const char *want)
{
    scoped_json json_t *doc = read_doc(text);
    CU_ASSERT_PTR_NOT_NULL(doc);
    scoped_free char *got = json_canonical(doc);
    CU_ASSERT_STRING_EQUAL(got, want);
    scoped_json json_t *again = read_doc(got);
    CU_ASSERT(json_equal(doc, again));
}

static void canonical_form(void)
{
    check_canonical(" { \"b\" : 1 , \"a\" : [ true , false , null ] } ", "{\"a\":[true,false,null],\"b\":1}");
    check_canonical("{\"B\":1,\"a\":1,\"\\u00e9\":1,\"aa\":1,\"\":1}",
                    "{\"\":1,\"B\":1,\"a\":1,\"aa\":1,\"\xc3\xa9\":1}");
    check_canonical("[]", "[]");
    check_canonical("{}", "{}");
    check_canonical("\"x\"", "\"x\"");
    check_canonical("9223372036854775807", "9223372036854775807");
    check_canonical("-9223372036854775808", "-9223372036854775808");
}

static void canonical_strings(void)
{
    check_canonical("\"\\u0041\\/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\\u007f\"", "\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7f\"");
    check_canonical("\"\\ud83d\\ude00 \\u20ac\"", "\"\xf0\x9f\x98\x80 \xe2\x82\xac\"");
}

static void canonical_reals_are_short_and_stay_reals(void)
{
    check_canonical("0.1", "0.1");
    check_canonical("1.0", "1.0");
    check_canonical("-0.0", "0.0");
    check_canonical("1e3", "1000.0");
    check_canonical("1e300", "1e+300");
    check_canonical("0.30000000000000004", "0.30000000000000004");
    check_canonical("1.7976931348623157e308", "1.7976931348623157e+308");
    check_canonical("5e-324", "4.94065645841247e-324");
    check_canonical("123456789.125", "123456789.125");
}

static void fingerprint_ignores_order_and_space_only(void)
{
    scoped_json json_t *a = read_doc("{\"x\":1,\"y\":[1,2]}");
    scoped_json json_t *b = read_doc("{ \"y\": [1, 2], \"x\": 1 }");
    scoped_json json_t *c = read_doc("{\"x\":1,\"y\":[2,1]}");
    char fa[SHA256_HEX], fb[SHA256_HEX], fc[SHA256_HEX];
    json_fingerprint(a, fa);
    json_fingerprint(b, fb);
    json_fingerprint(c, fc);
    CU_ASSERT_STRING_EQUAL(fa, fb);
    CU_ASSERT_STRING_NOT_EQUAL(fa, fc);
    char bytes[SHA256_HEX];
    sha256_hex("{\"x\":1,\"y\":[1,2]}", 17, bytes);
    CU_ASSERT_STRING_EQUAL(fa, bytes);
}

static void digests(void)
{
    char out[SHA256_HEX];
    sha256_hex(NULL, 0, out);
    CU_ASSERT_STRING_EQUAL(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex("abc", 3, out);
    CU_ASSERT_STRING_EQUAL(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void errors_name_the_place(void)
{
    struct err e = {0};
    const char text[] = "{\n  \"a\": 1,\n  \"a\": 2\n}";
    CU_ASSERT_PTR_NULL(json_read(text, sizeof(text) - 1, "conf.json", &e));
    CU_ASSERT_EQUAL(e.kind, ERR_READING);
    CU_ASSERT(text_starts(e.at, "conf.json:3:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "not valid JSON"));
    CU_ASSERT_PTR_NULL(json_read("{", 1, NULL, NULL));
}

static void hostile_documents_are_refused(void)
{
    static const struct {
        const char *text;
        size_t len;
    } bad[] = {
        {"", 0},         {" ", 1},           {"{\"a\":1,}", 8},
        {"[1,]", 4},     {"'a'", 3},         {"NaN", 3},
        {"1e999", 5},    {"[1] 2", 5},       {"99999999999999999999", 20},
        {"\"\xff\"", 3}, {"\"\\ud800\"", 8}, {"\"\\u0000\"", 8},
        {"\"a\0b\"", 5}, {"[1\0]", 4},       {"\xef\xbb\xbf{}", 5},
        {"01", 2},       {"{\"a\" 1}", 7},
    };
    for (size_t i = 0; i < array_len(bad); i++) {
        json_t *doc = json_read(bad[i].text, bad[i].len, "test", NULL);
        if (doc) {
            printf("\n    %s was read\n", bad[i].text);
        }
        CU_ASSERT_PTR_NULL(doc);
    }
}

static void depth_is_bounded(void)
{
    scoped_text struct text deep = {0};
    for (int i = 0; i < 100000; i++) {
        text_add(&deep, "[");
    }
    CU_ASSERT_PTR_NULL(json_read(deep.at, deep.len, "test", NULL));
}

void suite_json(void)
{
    runner_suite(NULL, NULL);
    runner_test(canonical_form);
    runner_test(canonical_strings);
    runner_test(canonical_reals_are_short_and_stay_reals);
    runner_test(fingerprint_ignores_order_and_space_only);
    runner_test(digests);
    runner_test(errors_name_the_place);
    runner_test(hostile_documents_are_refused);
    runner_test(depth_is_bounded);
}
