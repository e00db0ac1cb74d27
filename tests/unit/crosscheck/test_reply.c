/* SPDX-License-Identifier: MIT */
/* The HTTP reading of the second prober: answers whole, torn, lying and hostile. */
#include "harness/crosscheck/exchange.h"
#include "tests/unit/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define OURS UINT64_C(0x0123456789abcdef)

/* Hand the text over in pieces of `step` bytes from blocks of exactly that size, then the end of the stream. */
static enum cross_reply_state feed(struct cross_reply *r, const char *text, size_t len, size_t step)
{
    enum cross_reply_state state = CROSS_REPLY_MORE;
    memset(r, 0, sizeof(*r));
    for (size_t at = 0; at < len && state == CROSS_REPLY_MORE; at += step) {
        size_t n = len - at < step ? len - at : step;
        char *block = malloc(n);
        memcpy(block, text + at, n);
        state = cross_reply_take(r, block, n, false);
        free(block);
    }
    return state == CROSS_REPLY_MORE ? cross_reply_take(r, NULL, 0, true) : state;
}

/* The same end however it is torn. */
static enum cross_reply_state end_of(const char *text, struct cross_reply *r)
{
    size_t len = strlen(text);
    enum cross_reply_state whole = feed(r, text, len, len ? len : 1);
    for (size_t step = 1; step < 8; step++) {
        struct cross_reply torn;
        CU_ASSERT_EQUAL(feed(&torn, text, len, step), whole);
        CU_ASSERT_EQUAL(torn.status, r->status);
        CU_ASSERT_EQUAL(torn.nonce, r->nonce);
    }
    return whole;
}

static void whole_answers_are_read(void)
{
    struct cross_reply r;
    CU_ASSERT_EQUAL(end_of(OK "Content-Length: 2\r\nX-DR-Nonce: 0123456789abcdef\r\n\r\nhi", &r), CROSS_REPLY_WHOLE);
    CU_ASSERT_EQUAL(r.status, 200);
    CU_ASSERT_EQUAL(cross_outcome_of(&r, OURS), OUTCOME_GOOD);
    CU_ASSERT_EQUAL(cross_outcome_of(&r, OURS + 1), OUTCOME_WRONG);
    CU_ASSERT_EQUAL(end_of("HTTP/1.0 503\ncontent-length:0\n\n", &r), CROSS_REPLY_WHOLE);
    CU_ASSERT_EQUAL(r.status, 503);
    CU_ASSERT_EQUAL(cross_outcome_of(&r, OURS), OUTCOME_HTTP_STATUS);
    CU_ASSERT_EQUAL(end_of(OK "x-dr-nonce:\t0123456789ABCDEF \r\nContent-Length:  0 \r\n\r\n", &r), CROSS_REPLY_WHOLE);
    CU_ASSERT_EQUAL(cross_outcome_of(&r, OURS), OUTCOME_GOOD);
    CU_ASSERT_EQUAL(end_of(OK "\r\nuntil the end", &r), CROSS_REPLY_WHOLE); /* no length: until the stream ends */
    CU_ASSERT_EQUAL(cross_outcome_of(&r, OURS), OUTCOME_GOOD);              /* no nonce: another gateway */
    CU_ASSERT_EQUAL(end_of("HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", &r), CROSS_REPLY_WHOLE);
    CU_ASSERT_EQUAL(end_of("HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", &r), CROSS_REPLY_WHOLE);
    CU_ASSERT_EQUAL(r.status, 200);
    CU_ASSERT_EQUAL(end_of(OK "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", &r), CROSS_REPLY_WHOLE);
}

static void torn_answers_are_short(void)
{
    static const char text[] = OK "Content-Length: 4\r\nX-DR-Nonce: 0123456789abcdef\r\n\r\nbody";
    struct cross_reply r;
    for (size_t len = 0; len < sizeof(text) - 1; len++)
        CU_ASSERT_EQUAL(feed(&r, text, len, 7), CROSS_REPLY_SHORT);
    CU_ASSERT_EQUAL(feed(&r, text, sizeof(text) - 1, 7), CROSS_REPLY_WHOLE);
}

static void what_is_no_answer_is_refused(void)
{
    static const char *const bad[] = {
        "\r\n\r\n",
        "\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.12 200 OK\r\n\r\n",
        OK "no colon here\r\n\r\n",
        OK ": empty name\r\n\r\n",
        OK " folded: line\r\n\r\n",
        OK "Content-Length: -1\r\n\r\n",
        OK "Content-Length: +1\r\n\r\nx",
        OK "Content-Length: 0x1\r\n\r\nx",
        OK "Content-Length:\r\n\r\n",
        OK "Content-Length: 1 1\r\n\r\nx",
        OK "Content-Length: 99999999999999999999999999\r\n\r\n",
        OK "Content-Length: 1048577\r\n\r\n",
        OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    struct cross_reply r;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        enum cross_reply_state state = end_of(bad[i], &r);
        CU_ASSERT_EQUAL(state, CROSS_REPLY_BAD);
        if (state != CROSS_REPLY_BAD)
            printf("taken for an answer: %s\n", bad[i]);
    }
    CU_ASSERT_EQUAL(feed(&r, OK "A: \0b\r\n\r\n", sizeof(OK) - 1 + 10, 64), CROSS_REPLY_BAD);
}

static void a_nonce_that_is_none_is_wrong(void)
{
    static const char *const nonces[] = {"", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg",
                                         "0x23456789abcdef"};
    struct cross_reply r;
    for (size_t i = 0; i < sizeof(nonces) / sizeof(nonces[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), OK "Content-Length: 0\r\nX-DR-Nonce: %s\r\n\r\n", nonces[i]);
        CU_ASSERT_EQUAL(end_of(text, &r), CROSS_REPLY_WHOLE);
        CU_ASSERT_EQUAL(cross_outcome_of(&r, 0), OUTCOME_WRONG);
        CU_ASSERT_EQUAL(cross_outcome_of(&r, OURS), OUTCOME_WRONG);
    }
    CU_ASSERT_EQUAL(
        end_of(OK "Content-Length: 0\r\nX-DR-Nonce: 0123456789abcdef\r\nX-DR-Nonce: 0123456789abcdee\r\n\r\n", &r),
        CROSS_REPLY_WHOLE);
    CU_ASSERT_EQUAL(cross_outcome_of(&r, OURS), OUTCOME_WRONG);
}

/* A head, interim answers and a body without end: each is stopped by its bound. */
static void nothing_goes_on_for_ever(void)
{
    struct cross_reply r = {0};
    enum cross_reply_state state = cross_reply_take(&r, OK, sizeof(OK) - 1, false);
    size_t sent = 0;
    for (; state == CROSS_REPLY_MORE && sent < 100000; sent += 6)
        state = cross_reply_take(&r, "A: b\r\n", 6, false);
    CU_ASSERT_EQUAL(state, CROSS_REPLY_BAD);
    CU_ASSERT(sent <= CROSS_HEAD_MAX);

    memset(&r, 0, sizeof(r));
    state = CROSS_REPLY_MORE;
    for (sent = 0; state == CROSS_REPLY_MORE && sent < 1000; sent++)
        state = cross_reply_take(&r, "HTTP/1.1 100\r\n\r\n", 16, false);
    CU_ASSERT_EQUAL(state, CROSS_REPLY_BAD);
    CU_ASSERT(sent < 10);

    static char body[65536];
    memset(&r, 0, sizeof(r));
    state = cross_reply_take(&r, OK "\r\n", sizeof(OK) + 1, false);
    for (sent = 0; state == CROSS_REPLY_MORE && sent < 100; sent++)
        state = cross_reply_take(&r, body, sizeof(body), false);
    CU_ASSERT_EQUAL(state, CROSS_REPLY_BAD);
    CU_ASSERT(sent <= CROSS_BODY_MAX / sizeof(body) + 1);
}

static void blame_follows_the_method(void)
{
    CU_ASSERT(cross_blames(OUTCOME_REFUSED, 0) && cross_blames(OUTCOME_RESET, 0) && cross_blames(OUTCOME_TIMEOUT, 0));
    CU_ASSERT(cross_blames(OUTCOME_HTTP_STATUS, 502) && cross_blames(OUTCOME_HTTP_STATUS, 503) &&
              cross_blames(OUTCOME_HTTP_STATUS, 504));
    CU_ASSERT_FALSE(cross_blames(OUTCOME_HTTP_STATUS, 500) || cross_blames(OUTCOME_HTTP_STATUS, 404) ||
                    cross_blames(OUTCOME_GOOD, 200) || cross_blames(OUTCOME_LATE, 200) ||
                    cross_blames(OUTCOME_WRONG, 200));
}

void suite_reply(void)
{
    runner_suite(NULL, NULL);
    runner_test(whole_answers_are_read);
    runner_test(torn_answers_are_short);
    runner_test(what_is_no_answer_is_refused);
    runner_test(a_nonce_that_is_none_is_wrong);
    runner_test(nothing_goes_on_for_ever);
    runner_test(blame_follows_the_method);
}
