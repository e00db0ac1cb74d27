/* SPDX-License-Identifier: MIT */
/*
 * Records and frames: there and back, and no damaged one taken for good.
 */
#include "gateway-under-test/frame.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/record.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <string.h>

static void crc32c_is_the_published_one(void)
{
    unsigned char zeros[32] = {0};
    CU_ASSERT_EQUAL(crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa); /* RFC 3720 B.4 */
    CU_ASSERT_EQUAL(crc32c(0, "123456789", 9), 0xe3069283);
    CU_ASSERT_EQUAL(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static const struct record sample = {.lsn = 77,
                                     .epoch = 3,
                                     .time_ns = 12345,
                                     .key = "k7",
                                     .op = "c0-351",
                                     .value = "00ff00ff00ff00ff",
                                     .idem = "run-1/c0-351"};

static void records_come_back_as_they_were(void)
{
    scoped_text struct text out = {0};
    struct record r;
    size_t used = 0;
    record_write(&sample, &out);
    CU_ASSERT_EQUAL(record_read(out.at, out.len, &r, &used), RECORD_OK);
    CU_ASSERT_EQUAL(used, out.len);
    CU_ASSERT(r.lsn == 77 && r.epoch == 3 && r.time_ns == 12345);
    CU_ASSERT_STRING_EQUAL(r.idem, sample.idem);
    CU_ASSERT_STRING_EQUAL(r.value, sample.value);
    for (size_t len = 0; len < out.len; len++)
        CU_ASSERT_EQUAL(record_read(out.at, len, &r, &used), RECORD_SHORT);
}

static void damaged_records_are_not_taken(void)
{
    scoped_text struct text out = {0};
    struct record r;
    size_t used = 0;
    record_write(&sample, &out);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.at[bit / 8] = (char)(out.at[bit / 8] ^ (1 << (bit % 8)));
        CU_ASSERT_NOT_EQUAL(record_read(out.at, out.len, &r, &used), RECORD_OK);
        out.at[bit / 8] = (char)(out.at[bit / 8] ^ (1 << (bit % 8)));
    }
}

static void texts_are_of_safe_characters(void)
{
    char to[8];
    CU_ASSERT_TRUE(record_text(to, sizeof(to), "a.B_9:/", 7));
    CU_ASSERT_FALSE(record_text(to, sizeof(to), "12345678", 8));
    CU_ASSERT_FALSE(record_text(to, sizeof(to), "", 0));
    CU_ASSERT_FALSE(record_text(to, sizeof(to), NULL, 3));
    CU_ASSERT_FALSE(record_text(to, sizeof(to), "a\"b", 3));
    CU_ASSERT_FALSE(record_text(to, sizeof(to), "a\\b", 3));
    CU_ASSERT_FALSE(record_text(to, sizeof(to), "a\0b", 3));
    CU_ASSERT_FALSE(record_text(to, sizeof(to), "a\r\n", 3));
}

static void frames_come_back_as_they_were(void)
{
    scoped_text struct text out = {0};
    struct frame f;
    size_t used = 0;
    int64_t n = 0;
    char region[64];
    size_t at = frame_begin(&out, FRAME_STATE, 9);
    frame_add_region(&out, "eu-west");
    frame_add_u64(&out, 1480);
    text_add_bytes(&out, "\1", 1);
    frame_end(&out, at);
    for (size_t len = 0; len < out.len; len++)
        CU_ASSERT_EQUAL(frame_read(out.at, len, &f, &used), FRAME_SHORT);
    CU_ASSERT_EQUAL(frame_read(out.at, out.len, &f, &used), FRAME_OK);
    int home = 0;
    CU_ASSERT(f.type == FRAME_STATE && f.epoch == 9 && used == out.len);
    CU_ASSERT_EQUAL(frame_take_region(&f, region), 0);
    CU_ASSERT_STRING_EQUAL(region, "eu-west");
    CU_ASSERT(frame_take_u64(&f, &n) == 0 && n == 1480);
    CU_ASSERT(frame_take_u8(&f, &home) == 0 && home == FRAME_HOME);
    CU_ASSERT_EQUAL(frame_take_u8(&f, &home), -1);
    CU_ASSERT_EQUAL(frame_take_u64(&f, &n), -1);
    CU_ASSERT_EQUAL(frame_take_region(&f, region), -1);
}

static void damaged_frames_are_not_taken(void)
{
    scoped_text struct text out = {0};
    struct frame f;
    size_t used = 0;
    frame_end(&out, frame_begin(&out, FRAME_BEAT, 9));
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        out.at[bit / 8] = (char)(out.at[bit / 8] ^ (1 << (bit % 8)));
        CU_ASSERT_NOT_EQUAL(frame_read(out.at, out.len, &f, &used), FRAME_OK);
        out.at[bit / 8] = (char)(out.at[bit / 8] ^ (1 << (bit % 8)));
    }
    CU_ASSERT_EQUAL(frame_read("\xff\xff\xff\xff\0\0\0\0", 8, &f, &used), FRAME_BAD);
    CU_ASSERT_EQUAL(frame_read("\0\0\0\0\0\0\0\0", 8, &f, &used), FRAME_BAD);
}

static void a_region_cannot_run_over(void)
{
    char region[64], body[80];
    memset(body, 'x', sizeof(body));
    body[0] = 70;
    struct frame f = {FRAME_HELLO, 1, body, sizeof(body)};
    CU_ASSERT_EQUAL(frame_take_region(&f, region), -1);
    body[0] = 20;
    f = (struct frame){FRAME_HELLO, 1, body, 20};
    CU_ASSERT_EQUAL(frame_take_region(&f, region), -1);
    body[0] = 0;
    f = (struct frame){FRAME_HELLO, 1, body, 20};
    CU_ASSERT_EQUAL(frame_take_region(&f, region), -1);
}

void suite_wire(void)
{
    runner_suite(NULL, NULL);
    runner_test(crc32c_is_the_published_one);
    runner_test(records_come_back_as_they_were);
    runner_test(damaged_records_are_not_taken);
    runner_test(texts_are_of_safe_characters);
    runner_test(frames_come_back_as_they_were);
    runner_test(damaged_frames_are_not_taken);
    runner_test(a_region_cannot_run_over);
}
