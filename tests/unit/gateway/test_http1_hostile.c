/* SPDX-License-Identifier: MIT */
/*
 * The HTTP parser on messages that are wrong: each is refused, at every cut, and never read beyond its end (the buffers
 * are heap blocks of the exact size, so the address sanitizer would tell).
 */
#include "gateway-under-test/http1.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <string.h>

#define H "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED H "Transfer-Encoding: chunked\r\n\r\n"

static const char *const wrong[] = {
    H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    H "Content-Length: 3, 3\r\n\r\nabc",
    H "Content-Length: +3\r\n\r\nabc",
    H "Content-Length: 0x3\r\n\r\nabc",
    H "Content-Length:\r\n\r\n",
    H "Content-Length: 99999999999999999999\r\n\r\n",
    H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    H "X: a\r\n folded\r\n\r\n",
    H "X: a\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\n",
    "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "GET /\r\nHost: a\r\n\r\n",
    "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    CHUNKED "g\r\n",
    CHUNKED "\r\n\r\n",
    CHUNKED " 1\r\na\r\n0\r\n\r\n",
    CHUNKED "-1\r\n",
    CHUNKED "0x1\r\n",
    CHUNKED "000000001\r\na\r\n0\r\n\r\n",
    CHUNKED "FFFFFFFF\r\n",
    CHUNKED "1\nab\r\n",
    CHUNKED "1\r\nab\r\n0\r\n\r\n",
    CHUNKED "1\r\na\n0\r\n\r\n",
    CHUNKED "0\r\nTrailer: x\r\n\r\n",
    CHUNKED "1;\x01\r\na\r\n0\r\n\r\n",
};

/* Feed byte by byte (step 1) or in larger steps, each time from a block of exactly the right size. */
static enum http_progress feed(const char *text, size_t len, size_t step, bool response)
{
    struct http_message m;
    enum http_progress p = HTTP_MORE;
    if (response)
        http_begin_response(&m, false);
    else
        http_begin_request(&m);
    char *held = NULL;
    for (size_t n = 0; p == HTTP_MORE && n < len;) {
        size_t more = n + step < len ? n + step : len;
        char *block = malloc(more);
        if (n > 0)
            memcpy(block, held, n);
        memcpy(block + n, text + n, more - n);
        free(held);
        held = block;
        n = more;
        p = http_read(&m, held, n);
    }
    free(held);
    return p;
}

static void wrong_messages_are_refused_at_every_step(void)
{
    for (size_t i = 0; i < array_len(wrong); i++) {
        for (size_t step = 1; step <= strlen(wrong[i]); step++) {
            enum http_progress p = feed(wrong[i], strlen(wrong[i]), step, false);
            if (p != HTTP_BAD && p != HTTP_LARGE) {
                (void)fprintf(stderr, "taken for good: row %zu step %zu: %s\n", i, step, wrong[i]);
                CU_FAIL("taken for good");
            }
        }
    }
}

static void nul_is_refused(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
    CU_ASSERT_EQUAL(feed(text, sizeof(text) - 1, 1, false), HTTP_BAD);
}

static void heads_have_a_limit(void)
{
    scoped_free char *text = malloc(HTTP_HEAD_MAX + 64);
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ", end[] = "\r\n\r\n";
    for (int over = 0; over <= 1; over++) {
        size_t len = HTTP_HEAD_MAX + (size_t)over;
        memset(text, 'x', len);
        memcpy(text, start, sizeof(start) - 1);
        memcpy(text + len - 4, end, 4);
        CU_ASSERT_EQUAL(feed(text, len, 1000, false), over ? HTTP_LARGE : HTTP_DONE);
    }
    scoped_text struct text many = {0};
    text_add(&many, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        text_add(&many, "A: b\r\n");
    text_add(&many, "\r\n");
    CU_ASSERT_EQUAL(feed(many.at, many.len, 4096, false), HTTP_LARGE);
}

static void bodies_have_a_limit(void)
{
    static const char length[] = H "Content-Length: 1048577\r\n\r\n";
    CU_ASSERT_EQUAL(feed(length, sizeof(length) - 1, 7, false), HTTP_LARGE);
    static const char chunk[] = CHUNKED "100001\r\n";
    CU_ASSERT_EQUAL(feed(chunk, sizeof(chunk) - 1, 7, false), HTTP_LARGE);
    size_t head = strlen(CHUNKED), len = head;
    scoped_free char *small = malloc(HTTP_RAW_MAX * 2);
    memcpy(small, CHUNKED, head);
    for (int i = 0; i < 700000; i++, len += 6)
        memcpy(small + len, "1\r\na\r\n", 6);
    CU_ASSERT_EQUAL(feed(small, len, 1 << 20, false), HTTP_LARGE);
}

/* No more than this is ever read of one message, so it must be judged by then. */
static void so_has_what_surrounds_a_body(void)
{
    size_t head = strlen(CHUNKED), at = head, room = HTTP_RAW_MAX - head - strlen("0\r\n\r\n");
    scoped_free char *text = malloc(HTTP_RAW_MAX);
    memcpy(text, CHUNKED, head);
    for (size_t zeros = room % 6; zeros > 0; zeros--)
        text[at++] = '0';
    for (size_t chunks = room / 6; chunks > 0; chunks--, at += 6)
        memcpy(text + at, "1\r\na\r\n", 6);
    memcpy(text + at, "0\r\n\r\n", 5);
    for (size_t step = 1 << 10; step <= 1 << 22; step <<= 6) {
        CU_ASSERT_EQUAL(feed(text, HTTP_RAW_MAX, step, false), HTTP_DONE);
        CU_ASSERT_EQUAL(feed(text, HTTP_RAW_MAX - 1, step, false), HTTP_MORE);
    }
    memcpy(text + at, "0000a", 5);
    for (size_t step = 1 << 10; step <= 1 << 22; step <<= 6)
        CU_ASSERT_EQUAL(feed(text, HTTP_RAW_MAX, step, false), HTTP_LARGE);
}

static void wrong_responses_are_refused(void)
{
    static const char *const rows[] = {"HTTP/1.1 20 OK\r\n\r\n",
                                       "HTTP/1.1 2000 OK\r\n\r\n",
                                       "HTTP/1.1 100 Continue\r\n\r\n",
                                       "HTTP/1.1 abc\r\n\r\n",
                                       "HTTP/1.1  200 OK\r\n\r\n",
                                       "ICY 200 OK\r\n\r\n",
                                       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"};
    for (size_t i = 0; i < array_len(rows); i++)
        CU_ASSERT_EQUAL(feed(rows[i], strlen(rows[i]), 1, true), HTTP_BAD);
}

/* Random edits of good messages: any verdict, but the same one for every way of splitting. */
static void splitting_never_changes_the_verdict(void)
{
    static const char good[] = CHUNKED "5\r\nhello\r\n0\r\n\r\n";
    struct rng r;
    rng_init(&r, 1, "tests/http1");
    for (int i = 0; i < 3000; i++) {
        char text[sizeof(good)];
        memcpy(text, good, sizeof(good));
        for (uint64_t n = 1 + rng_below(&r, 3); n > 0; n--)
            text[rng_below(&r, sizeof(good) - 1)] = (char)rng_below(&r, 256);
        enum http_progress whole = feed(text, sizeof(good) - 1, sizeof(good), false);
        CU_ASSERT_EQUAL(feed(text, sizeof(good) - 1, 1, false), whole);
        CU_ASSERT_EQUAL(feed(text, sizeof(good) - 1, 1 + rng_below(&r, 20), false), whole);
    }
}

void suite_http1_hostile(void)
{
    runner_suite(NULL, NULL);
    runner_test(wrong_messages_are_refused_at_every_step);
    runner_test(nul_is_refused);
    runner_test(heads_have_a_limit);
    runner_test(bodies_have_a_limit);
    runner_test(so_has_what_surrounds_a_body);
    runner_test(wrong_responses_are_refused);
    runner_test(splitting_never_changes_the_verdict);
}
