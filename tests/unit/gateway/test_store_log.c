/* SPDX-License-Identifier: MIT */
/*
 * The log file after a crash, a flipped bit, a lost leadership.
 */
#include "gateway-under-test/store_log.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT 20

static char dir[] = "/tmp/drtest-log-XXXXXX";
static char path[64], lost[64];

static int set_up(void)
{
    strcpy(dir, "/tmp/drtest-log-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    (void)snprintf(path, sizeof(path), "%s/orders.log", dir);
    (void)snprintf(lost, sizeof(lost), "%s/lost-1.log", dir);
    return 0;
}

static int tear_down(void)
{
    (void)unlink(path);
    (void)unlink(lost);
    return rmdir(dir);
}

static void count_one(void *ctx, const struct record *r)
{
    int64_t *count = ctx;
    CU_ASSERT_EQUAL(r->lsn, ++*count);
}

static int64_t reopened(int64_t *cut)
{
    struct store_log l;
    struct err e = {0};
    int64_t count = 0;
    CU_ASSERT_EQUAL(store_log_open(&l, dir, count_one, &count, cut, &e), 0);
    CU_ASSERT_EQUAL((int64_t)l.ends.len, count);
    store_log_close(&l);
    return count;
}

static struct record order(int64_t lsn, int64_t epoch)
{
    struct record r = {.lsn = lsn, .epoch = epoch, .time_ns = 1};
    (void)snprintf(r.op, sizeof(r.op), "c0-%lld", (long long)lsn);
    (void)snprintf(r.idem, sizeof(r.idem), "run/c0-%lld", (long long)lsn);
    strcpy(r.key, "k1");
    strcpy(r.value, "00000000000000aa");
    return r;
}

static void append(struct store_log *l, int64_t lsn, int64_t epoch)
{
    scoped_text struct text bytes = {0};
    struct record r = order(lsn, epoch);
    record_write(&r, &bytes);
    int64_t length = (int64_t)bytes.len;
    CU_ASSERT_EQUAL(store_log_append(l, &bytes, &length, 1, NULL), 0);
}

/* COUNT records on disk, and the bytes of the file. */
static void fresh_log(struct text *bytes)
{
    struct store_log l;
    int64_t count = 0, cut;
    (void)unlink(path);
    CU_ASSERT_EQUAL(store_log_open(&l, dir, count_one, &count, &cut, NULL), 0);
    for (int64_t lsn = 1; lsn <= COUNT; lsn++)
        append(&l, lsn, 1);
    store_log_close(&l);
    text_clear(bytes);
    CU_ASSERT_EQUAL(text_read_file(bytes, path, 1 << 20, NULL), 0);
}

static void put(const char *bytes, size_t len)
{
    scoped_file FILE *f = fopen(path, "w");
    CU_ASSERT_EQUAL(fwrite(bytes, 1, len, f), len);
}

static void torn_tails_are_cut_at_every_byte(void)
{
    scoped_text struct text bytes = {0};
    int64_t cut;
    fresh_log(&bytes);
    size_t one = bytes.len / COUNT;
    for (size_t len = 0; len <= bytes.len; len += 1 + len / 60) {
        put(bytes.at, len);
        int64_t count = reopened(&cut);
        CU_ASSERT(count <= COUNT && (size_t)count * (one - 4) <= len);
        CU_ASSERT_EQUAL(reopened(&cut), count);
        CU_ASSERT_EQUAL(cut, 0); /* the cut was made on disk, too */
    }
    put(bytes.at, bytes.len);
    CU_ASSERT_EQUAL(reopened(&cut), COUNT);
}

static void flipped_bits_end_the_log_before_them(void)
{
    scoped_text struct text bytes = {0};
    fresh_log(&bytes);
    size_t one = bytes.len / COUNT;
    for (size_t i = 0; i < bytes.len; i += 7) {
        int64_t cut;
        bytes.at[i] = (char)(bytes.at[i] ^ (1 << (i % 8)));
        put(bytes.at, bytes.len);
        int64_t count = reopened(&cut);
        CU_ASSERT(count < COUNT && (size_t)count <= i / (one - 4));
        CU_ASSERT(cut > 0);
        bytes.at[i] = (char)(bytes.at[i] ^ (1 << (i % 8)));
    }
}

static void holes_and_falling_epochs_end_the_log(void)
{
    struct store_log l;
    int64_t count = 0, cut;
    (void)unlink(path);
    CU_ASSERT_EQUAL(store_log_open(&l, dir, count_one, &count, &cut, NULL), 0);
    append(&l, 1, 1);
    append(&l, 2, 3);
    append(&l, 3, 2);
    store_log_close(&l);
    CU_ASSERT_EQUAL(reopened(&cut), 2);
    count = 0;
    CU_ASSERT_EQUAL(store_log_open(&l, dir, count_one, &count, &cut, NULL), 0);
    append(&l, 4, 3);
    store_log_close(&l);
    CU_ASSERT_EQUAL(reopened(&cut), 2);
}

static void a_cut_keeps_the_suffix_elsewhere(void)
{
    struct store_log l;
    scoped_text struct text bytes = {0}, kept = {0};
    int64_t count = 0, cut;
    fresh_log(&bytes);
    CU_ASSERT_EQUAL(store_log_open(&l, dir, count_one, &count, &cut, NULL), 0);
    CU_ASSERT_EQUAL(store_log_cut(&l, 15, 1, NULL), 0);
    append(&l, 16, 2);
    CU_ASSERT_EQUAL(store_log_cut(&l, 16, 1, NULL), 0);
    store_log_close(&l);
    CU_ASSERT_EQUAL(reopened(&cut), 16);
    CU_ASSERT_EQUAL(text_read_file(&kept, lost, 1 << 20, NULL), 0);
    struct record r;
    size_t used = 0, at = 0;
    for (int64_t lsn = 16; lsn <= COUNT; lsn++, at += used) {
        CU_ASSERT_EQUAL(record_read(kept.at + at, kept.len - at, &r, &used), RECORD_OK);
        CU_ASSERT_EQUAL(r.lsn, lsn);
    }
    CU_ASSERT_EQUAL(at, kept.len);
    int64_t last = 15;
    store_log_each_lost(&l, count_one, &last);
    CU_ASSERT_EQUAL(last, COUNT);
}

static void put_lost(const char *name, int64_t lsn)
{
    scoped_text struct text bytes = {0};
    struct record r = order(lsn, 1);
    char at[96];
    record_write(&r, &bytes);
    (void)snprintf(at, sizeof(at), "%s/%s", dir, name);
    scoped_file FILE *f = fopen(at, "w");
    CU_ASSERT_EQUAL(fwrite(text_str(&bytes), 1, bytes.len, f), bytes.len);
}

static void lost_logs_are_read_in_the_order_of_their_epochs(void)
{
    static const char *const names[] = {"lost-10.log", "lost-2.log", "lost-1.log", "lost-x.log", "lost-3.log.old",
                                        "lost-.log", "lost-03.log", "lost--4.log"};
    struct store_log l;
    int64_t count = 0, cut;
    (void)unlink(path);
    CU_ASSERT_EQUAL(store_log_open(&l, dir, count_one, &count, &cut, NULL), 0);
    put_lost(names[0], 3);
    put_lost(names[1], 2);
    put_lost(names[2], 1);
    for (size_t i = 3; i < sizeof(names) / sizeof(names[0]); i++)
        put_lost(names[i], 77);
    count = 0;
    store_log_each_lost(&l, count_one, &count); /* 1, 2, 3 and nothing else */
    CU_ASSERT_EQUAL(count, 3);
    store_log_close(&l);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char at[96];
        (void)snprintf(at, sizeof(at), "%s/%s", dir, names[i]);
        CU_ASSERT_EQUAL(unlink(at), 0);
    }
}

static void what_is_no_file_is_refused(void)
{
    struct store_log l;
    struct err e = {0};
    int64_t count = 0, cut;
    (void)unlink(path);
    CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
    CU_ASSERT_EQUAL(store_log_open(&l, dir, count_one, &count, &cut, &e), -1);
    CU_ASSERT_NOT_EQUAL(e.kind, ERR_NONE);
    CU_ASSERT_EQUAL(rmdir(path), 0);
}

void suite_store_log(void)
{
    runner_suite(set_up, tear_down);
    runner_test(torn_tails_are_cut_at_every_byte);
    runner_test(flipped_bits_end_the_log_before_them);
    runner_test(holes_and_falling_epochs_end_the_log);
    runner_test(what_is_no_file_is_refused);
    runner_test(a_cut_keeps_the_suffix_elsewhere);
    runner_test(lost_logs_are_read_in_the_order_of_their_epochs);
}
