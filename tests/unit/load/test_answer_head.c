/* SPDX-License-Identifier: MIT */
/*
 * Header lines as they may come: any case, any blanks, any rubbish.
 */
#include "harness/base/rng.h"
#include "harness/load/answer_head.h"
#include "tests/unit/runner.h"

#include <stdlib.h>
#include <string.h>

static struct answer_head read_lines(const char *const lines[])
{
    struct answer_head h = {0};
    for (; *lines; lines++) {
        answer_head_line(&h, *lines, strlen(*lines));
    }
    return h;
}

static void a_usual_head(void)
{
    static const char *const lines[] = {"HTTP/1.1 200 OK\r\n",
                                        "Content-Length: 7\r\n",
                                        "X-DR-Nonce: 00000000000000ff\r\n",
                                        "x-dr-check:DEADBEEF\r\n",
                                        "X-DR-REGION: \teu-west \r\n",
                                        "X-DR-Epoch: 4\r\n",
                                        "X-DR-LSN: 977\r\n",
                                        "X-DR-Attempt: 3\r\n",
                                        "X-DR-Not-Forwarded: 1\r\n",
                                        "\r\n",
                                        NULL};
    struct answer_head h = read_lines(lines);
    CU_ASSERT_TRUE(h.has_nonce && !h.nonce_malformed);
    CU_ASSERT_EQUAL(h.nonce, 255);
    CU_ASSERT_TRUE(h.has_check && !h.check_malformed);
    CU_ASSERT_EQUAL(h.check, 0xdeadbeef);
    CU_ASSERT_STRING_EQUAL(h.region, "eu-west");
    CU_ASSERT_EQUAL(h.epoch, 4);
    CU_ASSERT_EQUAL(h.lsn, 977);
    CU_ASSERT_EQUAL(h.attempts, 3);
    CU_ASSERT_TRUE(h.not_forwarded);
}

static void a_new_status_line_starts_over(void)
{
    static const char *const lines[] = {
        "HTTP/1.1 100 Continue\r\n", "X-DR-Epoch: 9\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n", NULL};
    CU_ASSERT_EQUAL(read_lines(lines).epoch, 0);
}

static void malformed_checks_never_match(void)
{
    static const char *const nonces[] = {"X-DR-Nonce:\r\n", "X-DR-Nonce: ff\r\n", "X-DR-Nonce: 00000000000000fg\r\n",
                                         "X-DR-Nonce: 000000000000000ff\r\n", "X-DR-Nonce: 0x000000000000ff\r\n"};
    for (size_t i = 0; i < sizeof(nonces) / sizeof(nonces[0]); i++) {
        const char *const lines[] = {nonces[i], NULL};
        struct answer_head h = read_lines(lines);
        CU_ASSERT_TRUE(h.has_nonce && h.nonce_malformed);
    }
    static const char *const checks[] = {"X-DR-Check: 123456789\r\n", "X-DR-Check: -1234567\r\n", "X-DR-Check: 1\r\n"};
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const char *const lines[] = {checks[i], NULL};
        struct answer_head h = read_lines(lines);
        CU_ASSERT_TRUE(h.has_check && h.check_malformed);
    }
}

static void values_out_of_range_count_for_nothing(void)
{
    static const char *const lines[] = {"X-DR-Epoch: 4294967296\r\n",
                                        "X-DR-LSN: 18446744073709551616\r\n",
                                        "X-DR-Attempt: -1\r\n",
                                        "X-DR-Not-Forwarded: 10\r\n",
                                        "X-DR-Noncense: 1\r\n",
                                        "X-DR-Region: a-name-that-is-longer-than-any-region-may-be-called-here\r\n",
                                        NULL};
    struct answer_head h = read_lines(lines);
    CU_ASSERT_EQUAL(h.epoch, 0);
    CU_ASSERT_EQUAL(h.lsn, 0);
    CU_ASSERT_EQUAL(h.attempts, 0);
    CU_ASSERT_FALSE(h.not_forwarded);
    CU_ASSERT_FALSE(h.has_nonce);
    CU_ASSERT_STRING_EQUAL(h.region, "");
    static const char *const largest[] = {"X-DR-LSN: 18446744073709551615\r\n", NULL};
    CU_ASSERT_EQUAL(read_lines(largest).lsn, UINT64_MAX);
}

/* Each line is an allocation of its own size: reading past it shows under the sanitizer. */
static void random_lines_are_survived(void)
{
    static const char *const names[] = {
        "X-DR-Nonce:", "X-DR-Check:", "X-DR-Region:", "X-DR-LSN:", "X-DR-", "HTTP/", ""};
    struct rng rng;
    rng_init(&rng, 3, "test/answer_head");
    for (int i = 0; i < 3000; i++) {
        const char *name = names[rng_below(&rng, 7)];
        size_t prefix = rng_below(&rng, strlen(name) + 1), len = prefix + rng_below(&rng, 70);
        char *line = malloc(len + (len == 0));
        memcpy(line, name, prefix);
        for (size_t at = prefix; at < len; at++) {
            line[at] = (char)rng_next(&rng);
        }
        struct answer_head h = {0};
        answer_head_line(&h, line, len);
        CU_ASSERT(memchr(h.region, '\0', sizeof(h.region)) != NULL);
        free(line);
    }
}

void suite_answer_head(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_usual_head);
    runner_test(a_new_status_line_starts_over);
    runner_test(malformed_checks_never_match);
    runner_test(values_out_of_range_count_for_nothing);
    runner_test(random_lines_are_survived);
}
