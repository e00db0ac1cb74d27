/* SPDX-License-Identifier: MIT */
/*
 * The ledger finds every record that was changed, moved, left out or put in twice.
 */
#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/evidence/evidence_write.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/evidence/story.h"
#include "tests/unit/runner.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path;
static struct text file; /* the ledger as it was written */

static int set_up(void)
{
    path = scratch_make();
    story_write(path);
    scratch_read("ledger.bin", &file);
    return file.len == LEDGER_SIZE * (STORY_LEDGER + 1) ? 0 : -1;
}

static int tear_down(void)
{
    text_deinit(&file);
    scratch_remove();
    return 0;
}

/* Load with these bytes as the ledger. */
static struct evidence *load_bytes(const void *bytes, size_t len)
{
    scratch_write("ledger.bin", bytes, len);
    struct evidence *ev = NULL;
    evidence_load(&ev, path, NULL);
    scratch_write("ledger.bin", file.at, file.len);
    return ev;
}

static void expect_damage(const void *bytes, size_t len, size_t sound)
{
    struct evidence *ev = load_bytes(bytes, len);
    must(ev);
    CU_ASSERT_PTR_NOT_NULL(ev->ledger_damage);
    CU_ASSERT_EQUAL(ev->ledger_count, sound);
    evidence_free(ev);
}

static void a_whole_ledger_is_whole(void)
{
    struct evidence *ev = story_load(path);
    CU_ASSERT_TRUE(ev->has_ledger);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    CU_ASSERT_EQUAL_FATAL(ev->ledger_count, STORY_LEDGER);
    CU_ASSERT_EQUAL(ev->ledger[0].kind, LEDGER_INTENT);
    CU_ASSERT_EQUAL(ev->ledger[1].chain, 1);
    CU_ASSERT_EQUAL(ev->ledger[STORY_LEDGER - 1].kind, LEDGER_READ_END);
    evidence_free(ev);
}

static void the_fingerprint_covers_the_last_record_of_each_chain(void)
{
    struct evidence *ev = story_load(path);
    struct ledger_record last[3];
    last[0] = ev->ledger[4 * STORY_WRITES - 2];
    last[1] = ev->ledger[4 * STORY_WRITES - 1];
    last[2] = ev->ledger[STORY_LEDGER - 1];
    char expected[SHA256_HEX];
    sha256_hex(last, sizeof(last), expected);
    CU_ASSERT_STRING_EQUAL(ev->ledger_chain_sha256, expected);
    evidence_free(ev);
}

static void a_run_without_writes_has_no_ledger(void)
{
    unlink(scratch_path("ledger.bin"));
    struct evidence *ev = story_load(path);
    CU_ASSERT_FALSE(ev->has_ledger);
    CU_ASSERT_PTR_NULL(ev->ledger);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    evidence_free(ev);
    scratch_write("ledger.bin", file.at, file.len);
}

static void every_flipped_bit_is_found(void)
{
    struct rng rng;
    rng_init(&rng, 7, "test/ledger");
    for (int i = 0; i < 300; i++) {
        size_t bit = LEDGER_SIZE * 8 + rng_below(&rng, (file.len - LEDGER_SIZE) * 8);
        file.at[bit / 8] = (char)(file.at[bit / 8] ^ (1 << bit % 8));
        expect_damage(file.at, file.len, bit / 8 / LEDGER_SIZE - 1);
        file.at[bit / 8] = (char)(file.at[bit / 8] ^ (1 << bit % 8));
        scratch_write("ledger.bin", file.at, file.len);
    }
}

static void a_damaged_header_is_refused(void)
{
    for (size_t at = 0; at < LEDGER_SIZE; at += 5) {
        file.at[at] = (char)(file.at[at] ^ 0x40);
        CU_ASSERT_PTR_NULL(load_bytes(file.at, file.len));
        file.at[at] = (char)(file.at[at] ^ 0x40);
    }
    scratch_write("ledger.bin", file.at, file.len);
    CU_ASSERT_PTR_NULL(load_bytes(file.at, LEDGER_SIZE - 1));
    CU_ASSERT_PTR_NULL(load_bytes("", 0));
}

static void a_record_left_out_is_missed(void)
{
    scoped_text struct text copy = {0};
    for (size_t out = 1; out <= STORY_LEDGER; out++) {
        text_clear(&copy);
        text_add_bytes(&copy, file.at, out * LEDGER_SIZE);
        text_add_bytes(&copy, file.at + (out + 1) * LEDGER_SIZE, file.len - (out + 1) * LEDGER_SIZE);
        const struct ledger_record *gone = (const void *)(file.at + out * LEDGER_SIZE);
        bool is_last = gone->number == (gone->chain < 2 ? 2 * STORY_WRITES : STORY_FOUND + 2) - 1;
        struct evidence *ev = load_bytes(copy.at, copy.len);
        must(ev);
        CU_ASSERT_EQUAL(ev->ledger_damage == NULL, is_last); /* the end of a chain leaves no gap: the manifest's task */
        evidence_free(ev);
    }
}

static void exchanged_and_repeated_records_are_found(void)
{
    scoped_text struct text copy = {0};
    text_add_bytes(&copy, file.at, file.len);
    char *third = copy.at + 3 * LEDGER_SIZE; /* a result of client 0, and an intent of its after it */
    memcpy(third, file.at + 5 * LEDGER_SIZE, LEDGER_SIZE);
    memcpy(third + 2 * LEDGER_SIZE, file.at + 3 * LEDGER_SIZE, LEDGER_SIZE);
    expect_damage(copy.at, copy.len, 2);
    text_clear(&copy);
    text_add_bytes(&copy, file.at, 4 * LEDGER_SIZE);
    text_add_bytes(&copy, file.at + 3 * LEDGER_SIZE, file.len - 3 * LEDGER_SIZE);
    expect_damage(copy.at, copy.len, 3);
}

static void chains_may_interleave_in_any_way(void)
{
    scoped_text struct text copy = {0};
    text_add_bytes(&copy, file.at, LEDGER_SIZE);
    for (uint16_t chain = 0; chain < 2; chain++) {
        for (size_t i = 1; i <= 4 * STORY_WRITES; i++) {
            const struct ledger_record *r = (const void *)(file.at + i * LEDGER_SIZE);
            if (r->chain == chain) {
                text_add_bytes(&copy, r, LEDGER_SIZE);
            }
        }
    }
    struct evidence *ev = load_bytes(copy.at, copy.len);
    must(ev);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    CU_ASSERT_EQUAL(ev->ledger_count, 4 * STORY_WRITES);
    evidence_free(ev);
}

static void truncation_within_a_record_is_found(void)
{
    expect_damage(file.at, 5 * LEDGER_SIZE + 17, 4);
}

/* Sound CRC and chain, yet senseless: made by a writer that has a defect. */
static void write_sequences_are_checked(void)
{
    static const struct {
        uint8_t first, second;
        uint64_t first_seq, second_seq;
        size_t sound;
    } cases[] = {
        {LEDGER_INTENT, LEDGER_INTENT, 4, 6, 1}, {LEDGER_INTENT, LEDGER_INTENT, 4, 4, 1},
        {LEDGER_INTENT, LEDGER_RESULT, 4, 5, 1}, {LEDGER_RESULT, LEDGER_INTENT, 0, 1, 0},
        {LEDGER_INTENT, LEDGER_HEADER, 4, 5, 1}, {LEDGER_INTENT, 99, 4, 5, 1},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        unlink(scratch_path("ledger.bin"));
        struct ledger_writer *w = NULL;
        CU_ASSERT_EQUAL(ledger_create(path, 0, NULL), 0);
        CU_ASSERT_EQUAL_FATAL(ledger_open(&w, path, 3, NULL), 0);
        struct ledger_record first = {.kind = cases[i].first, .seq = cases[i].first_seq};
        struct ledger_record second = {.kind = cases[i].second, .seq = cases[i].second_seq};
        ledger_add(w, &first, NULL);
        ledger_add(w, &second, NULL);
        ledger_close(w);
        struct evidence *ev = story_load(path);
        CU_ASSERT_PTR_NOT_NULL(ev->ledger_damage);
        CU_ASSERT_EQUAL(ev->ledger_count, cases[i].sound);
        evidence_free(ev);
    }
    scratch_write("ledger.bin", file.at, file.len);
}

/* The child writes intents and results as fast as it can and is killed in the middle of it. */
static void a_killed_writer_leaves_a_ledger_that_says_how_far_it_is_whole(void)
{
    unlink(scratch_path("ledger.bin"));
    CU_ASSERT_EQUAL(ledger_create(path, 0, NULL), 0);
    struct child child = {0};
    int side = child_fork(&child, NULL);
    CU_ASSERT_NOT_EQUAL_FATAL(side, -1);
    if (side == 0) {
        struct ledger_writer *w = NULL;
        if (ledger_open(&w, path, 0, NULL) != 0) {
            _exit(1);
        }
        for (uint64_t seq = 0;; seq++) {
            struct ledger_record intent = {.kind = LEDGER_INTENT, .seq = seq, .at_ns = (int64_t)seq};
            struct ledger_record result = {
                .kind = LEDGER_RESULT, .seq = seq, .at_ns = (int64_t)seq, .outcome = WRITE_OK};
            ledger_add(w, &intent, NULL);
            ledger_add(w, &result, NULL);
        }
    }
    struct stat st = {0};
    for (int i = 0; i < 500 && st.st_size < 20 * LEDGER_SIZE; i++) { /* at most 5 s */
        CU_ASSERT_EQUAL(child_wait(&child, 10000000, NULL), 1);
        stat(scratch_path("ledger.bin"), &st);
    }
    child_signal(&child, SIGKILL, NULL);
    CU_ASSERT_EQUAL(child_wait(&child, 2000000000, NULL), 0);
    struct evidence *ev = story_load(path);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    CU_ASSERT(ev->ledger_count >= 19);
    CU_ASSERT_EQUAL(ev->ledger_newest_ns, (int64_t)(ev->ledger_count - 1) / 2);
    CU_ASSERT(ev->ledger_kinds[LEDGER_INTENT] - ev->ledger_kinds[LEDGER_RESULT] <= 1);
    size_t count = ev->ledger_count;
    evidence_free(ev);
    CU_ASSERT_EQUAL(truncate(scratch_path("ledger.bin"), (off_t)(LEDGER_SIZE * (count + 1) - 5)), 0);
    ev = story_load(path); /* torn, as by a disk that was full */
    CU_ASSERT_EQUAL(ev->ledger_count, count - 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ev->ledger_damage);
    CU_ASSERT(strstr(ev->ledger_damage, "is whole, up to") != NULL);
    evidence_free(ev);
    scratch_write("ledger.bin", file.at, file.len);
}

/* Pages: what was added comes back one by one, whatever page it stood on, from memory and from the file alike. */
static void pages_of_findings_come_back_one_by_one(void)
{
    static struct ledger_found found[2500];
    static const size_t sizes[] = {1, 3, 4, 1024, 1025, 2500};
    for (size_t i = 0; i < array_len(found); i++) {
        found[i] = (struct ledger_found){.client = (uint16_t)(i % 3),
                                         .key = (uint16_t)(i % 7),
                                         .version = (uint32_t)i + 1,
                                         .seq = (uint32_t)i,
                                         .epoch = 2,
                                         .value = i * 31,
                                         .lsn = i + 5};
    }
    for (size_t k = 0; k < array_len(sizes); k++) {
        unlink(scratch_path("ledger.bin"));
        struct ledger_writer *w = NULL;
        struct ledger_record like = {.read = 9, .region = 1, .pass = PASS_COLD, .at_ns = 77};
        CU_ASSERT_EQUAL(ledger_create(path, 0, NULL), 0);
        CU_ASSERT_EQUAL_FATAL(ledger_open(&w, path, LEDGER_CHAIN_READ, NULL), 0);
        size_t times = k == array_len(sizes) - 1 ? 20 : 1; /* 50,000 entries are not kept in memory */
        for (size_t i = 0; i < times; i++) {
            CU_ASSERT_EQUAL(ledger_add_page(w, &like, found, sizes[k], NULL), 0);
        }
        CU_ASSERT_EQUAL(ledger_add_page(w, &like, found, 0, NULL), 0);
        ledger_close(w);
        struct evidence *ev = story_load(path);
        CU_ASSERT_PTR_NULL(ev->ledger_damage);
        CU_ASSERT_EQUAL(ev->ledger_count, times * sizes[k]);
        CU_ASSERT_EQUAL(ev->ledger == NULL, times > 1);
        scoped_ledger_scan struct ledger_scan *scan = ledger_scan_open(ev);
        size_t n = 0;
        bool same = true;
        for (const struct ledger_record *r; (r = ledger_scan_next(scan)); n++) {
            const struct ledger_found *f = &found[n % sizes[k]];
            same = same && r->kind == LEDGER_FOUND && r->client == f->client && r->key == f->key && r->seq == f->seq &&
                   r->version == f->version && r->epoch == f->epoch && r->value == f->value && r->lsn == f->lsn &&
                   r->read == 9 && r->region == 1 && r->pass == PASS_COLD && r->at_ns == 77;
        }
        CU_ASSERT(same);
        CU_ASSERT_EQUAL(n, ev->ledger_count);
        evidence_free(ev);
    }
    scratch_write("ledger.bin", file.at, file.len);
}

void suite_ledger(void)
{
    runner_suite(set_up, tear_down);
    runner_test(a_whole_ledger_is_whole);
    runner_test(the_fingerprint_covers_the_last_record_of_each_chain);
    runner_test(a_run_without_writes_has_no_ledger);
    runner_test(every_flipped_bit_is_found);
    runner_test(a_damaged_header_is_refused);
    runner_test(a_record_left_out_is_missed);
    runner_test(exchanged_and_repeated_records_are_found);
    runner_test(chains_may_interleave_in_any_way);
    runner_test(truncation_within_a_record_is_found);
    runner_test(write_sequences_are_checked);
    runner_test(a_killed_writer_leaves_a_ledger_that_says_how_far_it_is_whole);
    runner_test(pages_of_findings_come_back_one_by_one);
}
