/* SPDX-License-Identifier: MIT */
/*
 * The table "outcome of one request", row by row, each for a read and for a write.
 */
#include "harness/base/scoped.h"
#include "harness/load/outcome.h"
#include "tests/unit/runner.h"

#define T_REQ 1000
#define SOUND .has_nonce = true, .nonce_ok = true, .has_check = true, .check_ok = true, .connected = true

static const struct row {
    const char *what;
    struct exchange_answer answer;
    enum answer_content content;
    int64_t latency_ns;
    enum outcome outcome;
    enum write_outcome write;
    int flags;
} rows[] = {
    {"in time", {.status = 200, SOUND}, CONTENT_OURS, 1000, OUTCOME_GOOD, WRITE_OK, 0},
    {"another 2xx", {.status = 204, SOUND}, CONTENT_SILENT, 1, OUTCOME_GOOD, WRITE_OK, 0},
    {"one ns late", {.status = 200, SOUND}, CONTENT_OURS, 1001, OUTCOME_LATE, WRITE_OK, 0},
    {"wrong nonce",
     {.status = 200, .connected = true, .has_nonce = true, .has_check = true, .check_ok = true},
     CONTENT_OURS,
     1,
     OUTCOME_WRONG,
     WRITE_UNKNOWN,
     0},
    {"wrong check",
     {.status = 200, .connected = true, .has_nonce = true, .nonce_ok = true, .has_check = true},
     CONTENT_OURS,
     1,
     OUTCOME_WRONG,
     WRITE_UNKNOWN,
     0},
    {"wrong and late",
     {.status = 200, .connected = true, .has_nonce = true},
     CONTENT_OURS,
     1001,
     OUTCOME_WRONG,
     WRITE_UNKNOWN,
     0},
    {"another's answer", {.status = 200, SOUND}, CONTENT_FOREIGN, 1, OUTCOME_WRONG, WRITE_UNKNOWN, 0},
    {"no nonce, no check",
     {.status = 200, .connected = true},
     CONTENT_SILENT,
     1,
     OUTCOME_GOOD,
     WRITE_OK,
     SAMPLE_UNVERIFIED},
    {"no check",
     {.status = 200, .connected = true, .has_nonce = true, .nonce_ok = true},
     CONTENT_SILENT,
     1,
     OUTCOME_GOOD,
     WRITE_OK,
     SAMPLE_UNVERIFIED},
    {"refused", {.code = 7, .refused = true}, CONTENT_SILENT, 1, OUTCOME_REFUSED, WRITE_FAIL, SAMPLE_NO_CONNECT},
    {"name failure", {.code = 6, .refused = true}, CONTENT_SILENT, 1, OUTCOME_REFUSED, WRITE_FAIL, SAMPLE_NO_CONNECT},
    {"certificate not accepted",
     {.code = 60, .refused = true, .insecure = true},
     CONTENT_SILENT,
     1,
     OUTCOME_TLS,
     WRITE_FAIL,
     SAMPLE_NO_CONNECT},
    {"send error, no byte left", {.code = 55}, CONTENT_SILENT, 1, OUTCOME_REFUSED, WRITE_FAIL, SAMPLE_NO_CONNECT},
    {"connect timeout",
     {.code = 28, .timed_out = true},
     CONTENT_SILENT,
     1,
     OUTCOME_TIMEOUT,
     WRITE_FAIL,
     SAMPLE_NO_CONNECT},
    {"timeout",
     {.code = 28, .timed_out = true, .connected = true},
     CONTENT_SILENT,
     1,
     OUTCOME_TIMEOUT,
     WRITE_UNKNOWN,
     0},
    {"timeout in the body",
     {.code = 28, .timed_out = true, .connected = true, .status = 200},
     CONTENT_SILENT,
     1,
     OUTCOME_TIMEOUT,
     WRITE_UNKNOWN,
     0},
    {"reset", {.code = 56, .connected = true}, CONTENT_SILENT, 1, OUTCOME_RESET, WRITE_UNKNOWN, 0},
    {"empty reply", {.code = 52, .connected = true}, CONTENT_SILENT, 1, OUTCOME_RESET, WRITE_UNKNOWN, 0},
    {"short body", {.code = 18, .status = 200, SOUND}, CONTENT_SILENT, 1, OUTCOME_RESET, WRITE_UNKNOWN, 0},
    {"401", {.status = 401, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_FAIL, 0},
    {"404", {.status = 404, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_FAIL, 0},
    {"409", {.status = 409, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_FAIL, 0},
    {"409, stored by another", {.status = 409, SOUND}, CONTENT_FOREIGN, 1, OUTCOME_HTTP_STATUS, WRITE_FAIL, 0},
    {"409, stored by us", {.status = 409, SOUND}, CONTENT_OURS, 1, OUTCOME_HTTP_STATUS, WRITE_OK, 0},
    {"413", {.status = 413, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_FAIL, 0},
    {"429", {.status = 429, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_FAIL, 0},
    {"503 not forwarded",
     {.status = 503, .not_forwarded = true, SOUND},
     CONTENT_SILENT,
     1,
     OUTCOME_HTTP_STATUS,
     WRITE_FAIL,
     0},
    {"503 not forwarded, to whom?",
     {.status = 503, .not_forwarded = true, .connected = true, .has_nonce = true},
     CONTENT_SILENT,
     1,
     OUTCOME_HTTP_STATUS,
     WRITE_UNKNOWN,
     0},
    {"503", {.status = 503, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_UNKNOWN, 0},
    {"500 not forwarded",
     {.status = 500, .not_forwarded = true, SOUND},
     CONTENT_SILENT,
     1,
     OUTCOME_HTTP_STATUS,
     WRITE_UNKNOWN,
     0},
    {"502", {.status = 502, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_UNKNOWN, 0},
    {"504", {.status = 504, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_UNKNOWN, 0},
    {"302", {.status = 302, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_UNKNOWN, 0},
    {"400", {.status = 400, SOUND}, CONTENT_SILENT, 1, OUTCOME_HTTP_STATUS, WRITE_UNKNOWN, 0},
    {"no descriptor",
     {.code = 7, .local_error = true},
     CONTENT_SILENT,
     1,
     OUTCOME_UNSENT,
     WRITE_FAIL,
     SAMPLE_NO_CONNECT | SAMPLE_HARNESS_ERROR},
    {"out of memory on the way",
     {.code = 27, .local_error = true, .connected = true},
     CONTENT_SILENT,
     1,
     OUTCOME_RESET,
     WRITE_UNKNOWN,
     SAMPLE_HARNESS_ERROR},
    {"good on the second connection",
     {.status = 200, .reconnected = true, SOUND},
     CONTENT_OURS,
     1,
     OUTCOME_GOOD,
     WRITE_OK,
     SAMPLE_RECONNECTED},
    {"good, but held back here",
     {.status = 200, .queued = true, SOUND},
     CONTENT_OURS,
     1,
     OUTCOME_GOOD,
     WRITE_OK,
     SAMPLE_HARNESS_ERROR},
};

static void every_row_of_the_table(void)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        const struct row *row = &rows[i];
        struct outcome_ruling write = outcome_rule(&row->answer, true, row->content, row->latency_ns, T_REQ);
        struct outcome_ruling read = outcome_rule(&row->answer, false, row->content, row->latency_ns, T_REQ);
        bool right = write.outcome == row->outcome && write.write == row->write && write.flags == row->flags &&
                     read.outcome == row->outcome && read.write == WRITE_NONE && read.flags == row->flags;
        CU_assertImplementation(right, __LINE__, row->what, __FILE__, "", CU_FALSE);
    }
}

static void unsent_is_the_harness_own_fault(void)
{
    struct outcome_ruling write = outcome_unsent(true), read = outcome_unsent(false);
    CU_ASSERT_EQUAL(write.outcome, OUTCOME_UNSENT);
    CU_ASSERT_EQUAL(write.write, WRITE_FAIL);
    CU_ASSERT_TRUE(write.flags & SAMPLE_HARNESS_ERROR);
    CU_ASSERT_EQUAL(read.write, WRITE_NONE);
}

static void some_outcomes_blame_the_endpoint(void)
{
    CU_ASSERT_TRUE(outcome_blames_endpoint(OUTCOME_REFUSED, 0));
    CU_ASSERT_TRUE(outcome_blames_endpoint(OUTCOME_TLS, 0));
    CU_ASSERT_TRUE(outcome_blames_endpoint(OUTCOME_RESET, 200));
    CU_ASSERT_TRUE(outcome_blames_endpoint(OUTCOME_TIMEOUT, 0));
    CU_ASSERT_TRUE(outcome_blames_endpoint(OUTCOME_HTTP_STATUS, 502));
    CU_ASSERT_TRUE(outcome_blames_endpoint(OUTCOME_HTTP_STATUS, 503));
    CU_ASSERT_TRUE(outcome_blames_endpoint(OUTCOME_HTTP_STATUS, 504));
    CU_ASSERT_FALSE(outcome_blames_endpoint(OUTCOME_HTTP_STATUS, 500));
    CU_ASSERT_FALSE(outcome_blames_endpoint(OUTCOME_HTTP_STATUS, 429));
    CU_ASSERT_FALSE(outcome_blames_endpoint(OUTCOME_GOOD, 200));
    CU_ASSERT_FALSE(outcome_blames_endpoint(OUTCOME_LATE, 200));
    CU_ASSERT_FALSE(outcome_blames_endpoint(OUTCOME_WRONG, 200));
    CU_ASSERT_FALSE(outcome_blames_endpoint(OUTCOME_UNSENT, 0));
}

void suite_outcome(void)
{
    runner_suite(NULL, NULL);
    runner_test(every_row_of_the_table);
    runner_test(unsent_is_the_harness_own_fault);
    runner_test(some_outcomes_blame_the_endpoint);
}
