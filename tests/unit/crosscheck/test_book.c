/* SPDX-License-Identifier: MIT */
/* The record of the second prober: what is written is read, and no damage passes for a record. */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/crosscheck/book.h"
#include "harness/crosscheck/crosscheck.h"
#include "harness/evidence/cross_read.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/runner.h"

#include <string.h>
#include <unistd.h>

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

enum { REQUESTS = 6 };

static void write_one(struct cross_book *b, uint64_t k)
{
    struct cross_record r = {.kind = CROSS_REQUEST, .number = k, .node = 3, .outcome = (uint8_t)(k % OUTCOMES),
                             .status = k ? 503 : 200, .planned_ns = (int64_t)k * 20000000 + 7,
                             .sent_ns = (int64_t)k * 20000000 + 9, .done_ns = (int64_t)k * 20000000 + 5000000};
    cross_book_add(b, &r);
}

/* Two vantages, their lines mixed, requests out of order within each, one change. */
static void write_file(const char *path, bool ended)
{
    static struct cross_book b[2];
    must(cross_create(path, SHA, NULL) == 0);
    for (uint16_t i = 0; i < 2; i++)
        must(cross_book_open(&b[i], path, (uint16_t)(2 + i), NULL) == 0);
    for (uint64_t k = REQUESTS; k > 0; k--)
        for (int i = 0; i < 2; i++) {
            write_one(&b[i], k - 1);
            must(cross_book_flush(&b[i], NULL) == 0);
        }
    struct cross_record change = {.kind = CROSS_CHANGE, .node = 4, .planned_ns = 5, .sent_ns = 5, .done_ns = 5};
    struct cross_record end = {.kind = CROSS_END};
    cross_book_add(&b[1], &change);
    cross_book_add(&b[0], &end);
    if (ended)
        cross_book_add(&b[1], &end);
    cross_book_close(&b[0]);
    cross_book_close(&b[1]);
}

static bool is_damaged(const char *text, size_t len)
{
    struct arena a = {0};
    struct cross_reading r;
    char *exact = malloc(len ? len : 1); /* so that the first byte too far is noticed */
    memcpy(exact, text, len);
    cross_read(exact, len, &a, &r);
    bool damaged = r.damage != NULL;
    free(exact);
    arena_deinit(&a);
    return damaged;
}

static void what_is_written_is_read(void)
{
    write_file(scratch_make(), true);
    scoped_text struct text file = {0};
    struct arena a = {0};
    struct cross_reading r;
    scratch_read(CROSS_FILE, &file);
    cross_read(file.at, file.len, &a, &r);
    CU_ASSERT_PTR_NULL(r.damage);
    CU_ASSERT_STRING_EQUAL(r.scenario_sha256, SHA);
    CU_ASSERT_EQUAL(r.request_count, 2 * REQUESTS);
    CU_ASSERT_EQUAL(r.change_count, 1);
    for (size_t i = 0; i < r.request_count; i++) {
        const struct cross_record *q = &r.requests[i];
        CU_ASSERT_EQUAL(q->vantage, 2 + i / REQUESTS);
        CU_ASSERT_EQUAL(q->number, i % REQUESTS);
        CU_ASSERT_EQUAL(q->outcome, q->number % OUTCOMES);
        CU_ASSERT_EQUAL(q->planned_ns, (int64_t)q->number * 20000000 + 7);
        CU_ASSERT_EQUAL(q->sent_ns - q->planned_ns, 2);
        CU_ASSERT_EQUAL(q->done_ns - q->planned_ns, 4999993);
        CU_ASSERT_EQUAL(q->status, q->number ? 503 : 200);
        CU_ASSERT_EQUAL(q->node, 3);
    }
    CU_ASSERT(r.changes[0].vantage == 3 && r.changes[0].node == 4 && r.changes[0].done_ns == 5);
    arena_deinit(&a);
    scratch_remove();
}

static void no_changed_byte_passes(void)
{
    write_file(scratch_make(), true);
    scoped_text struct text file = {0};
    scratch_read(CROSS_FILE, &file);
    CU_ASSERT_FALSE(is_damaged(file.at, file.len));
    size_t hash = sizeof(CROSS_MAGIC) - 1;
    for (size_t i = 0; i < file.len; i++) {
        if (i >= hash && i < hash + 64)
            continue; /* the scenario's hash is compared by those who know it */
        for (int bit = 0; bit < 8; bit++) {
            file.at[i] = (char)(file.at[i] ^ (1 << bit));
            bool damaged = is_damaged(file.at, file.len);
            file.at[i] = (char)(file.at[i] ^ (1 << bit));
            CU_ASSERT(damaged);
        }
    }
    scratch_remove();
}

static void no_shortened_file_passes(void)
{
    write_file(scratch_make(), true);
    scoped_text struct text file = {0};
    scratch_read(CROSS_FILE, &file);
    for (size_t len = 0; len < file.len; len++)
        CU_ASSERT(is_damaged(file.at, len));
    scratch_remove();
}

static const char *line_at(const struct text *file, size_t n, size_t *len)
{
    const char *at = file->at;
    while (n-- > 0)
        at = strchr(at, '\n') + 1;
    *len = (size_t)(strchr(at, '\n') + 1 - at);
    return at;
}

static void lost_doubled_and_moved_lines_are_damage(void)
{
    write_file(scratch_make(), true);
    scoped_text struct text file = {0};
    scratch_read(CROSS_FILE, &file);
    for (size_t n = 2; n < 2 + 2 * (REQUESTS + 2) + 1; n++) {
        scoped_text struct text lost = {0}, doubled = {0}, moved = {0};
        size_t len;
        const char *at = line_at(&file, n, &len);
        size_t before = (size_t)(at - file.at), behind = before + len;
        text_add_bytes(&lost, file.at, before);
        text_add_bytes(&lost, file.at + behind, file.len - behind);
        CU_ASSERT(is_damaged(lost.at, lost.len));
        text_add_bytes(&doubled, file.at, behind);
        text_add_bytes(&doubled, at, len);
        text_add_bytes(&doubled, file.at + behind, file.len - behind);
        CU_ASSERT(is_damaged(doubled.at, doubled.len));
        text_add_bytes(&moved, lost.at, lost.len);
        text_add_bytes(&moved, at, len);
        CU_ASSERT(strncmp(at, "end", 3) == 0 || is_damaged(moved.at, moved.len)); /* the order of vantages is free */
    }
    scratch_remove();
}

static void a_prober_without_an_end_is_damage(void)
{
    write_file(scratch_make(), false);
    scoped_text struct text file = {0};
    struct arena a = {0};
    struct cross_reading r;
    scratch_read(CROSS_FILE, &file);
    cross_read(file.at, file.len, &a, &r);
    CU_ASSERT(r.damage && strstr(r.damage, "site 3 did not end"));
    CU_ASSERT_EQUAL(r.request_count, 2 * REQUESTS); /* what is there can still be shown */
    arena_deinit(&a);
    scratch_remove();
}

static void a_file_without_probers_is_damage(void)
{
    must(cross_create(scratch_make(), SHA, NULL) == 0);
    scoped_text struct text file = {0};
    scratch_read(CROSS_FILE, &file);
    CU_ASSERT(is_damaged(file.at, file.len));
    CU_ASSERT(is_damaged("", 0));
    CU_ASSERT(is_damaged("\n\n\n\n", 4));
    scratch_remove();
}

static void failures_to_write_stick(void)
{
    const char *path = scratch_make();
    static struct cross_book b;
    struct err e = {0};
    CU_ASSERT_EQUAL(cross_book_open(&b, path, 1, &e), -1); /* nobody made it */
    CU_ASSERT_EQUAL(e.kind, ERR_OUTPUT);
    must(cross_create(path, SHA, NULL) == 0);
    CU_ASSERT_EQUAL(cross_create(path, SHA, NULL), -1); /* never twice */
    must(cross_book_open(&b, path, 1, NULL) == 0);
    int kept = b.fd;
    b.fd = -1;
    write_one(&b, 0);
    CU_ASSERT_EQUAL(cross_book_flush(&b, NULL), -1);
    b.fd = kept;
    write_one(&b, 1);
    CU_ASSERT_EQUAL(cross_book_flush(&b, NULL), -1); /* a record with a hole is never gone on with */
    cross_book_close(&b);
    scratch_remove();
}

void suite_book(void)
{
    runner_suite(NULL, NULL);
    runner_test(what_is_written_is_read);
    runner_test(no_changed_byte_passes);
    runner_test(no_shortened_file_passes);
    runner_test(lost_doubled_and_moved_lines_are_damage);
    runner_test(a_prober_without_an_end_is_damage);
    runner_test(a_file_without_probers_is_damage);
    runner_test(failures_to_write_stick);
}
