/* SPDX-License-Identifier: MIT */
/*
 * Property: whatever happens to the files, loading ends without a crash, and what it hands over is a sound prefix.
 */
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/evidence/story.h"
#include "tests/unit/runner.h"

#include <string.h>

static const char *const names[] = {"timeline.jsonl", "samples.bin", "ledger.bin"};

/* One random injury: bits flipped, bytes overwritten, cut off, a piece moved, a piece twice, rubbish appended. */
static void injure(struct text *t, struct rng *rng)
{
    size_t at = rng_below(rng, t->len), len = rng_below(rng, t->len - at) + 1;
    scoped_text struct text piece = {0};
    text_add_bytes(&piece, t->at + at, len);
    switch (rng_below(rng, 6)) {
    case 0:
        t->at[at] = (char)(t->at[at] ^ (1 << rng_below(rng, 8)));
        break;
    case 1:
        for (size_t i = 0; i < len; i++) {
            t->at[at + i] = (char)rng_next(rng);
        }
        break;
    case 2:
        t->len = at;
        break;
    case 3:
        memmove(t->at + at, t->at + at + len, t->len - at - len);
        t->len -= len;
        break;
    case 4:
        text_add_bytes(t, piece.at, piece.len);
        break;
    default:
        memmove(t->at, t->at + at, len);
    }
}

/* Every ledger record handed over must be one that was written, in its place of its chain. */
static void check_prefix(const struct evidence *ev, const struct text *written)
{
    for (size_t i = 0; i < ev->ledger_count; i++) {
        bool known = false;
        for (size_t at = LEDGER_SIZE; at < written->len && !known; at += LEDGER_SIZE) {
            known = memcmp(&ev->ledger[i], written->at + at, LEDGER_SIZE) == 0;
        }
        CU_ASSERT_TRUE(known);
    }
    for (size_t i = 1; i < ev->sample_count; i++) {
        CU_ASSERT(ev->samples[i - 1].planned_ns <= ev->samples[i].planned_ns);
    }
    for (size_t i = 0; i < ev->event_count; i++) {
        CU_ASSERT_EQUAL(ev->events[i].seq, (int64_t)i);
    }
}

static void random_damage_never_crashes(void)
{
    const char *path = scratch_make();
    story_write(path);
    struct text files[3] = {{0}, {0}, {0}};
    struct rng rng;
    rng_init(&rng, 20260101, "test/damage");
    for (size_t i = 0; i < 3; i++) {
        scratch_read(names[i], &files[i]);
    }
    unsigned loaded = 0, refused = 0;
    for (int round = 0; round < 600; round++) {
        size_t which = rng_below(&rng, 3);
        struct text copy = {0};
        text_add_bytes(&copy, files[which].at, files[which].len);
        for (uint64_t n = rng_below(&rng, 3) + 1; n > 0 && copy.len > 0; n--) {
            injure(&copy, &rng);
        }
        scratch_write(names[which], text_str(&copy), copy.len);
        text_deinit(&copy);
        struct evidence *ev = NULL;
        struct err e = {0};
        if (evidence_load(&ev, path, &e) == 0) {
            loaded++;
            check_prefix(ev, &files[2]);
        } else {
            refused++;
            CU_ASSERT_EQUAL(e.kind, ERR_READING);
        }
        evidence_free(ev);
        scratch_write(names[which], files[which].at, files[which].len);
    }
    CU_ASSERT(loaded > 100);
    CU_ASSERT(refused > 20);
    for (size_t i = 0; i < 3; i++) {
        text_deinit(&files[i]);
    }
    scratch_remove();
}

/* The kept record of a second prober with one injury: damage, unless the injury
 * changed nothing but the hash in its head. */
static void an_injured_crosscheck_never_passes(void)
{
    static const size_t hash = sizeof(CROSS_MAGIC) - 1;
    const char *path = scratch_make();
    scoped_text struct text whole = {0};
    struct rng rng;
    must(text_read_file(&whole, DRTEST_SOURCE_DIR "/tests/fuzz/run/crosscheck.csv", 1 << 20, NULL) == 0);
    story_write(path);
    scratch_write(CROSS_FILE, whole.at, whole.len);
    struct evidence *ev = story_load(path);
    CU_ASSERT(ev->has_cross && !ev->cross_damage && ev->cross_count == 84 && ev->cross_change_count == 4);
    CU_ASSERT_PTR_NULL(evidence_damage(ev));
    evidence_free(ev);
    rng_init(&rng, 11, "crosscheck");
    for (int i = 0; i < 300; i++) {
        scoped_text struct text hurt = {0};
        text_add_bytes(&hurt, whole.at, whole.len);
        injure(&hurt, &rng);
        bool same = hurt.len == whole.len && memcmp(hurt.at, whole.at, hash) == 0 &&
                    memcmp(hurt.at + hash + 64, whole.at + hash + 64, whole.len - hash - 64) == 0;
        scratch_write(CROSS_FILE, hurt.at, hurt.len);
        ev = story_load(path);
        CU_ASSERT_EQUAL(ev->cross_damage == NULL, same);
        CU_ASSERT(same || strstr(evidence_damage(ev), CROSS_FILE) != NULL);
        CU_ASSERT(ev->cross_count <= 84 && ev->cross_change_count <= 4);
        evidence_free(ev);
    }
    scratch_remove();
}

void suite_damage(void)
{
    runner_suite(NULL, NULL);
    runner_test(random_damage_never_crashes);
    runner_test(an_injured_crosscheck_never_passes);
}
