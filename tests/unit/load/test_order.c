/* SPDX-License-Identifier: MIT */
/*
 * Names, bodies, answers and pages of operations.
 */
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/load/answer_body.h"
#include "harness/load/ops_page.h"
#include "harness/load/read_content.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <string.h>

static const struct order mine = {.client = 3, .key = 7, .seq = 351, .value = 0xabc};

static void names_have_one_spelling(void)
{
    char name[ORDER_NAME], body[ORDER_BODY];
    CU_ASSERT_STRING_EQUAL(order_name(&mine, name), "c3-351");
    CU_ASSERT_STRING_EQUAL(order_body(&mine, body),
                           "{\"op\":\"c3-351\",\"key\":\"k7\",\"value\":\"0000000000000abc\"}");
    uint16_t client, key;
    uint64_t seq, value;
    CU_ASSERT_TRUE(order_read_name("c3-351", &client, &seq) && client == 3 && seq == 351);
    CU_ASSERT_TRUE(order_read_name("c0-0", &client, &seq) && client == 0 && seq == 0);
    static const char *const foreign[] = {"",      "c",     "c1",   "c1-",      "c-1", "c01-1",
                                          "c1-01", "c1-1 ", "C1-1", "c65536-1", "x",   "c1-9223372036854775808",
                                          "c1--1", "c+1-1", "c1-1x"};
    for (size_t i = 0; i < array_len(foreign); i++) {
        CU_ASSERT_FALSE(order_read_name(foreign[i], &client, &seq));
    }
    CU_ASSERT_FALSE(order_read_name(NULL, &client, &seq));
    CU_ASSERT_TRUE(order_read_key("k15", &key) && key == 15);
    CU_ASSERT_FALSE(order_read_key("k65535", &key) || order_read_key("k", &key) || order_read_key("k1x", &key));
    CU_ASSERT_TRUE(order_read_value("0000000000000abc", &value) && value == 0xabc);
    CU_ASSERT_FALSE(order_read_value("0000000000000ABC", &value) || order_read_value("abc", &value));
}

static struct order_answer answer(const char *body, bool is_write)
{
    return order_read_answer(body, strlen(body), &mine, is_write);
}

static void answers_tell_whose_they_are(void)
{
    struct order_answer a = answer("{\"op\":\"c3-351\",\"key\":\"k7\",\"version\":18,\"lsn\":977}", true);
    CU_ASSERT(a.content == CONTENT_OURS && a.version == 18 && a.lsn == 977);
    CU_ASSERT_EQUAL(answer("{\"op\":\"c3-352\",\"key\":\"k7\"}", true).content, CONTENT_FOREIGN);
    CU_ASSERT_EQUAL(answer("{\"op\":\"c3-351\",\"key\":\"k8\"}", true).content, CONTENT_FOREIGN);
    CU_ASSERT_EQUAL(answer("{\"op\":\"c3-351\",\"key\":\"k7\",\"value\":\"1\"}", true).content, CONTENT_FOREIGN);
    CU_ASSERT_EQUAL(answer("{\"key\":\"k7\"}", true).content, CONTENT_SILENT);
    CU_ASSERT_EQUAL(answer("{}", true).content, CONTENT_SILENT);
    CU_ASSERT_EQUAL(answer("thank you", true).content, CONTENT_SILENT);
    CU_ASSERT_EQUAL(answer("", true).content, CONTENT_SILENT);
    a = answer("{\"key\":\"k7\",\"version\":5,\"op\":\"c9-9\",\"value\":\"x\"}", false); /* someone wrote it last */
    CU_ASSERT(a.content == CONTENT_OURS && a.version == 5);
    CU_ASSERT_EQUAL(answer("{\"key\":\"k8\",\"version\":5}", false).content, CONTENT_FOREIGN);
    CU_ASSERT_EQUAL(answer("{\"key\":\"k7\",\"version\":-1}", false).version, 0);
    CU_ASSERT_EQUAL(answer("{\"key\":\"k7\",\"version\":4294967296}", false).version, 0);
}

/* jansson alone, as the plain reader must agree with. */
static bool by_jansson(struct answer_body *b, const char *body, size_t len)
{
    scoped_text struct text spaced = {0};
    text_add(&spaced, " ");
    text_add_bytes(&spaced, body, len); /* white space in front: not plain any more */
    return answer_body_read(b, text_str(&spaced), spaced.len);
}

static bool same_word(const struct answer_word *a, const struct answer_word *b)
{
    return !a->at == !b->at && a->len == b->len && (!a->at || memcmp(a->at, b->at, a->len) == 0);
}

static void both_readers_agree_on_whatever_comes(void)
{
    static const char *const seeds[] = {
        "{\"key\":\"k7\",\"version\":0,\"op\":null,\"value\":null}",
        "{\"op\":\"c3-351\",\"key\":\"k7\",\"value\":\"0000000000000abc\",\"version\":18,\"lsn\":977}",
        "{\"key\":\"k1\",\"key\":7,\"lsn\":1,\"lsn\":true}", "{}", "{\"lsn\":999999999999999999}",
        "{\"lsn\":9999999999999999999}", "{\"version\":01}", "{\"version\":-1}", "{\"key\":\"\"}"};
    static const char bytes[] = "{}[]:,\"\\ 0123456789-.eE+nulltruefalskpvo\x01\xc3\xa9\n/u";
    struct rng r;
    rng_init(&r, 11, "answers");
    for (size_t i = 0; i < 20000; i++) {
        char body[160];
        size_t len = (size_t)snprintf(body, sizeof(body), "%s", seeds[rng_below(&r, array_len(seeds))]);
        for (uint64_t n = rng_below(&r, 4); n > 0; n--) {
            body[rng_below(&r, len)] = bytes[rng_below(&r, sizeof(bytes) - 1)];
        }
        len -= rng_below(&r, 8) == 0 ? rng_below(&r, len) : 0;
        scoped_answer struct answer_body one = {0}, other = {0};
        bool read = answer_body_read(&one, body, len);
        CU_ASSERT_EQUAL(read, by_jansson(&other, body, len));
        bool same = same_word(&one.key, &other.key) && same_word(&one.op, &other.op) &&
                    same_word(&one.value, &other.value) && one.version == other.version && one.lsn == other.lsn;
        CU_ASSERT_TRUE(!read || same);
    }
}

#define OPS "[[\"c0-1\",1,2,\"k7\",3,\"00000000000000ff\"],[\"zzz\",2,2,\"odd\",1,\"odd\"]]"

static int page(const char *body, uint64_t from)
{
    struct ops_page p;
    struct err e = {0};
    int status = ops_page_read(&p, body, strlen(body), from, "test", &e);
    for (size_t i = 0; status == 0 && i < ops_page_count(&p); i++) {
        struct stored_op op;
        status = ops_page_op(&p, i, &op, "test", &e);
    }
    CU_ASSERT_EQUAL(e.kind != ERR_NONE, status != 0);
    ops_page_deinit(&p);
    return status;
}

static void pages_are_believed_only_as_a_whole(void)
{
    CU_ASSERT_EQUAL(page("{\"from\":1,\"next\":0,\"count\":2,\"total\":2,\"ops\":" OPS ",\"digest\":\"x\"}", 1), 0);
    CU_ASSERT_EQUAL(page("{\"from\":1,\"next\":3,\"count\":2,\"total\":9,\"ops\":" OPS "}", 1), 0);
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"from\":1,\"next\":0,\"count\":0,\"total\":0}",
        "{\"from\":1,\"next\":0,\"count\":3,\"total\":2,\"ops\":" OPS "}",
        "{\"from\":2,\"next\":0,\"count\":2,\"total\":2,\"ops\":" OPS "}",
        "{\"from\":1,\"next\":1,\"count\":2,\"total\":2,\"ops\":" OPS "}",
        "{\"from\":1,\"next\":-1,\"count\":2,\"total\":2,\"ops\":" OPS "}",
        "{\"from\":1,\"next\":0,\"count\":1,\"total\":1,\"ops\":[[\"c0-1\",1,2,\"k7\",3]]}",
        "{\"from\":1,\"next\":0,\"count\":1,\"total\":1,\"ops\":[[\"c0-1\",\"1\",2,\"k7\",3,\"v\"]]}",
        "{\"from\":1,\"next\":0,\"count\":1,\"total\":1,\"ops\":[[null,1,2,\"k7\",3,\"v\"]]}",
        "{\"from\":1,\"next\":0,\"count\":1,\"total\":1,\"ops\":[[\"c0-1\",1,4294967296,\"k7\",3,\"v\"]]}",
        "{\"from\":1,\"next\":0,\"count\":1,\"total\":1,\"ops\":[7]}",
    };
    for (size_t i = 0; i < array_len(wrong); i++) {
        CU_ASSERT_EQUAL(page(wrong[i], 1), -1);
    }
}

static void digest_and_fingerprint_see_different_things(void)
{
    static const struct stored_op a = {.id = "c0-10", .lsn = 1}, b = {.id = "c0-9", .lsn = 2},
                                  c = {.id = "c0-9", .lsn = 3};
    struct read_content one = {0}, two = {0};
    char first[65], second[65];
    read_content_digest(&one, first);
    CU_ASSERT_STRING_EQUAL(first, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    read_content_add(&one, &a);
    read_content_add(&one, &b);
    read_content_digest(&one, first); /* printf 'c0-10\nc0-9\n' | sha256sum */
    CU_ASSERT_STRING_EQUAL(first, "69ba78803d0e95a331347854ba1f61af041a7a57e6c56afa430d09cc7c4a3632");
    read_content_add(&two, &c);
    read_content_add(&two, &a);
    read_content_digest(&two, second);
    CU_ASSERT_STRING_EQUAL(first, second);
    read_content_fingerprint(&one, first);
    read_content_fingerprint(&two, second);
    CU_ASSERT_STRING_NOT_EQUAL(first, second);
    read_content_clear(&one);
    read_content_add(&one, &c);
    read_content_add(&one, &a);
    read_content_fingerprint(&one, first);
    CU_ASSERT_STRING_EQUAL(first, second);
    read_content_deinit(&one);
    read_content_deinit(&two);
}

void suite_order(void)
{
    runner_suite(NULL, NULL);
    runner_test(names_have_one_spelling);
    runner_test(answers_tell_whose_they_are);
    runner_test(both_readers_agree_on_whatever_comes);
    runner_test(pages_are_believed_only_as_a_whole);
    runner_test(digest_and_fingerprint_see_different_things);
}
