/* SPDX-License-Identifier: MIT */
/*
 * samples.bin: sorted whatever the order of writing, followed while it grows, refused or used up to the damage.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/evidence/evidence_write.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/reseal/reseal.h"
#include "tests/unit/evidence/story.h"
#include "tests/unit/runner.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void kinds_are_told_apart_and_sorted(void)
{
    const char *path = scratch_make();
    story_write(path);
    struct evidence *ev = story_load(path);
    CU_ASSERT_PTR_NULL(ev->samples_damage);
    CU_ASSERT_EQUAL_FATAL(ev->sample_count, STORY_REQUESTS);
    CU_ASSERT_EQUAL(ev->stall_count, STORY_STALLS);
    CU_ASSERT_EQUAL(ev->switch_count, STORY_SWITCHES);
    for (size_t i = 0; i < STORY_REQUESTS; i++) {
        CU_ASSERT_EQUAL(ev->samples[i].planned_ns, (int64_t)(i / 2 * 10));
        CU_ASSERT_EQUAL(ev->samples[i].stream, i % 2);
    }
    CU_ASSERT_EQUAL(ev->stalls[0].planned_ns, 499);
    CU_ASSERT_EQUAL(ev->switches[0].done_ns, 59);
    evidence_free(ev);
    scratch_remove();
}

static void the_header_tells_what_it_is(void)
{
    static const char sha256[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    CU_ASSERT_EQUAL(samples_create(scratch_make(), sha256, 77, NULL), 0);
    scoped_text struct text file = {0};
    scratch_read("samples.bin", &file);
    CU_ASSERT_EQUAL_FATAL(file.len, SAMPLE_SIZE);
    struct sample_header h;
    memcpy(&h, file.at, sizeof(h));
    CU_ASSERT_EQUAL(memcmp(h.magic, "DRSAMPL1", 8), 0);
    CU_ASSERT_EQUAL(h.record_size, 96);
    CU_ASSERT_EQUAL(h.version, 2);
    CU_ASSERT_EQUAL(h.zero_wall_ns, 77);
    CU_ASSERT_EQUAL(h.scenario_sha256[0], 0x00);
    CU_ASSERT_EQUAL(h.scenario_sha256[1], 0x11);
    CU_ASSERT_EQUAL(h.scenario_sha256[31], 0xff);
    scratch_remove();
}

/* Load with one byte of samples.bin replaced, under a right CRC; NULL when refused. */
static struct evidence *load_changed(const char *path, size_t at, char byte)
{
    scoped_text struct text file = {0};
    scratch_read("samples.bin", &file);
    char before = file.at[at];
    file.at[at] = byte;
    reseal_samples(file.at, file.len);
    scratch_write("samples.bin", file.at, file.len);
    struct evidence *ev = NULL;
    evidence_load(&ev, path, NULL);
    file.at[at] = before;
    reseal_samples(file.at, file.len);
    scratch_write("samples.bin", file.at, file.len);
    return ev;
}

static void other_formats_are_refused(void)
{
    const char *path = scratch_make();
    story_write(path);
    CU_ASSERT_PTR_NULL(load_changed(path, 7, '2'));                                          /* magic */
    CU_ASSERT_PTR_NULL(load_changed(path, offsetof(struct sample_header, record_size), 97)); /* record size */
    CU_ASSERT_PTR_NULL(load_changed(path, offsetof(struct sample_header, version), 1));      /* version */
    scratch_write("samples.bin", "", 0);
    struct evidence *ev = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL(evidence_load(&ev, path, &e), -1);
    CU_ASSERT_EQUAL(e.kind, ERR_READING);
    unlink(scratch_path("samples.bin"));
    CU_ASSERT_EQUAL(evidence_load(&ev, path, NULL), -1);
    scratch_remove();
}

static void impossible_records_end_the_file(void)
{
    const char *path = scratch_make();
    story_write(path);
    static const struct {
        size_t member;
        char value;
    } impossible[] = {{offsetof(struct sample, kind), 0},
                      {offsetof(struct sample, kind), 5},
                      {offsetof(struct sample, outcome), OUTCOMES},
                      {offsetof(struct sample, write), 4}};
    for (size_t i = 0; i < array_len(impossible); i++) {
        struct evidence *ev = load_changed(path, SAMPLE_SIZE * 11 + impossible[i].member, impossible[i].value);
        must(ev);
        CU_ASSERT_PTR_NOT_NULL(ev->samples_damage);
        CU_ASSERT_EQUAL(ev->sample_count, 10);
        evidence_free(ev);
    }
    scratch_remove();
}

/* Member by member: what lies between them is nobody's. */
static bool same_brief(const struct sample_brief *a, const struct sample_brief *b)
{
    return a->planned_ns == b->planned_ns && a->took_ns == b->took_ns && a->code == b->code && a->stream == b->stream &&
           a->status == b->status && a->endpoint == b->endpoint && a->region == b->region &&
           a->outcome == b->outcome && a->write == b->write;
}

/* In brief, whatever the order, the same requests; the rest of the evidence is the same, damage too. */
static void a_skim_tells_the_same(void)
{
    const char *path = scratch_make();
    story_write(path);
    for (int torn = 0; torn < 2; torn++) {
        struct evidence *whole = NULL, *brief = NULL;
        must(evidence_load(&whole, path, NULL) == 0 && evidence_skim(&brief, path, NULL) == 0);
        CU_ASSERT_FATAL(whole->samples && brief->briefs && !brief->samples);
        CU_ASSERT_EQUAL_FATAL(brief->sample_count, whole->sample_count);
        CU_ASSERT_EQUAL(brief->stall_count, whole->stall_count);
        CU_ASSERT_EQUAL(brief->switch_count, whole->switch_count);
        CU_ASSERT_EQUAL(brief->event_count, whole->event_count);
        CU_ASSERT(text_eq(brief->samples_damage, whole->samples_damage));
        CU_ASSERT_EQUAL(whole->samples_damage != NULL, torn);
        for (size_t i = 0; i < whole->sample_count; i++) {
            struct sample_brief want = evidence_brief(whole, i);
            size_t found = 0;
            for (size_t k = 0; k < brief->sample_count; k++) {
                struct sample_brief have = evidence_brief(brief, k);
                found += same_brief(&have, &want);
            }
            CU_ASSERT(found >= 1);
            CU_ASSERT_EQUAL(want.took_ns, whole->samples[i].done_ns - whole->samples[i].planned_ns);
        }
        evidence_free(whole);
        evidence_free(brief);
        CU_ASSERT_EQUAL(truncate(scratch_path("samples.bin"), SAMPLE_SIZE * 6 - 1), 0);
    }
    scratch_remove();
}

static void every_flipped_bit_is_found(void)
{
    const char *path = scratch_make();
    story_write(path);
    scoped_text struct text file = {0};
    scratch_read("samples.bin", &file);
    for (size_t bit = 0; bit < file.len * 8; bit += 7) {
        file.at[bit / 8] = (char)(file.at[bit / 8] ^ (1 << bit % 8));
        scratch_write("samples.bin", file.at, file.len);
        struct evidence *ev = NULL;
        bool loaded = evidence_load(&ev, path, NULL) == 0;
        CU_ASSERT_EQUAL(loaded, bit / 8 >= SAMPLE_SIZE);
        CU_ASSERT(!loaded || ev->samples_damage);
        evidence_free(ev);
        file.at[bit / 8] = (char)(file.at[bit / 8] ^ (1 << bit % 8));
    }
    scratch_remove();
}

static void a_torn_record_is_damage(void)
{
    const char *path = scratch_make();
    story_write(path);
    CU_ASSERT_EQUAL(truncate(scratch_path("samples.bin"), SAMPLE_SIZE * 6 - 1), 0);
    struct evidence *ev = story_load(path);
    CU_ASSERT_PTR_NOT_NULL(ev->samples_damage);
    CU_ASSERT_EQUAL(ev->sample_count, 4);
    evidence_free(ev);
    scratch_remove();
}

static void the_tail_hands_over_what_was_appended(void)
{
    const char *path = scratch_make();
    struct sample_tail *tail = NULL;
    CU_ASSERT_EQUAL(sample_tail_open(&tail, path, NULL), -1);
    samples_create(path, NULL, 0, NULL);
    CU_ASSERT_EQUAL_FATAL(sample_tail_open(&tail, path, NULL), 0);
    struct sample_writer *w = NULL;
    CU_ASSERT_EQUAL_FATAL(samples_open(&w, path, NULL), 0);
    struct sample got[2];
    size_t n = 9;
    CU_ASSERT_EQUAL(sample_tail_read(tail, got, 2, &n, NULL), 0);
    CU_ASSERT_EQUAL(n, 0);
    for (uint64_t k = 0; k < 3; k++) {
        struct sample s = {.kind = SAMPLE_REQUEST, .k = k};
        samples_add(w, &s);
    }
    CU_ASSERT_EQUAL(sample_tail_read(tail, got, 2, &n, NULL), 0);
    CU_ASSERT_EQUAL(n, 0); /* buffered still */
    samples_flush(w, NULL);
    CU_ASSERT_EQUAL(sample_tail_read(tail, got, 2, &n, NULL), 0);
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT_EQUAL(got[1].k, 1);
    CU_ASSERT_EQUAL(sample_tail_read(tail, got, 2, &n, NULL), 0);
    CU_ASSERT_EQUAL(n, 1);
    CU_ASSERT_EQUAL(got[0].k, 2);
    samples_close(w);
    sample_tail_close(tail);
    scratch_remove();
}

static void the_tail_waits_for_the_rest_of_a_record(void)
{
    const char *path = scratch_make();
    story_write_samples(path);
    scoped_text struct text file = {0};
    scratch_read("samples.bin", &file);
    scratch_write("samples.bin", file.at, SAMPLE_SIZE * 2 + 50);
    struct sample_tail *tail = NULL;
    CU_ASSERT_EQUAL_FATAL(sample_tail_open(&tail, path, NULL), 0);
    struct sample got[8];
    size_t n;
    CU_ASSERT_EQUAL(sample_tail_read(tail, got, 8, &n, NULL), 0);
    CU_ASSERT_EQUAL(n, 1);
    scratch_write("samples.bin", file.at, SAMPLE_SIZE * 3);
    CU_ASSERT_EQUAL(sample_tail_read(tail, got, 8, &n, NULL), 0);
    CU_ASSERT_EQUAL(n, 1);
    sample_tail_close(tail);
    scratch_remove();
}

/* A full disk, played by a limit of file size. */
static void the_first_failure_sticks(void)
{
    const char *path = scratch_make();
    samples_create(path, NULL, 0, NULL);
    struct sample_writer *w = NULL;
    CU_ASSERT_EQUAL_FATAL(samples_open(&w, path, NULL), 0);
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit small = {SAMPLE_SIZE * 2, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    struct sample s = {.kind = SAMPLE_REQUEST};
    for (int i = 0; i < 1000; i++) {
        samples_add(w, &s);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    struct err first = {0}, second = {0};
    CU_ASSERT_EQUAL(samples_flush(w, &first), -1);
    CU_ASSERT_EQUAL(first.kind, ERR_OUTPUT);
    CU_ASSERT_EQUAL(samples_flush(w, &second), -1);
    CU_ASSERT_STRING_EQUAL(first.msg, second.msg);
    samples_close(w);
    scoped_text struct text file = {0};
    scratch_read("samples.bin", &file);
    CU_ASSERT_EQUAL(file.len, SAMPLE_SIZE * 2);
    scratch_remove();
}

void suite_samples(void)
{
    runner_suite(NULL, NULL);
    runner_test(kinds_are_told_apart_and_sorted);
    runner_test(the_header_tells_what_it_is);
    runner_test(other_formats_are_refused);
    runner_test(impossible_records_end_the_file);
    runner_test(a_skim_tells_the_same);
    runner_test(every_flipped_bit_is_found);
    runner_test(a_torn_record_is_damage);
    runner_test(the_tail_hands_over_what_was_appended);
    runner_test(the_tail_waits_for_the_rest_of_a_record);
    runner_test(the_first_failure_sticks);
}
