/* SPDX-License-Identifier: MIT */
/*
 * Copies on a medium: written, damaged, believed or not, and made a store of again.
 */
#include "gateway-under-test/backup_copy.h"
#include "gateway-under-test/backup_write.h"
#include "gateway-under-test/record.h"
#include "gateway-under-test/store_log.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "tests/unit/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHAIN "0123456789abcdef"
#define OTHER "fedcba9876543210"
#define COUNT 200

static char root[64], medium[80], data[80], log_path[200], manifest_path[200];

static int set_up(void)
{
    strcpy(root, "/tmp/drtest-backup-XXXXXX");
    if (mkdtemp(root) == NULL)
        return 1;
    (void)snprintf(medium, sizeof(medium), "%s/medium", root);
    (void)snprintf(data, sizeof(data), "%s/data", root);
    (void)snprintf(log_path, sizeof(log_path), "%s/us-east/" CHAIN ".log", medium);
    (void)snprintf(manifest_path, sizeof(manifest_path), "%s/us-east/" MANIFEST_FILE, medium);
    return 0;
}

static void wipe(void)
{
    static const char *const files[] = {"medium/us-east/" CHAIN ".log",  "medium/us-east/" OTHER ".log",
                                        "medium/us-east/" CHAIN ".json", "medium/us-east/" MANIFEST_FILE,
                                        "medium/us-east",                "medium/eu-west/" OTHER ".log",
                                        "medium/eu-west/" MANIFEST_FILE, "medium/eu-west",
                                        "medium",                        "data/orders.log",
                                        "data/lock",                     "data"};
    for (size_t i = 0; i < array_len(files); i++) {
        char path[200];
        (void)snprintf(path, sizeof(path), "%s/%s", root, files[i]);
        (void)remove(path);
    }
}

static int tear_down(void)
{
    wipe();
    return rmdir(root);
}

static void add_orders(struct chain *c, int64_t from, int64_t to, int64_t epoch, bool spoilt)
{
    scoped_text struct text bytes = {0};
    struct err e = {0};
    for (int64_t lsn = from; lsn <= to; lsn++) {
        struct record r = {.lsn = lsn, .epoch = epoch, .time_ns = lsn * 1000};
        (void)snprintf(r.key, sizeof(r.key), "k%d", (int)(lsn % 16));
        (void)snprintf(r.op, sizeof(r.op), "c0-%lld", (long long)lsn);
        (void)snprintf(r.idem, sizeof(r.idem), "run/c0-%lld", (long long)lsn);
        (void)snprintf(r.value, sizeof(r.value), "v");
        record_write(&r, &bytes);
    }
    struct chain_tail tail = {to, epoch, to * 1000};
    CU_ASSERT_EQUAL(chain_add(c, bytes.at, bytes.len, tail, spoilt, &e), 0);
}

static void commit(struct chain *c)
{
    json_t *doc = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL(chain_commit(c, 42, &doc, &e), 0);
    json_decref(doc);
}

/* COUNT records in four additions, committed after each. */
static void back_up(bool spoilt)
{
    struct chain c;
    struct err e = {0};
    wipe();
    (void)mkdir(data, 0755);
    CU_ASSERT_EQUAL_FATAL(chain_begin(&c, medium, "us-east", CHAIN, &e), 0);
    for (int i = 0; i < 4; i++) {
        add_orders(&c, i * (COUNT / 4) + 1, (i + 1) * (COUNT / 4), 1 + i / 2, spoilt && i == 2);
        commit(&c);
    }
    chain_close(&c);
}

static void flip(const char *path, off_t at)
{
    char byte = 0;
    int fd = open(path, O_RDWR);
    CU_ASSERT_EQUAL(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static int64_t restored(struct copy_limit limit, bool whole)
{
    copy_list copies;
    struct err e = {0};
    int64_t records = -1;
    CU_ASSERT_EQUAL(copies_find(medium, &copies, &e), 0);
    const struct copy *c = copies_newest(&copies);
    CU_ASSERT_PTR_NOT_NULL(c);
    if (c != NULL) {
        CU_ASSERT_EQUAL(c->whole, whole);
        CU_ASSERT_EQUAL(copy_restore(c, limit, data, &records, &e), 0);
    }
    copies_deinit(&copies);
    return records;
}

static void what_was_backed_up_comes_back(void)
{
    back_up(false);
    CU_ASSERT_EQUAL(restored(COPY_ALL, true), COUNT);
}

static void up_to_a_position_or_a_time(void)
{
    back_up(false);
    CU_ASSERT_EQUAL(restored((struct copy_limit){70, INT64_MAX}, true), 70);
    back_up(false);
    CU_ASSERT_EQUAL(restored((struct copy_limit){INT64_MAX, 33999}, true), 33);
    back_up(false);
    CU_ASSERT_EQUAL(restored((struct copy_limit){INT64_MAX, 1}, true), 0);
}

static void a_store_is_never_overwritten(void)
{
    copy_list copies;
    struct err e = {0};
    int64_t records = 0;
    back_up(false);
    CU_ASSERT_EQUAL(restored((struct copy_limit){5, INT64_MAX}, true), 5);
    CU_ASSERT_EQUAL(copies_find(medium, &copies, &e), 0);
    CU_ASSERT_EQUAL(copy_restore(&copies.at[0], COPY_ALL, data, &records, &e), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "has 5 records"));
    copies_deinit(&copies);
}

/* Whatever bit flips, wherever: never whole, and what stands before it is sound. */
static void every_flipped_bit_is_found(void)
{
    struct stat st;
    back_up(false);
    CU_ASSERT_EQUAL_FATAL(stat(log_path, &st), 0);
    off_t each = st.st_size / COUNT;
    for (off_t at = 0; at < st.st_size; at += 131) {
        copy_list copies;
        struct err e = {0};
        flip(log_path, at);
        CU_ASSERT_EQUAL(copies_find(medium, &copies, &e), 0);
        CU_ASSERT_FALSE(copies.at[0].whole);
        CU_ASSERT_TRUE(copies.at[0].why[0] != '\0');
        CU_ASSERT_TRUE(copies.at[0].sound <= at / (each - 4) && copies.at[0].sound + 4 >= at / (each + 4));
        copies_deinit(&copies);
        flip(log_path, at);
    }
    CU_ASSERT_EQUAL(restored(COPY_ALL, true), COUNT);
}

static void a_damaged_manifest_is_no_small_one(void)
{
    struct stat st;
    copy_list copies;
    struct err e = {0};
    back_up(false);
    CU_ASSERT_EQUAL_FATAL(stat(manifest_path, &st), 0);
    flip(manifest_path, st.st_size / 2);
    CU_ASSERT_EQUAL(copies_find(medium, &copies, &e), 0);
    CU_ASSERT_EQUAL(copies.len, 1);
    CU_ASSERT_FALSE(copies.at[0].whole);
    CU_ASSERT_EQUAL(copies.at[0].sound, 0);
    copies_deinit(&copies);
}

static void what_is_missing_at_the_end_is_missed(void)
{
    struct stat st;
    back_up(false);
    CU_ASSERT_EQUAL_FATAL(stat(log_path, &st), 0);
    CU_ASSERT_EQUAL(truncate(log_path, st.st_size - 1), 0);
    CU_ASSERT_EQUAL(restored(COPY_ALL, false), COUNT - 1);
}

/* The flaw: the manifest is right, the bytes are not; what stands before is saved. */
static void a_spoilt_addition_is_found(void)
{
    copy_list copies;
    struct err e = {0};
    back_up(true);
    CU_ASSERT_EQUAL(copies_find(medium, &copies, &e), 0);
    CU_ASSERT_FALSE(copies.at[0].whole);
    CU_ASSERT_EQUAL(copies.at[0].sound, COUNT / 2);
    copies_deinit(&copies);
    CU_ASSERT_EQUAL(restored(COPY_ALL, false), COUNT / 2);
}

/* The newest by epoch, then by position; but a whole one before a damaged one. */
static void the_newest_whole_copy_is_taken(void)
{
    struct chain c;
    struct err e = {0};
    copy_list copies;
    back_up(false);
    CU_ASSERT_EQUAL_FATAL(chain_begin(&c, medium, "eu-west", OTHER, &e), 0);
    add_orders(&c, 1, 30, 7, false);
    commit(&c);
    chain_close(&c);
    CU_ASSERT_EQUAL(copies_find(medium, &copies, &e), 0);
    CU_ASSERT_STRING_EQUAL(copies_newest(&copies)->manifest.region, "eu-west");
    copies_deinit(&copies);
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/eu-west/" OTHER ".log", medium);
    flip(path, 900);
    CU_ASSERT_EQUAL(copies_find(medium, &copies, &e), 0);
    CU_ASSERT_STRING_EQUAL(copies_newest(&copies)->manifest.region, "us-east");
    copies_deinit(&copies);
}

/* A leadership with fewer records must not take the place of one with more without a trace. */
static void a_longer_chain_is_kept(void)
{
    struct chain c;
    struct err e = {0};
    char kept[200];
    back_up(false);
    (void)snprintf(kept, sizeof(kept), "%s/us-east/" CHAIN ".json", medium);
    CU_ASSERT_EQUAL_FATAL(chain_begin(&c, medium, "us-east", OTHER, &e), 0);
    add_orders(&c, 1, 10, 9, false);
    commit(&c);
    CU_ASSERT_EQUAL(access(kept, F_OK), 0);
    CU_ASSERT_EQUAL(access(log_path, F_OK), 0);
    chain_close(&c);
    back_up(false);
    CU_ASSERT_EQUAL_FATAL(chain_begin(&c, medium, "us-east", OTHER, &e), 0);
    add_orders(&c, 1, COUNT + 1, 9, false);
    commit(&c);
    CU_ASSERT_NOT_EQUAL(access(kept, F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(log_path, F_OK), 0);
    chain_close(&c);
}

/* The medium takes no further file, and no longer one. */
static int commit_to_a_full_medium(struct chain *c)
{
    struct rlimit before, none;
    json_t *doc = NULL;
    struct err e = {0};
    (void)getrlimit(RLIMIT_FSIZE, &before);
    none = before;
    none.rlim_cur = 0;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, &none);
    int rc = chain_commit(c, 42, &doc, &e);
    (void)setrlimit(RLIMIT_FSIZE, &before);
    (void)signal(SIGXFSZ, handler);
    json_decref(doc);
    return rc;
}

static void what_counts_goes_on_to_count_when_the_medium_is_full(void)
{
    struct chain c;
    struct err e = {0};
    char kept[200];
    (void)snprintf(kept, sizeof(kept), "%s/us-east/" CHAIN ".json", medium);
    for (int64_t records = 10; records <= COUNT + 10; records += COUNT) { /* fewer than before, or more */
        back_up(false);
        CU_ASSERT_EQUAL_FATAL(chain_begin(&c, medium, "us-east", OTHER, &e), 0);
        add_orders(&c, 1, records, 9, false);
        CU_ASSERT_EQUAL(commit_to_a_full_medium(&c), -1);
        CU_ASSERT_NOT_EQUAL(access(kept, F_OK), 0);
        CU_ASSERT_EQUAL(restored(COPY_ALL, true), COUNT);
        chain_close(&c);
    }
}

/* Bytes behind what the manifest counts are of a backup under way. */
static void what_is_under_way_does_not_count(void)
{
    struct chain c;
    struct err e = {0};
    wipe();
    (void)mkdir(data, 0755);
    CU_ASSERT_EQUAL_FATAL(chain_begin(&c, medium, "us-east", CHAIN, &e), 0);
    add_orders(&c, 1, 10, 1, false);
    commit(&c);
    add_orders(&c, 11, 20, 1, false);
    CU_ASSERT_EQUAL(restored(COPY_ALL, true), 10);
    chain_close(&c);
}

/* More than one block of hashes. */
static void large_copies_are_hashed_in_blocks(void)
{
    struct chain c;
    struct err e = {0};
    copy_list copies;
    wipe();
    (void)mkdir(data, 0755);
    CU_ASSERT_EQUAL_FATAL(chain_begin(&c, medium, "us-east", CHAIN, &e), 0);
    for (int i = 0; i < 20; i++)
        add_orders(&c, i * 2000 + 1, (i + 1) * 2000, 1, false);
    commit(&c);
    CU_ASSERT_TRUE(c.manifest.blocks.len > 2);
    chain_close(&c);
    CU_ASSERT_EQUAL(restored(COPY_ALL, true), 40000);
    flip(log_path, (off_t)MANIFEST_BLOCK + 5000);
    CU_ASSERT_EQUAL(copies_find(medium, &copies, &e), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(copies.at[0].why, "1048576"));
    copies_deinit(&copies);
}

/* Each addition by itself is on the medium, so that a commit has little to wait for. */
static void what_cannot_be_forced_is_not_added(void)
{
    struct chain c;
    struct err e = {0};
    wipe();
    CU_ASSERT_EQUAL_FATAL(chain_begin(&c, medium, "us-east", CHAIN, &e), 0);
    add_orders(&c, 1, 10, 1, false);
    int good = c.fd;
    c.fd = open("/dev/null", O_RDWR | O_CLOEXEC); /* takes everything, and forces nothing */
    int64_t bytes = c.manifest.bytes;
    CU_ASSERT_EQUAL(chain_add(&c, "x", 1, (struct chain_tail){11, 1, 1}, false, &e), -1);
    CU_ASSERT(c.manifest.bytes == bytes && c.manifest.records == 10);
    fd_close(&c.fd);
    c.fd = good;
    chain_close(&c);
}

void suite_backup(void)
{
    runner_suite(set_up, tear_down);
    runner_test(what_was_backed_up_comes_back);
    runner_test(up_to_a_position_or_a_time);
    runner_test(a_store_is_never_overwritten);
    runner_test(every_flipped_bit_is_found);
    runner_test(a_damaged_manifest_is_no_small_one);
    runner_test(what_is_missing_at_the_end_is_missed);
    runner_test(a_spoilt_addition_is_found);
    runner_test(the_newest_whole_copy_is_taken);
    runner_test(a_longer_chain_is_kept);
    runner_test(what_counts_goes_on_to_count_when_the_medium_is_full);
    runner_test(what_is_under_way_does_not_count);
    runner_test(large_copies_are_hashed_in_blocks);
    runner_test(what_cannot_be_forced_is_not_added);
}
