/* SPDX-License-Identifier: MIT */
/*
 * Property: the evidence of a run that was met, damaged in any way by as little as one bit in one of its files, is
 * refused or judged inconclusive; never met, and never a crash.
 *
 * A small drill runs on virtual time in this process. Each round then takes one file and one kind of damage at random,
 * loads plan and evidence from the folder as analyze does, measures, and puts the file back.
 */
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/measure/measure.h"
#include "harness/run/run.h"
#include "harness/spec/load.h"
#include "harness/spec/plan_yaml.h"
#include "injectors/injector.h"
#include "tests/unit/runner.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { ROUNDS = 600 };
#else
enum { ROUNDS = 2500 };
#endif
enum { FILES = 4, KINDS = 7, MOST_LINES = 4096 };

static const char *const names[FILES] = {"timeline.jsonl", "samples.bin", "ledger.bin", "plan.yaml"};
static const size_t record_size[FILES] = {0, SAMPLE_SIZE, LEDGER_SIZE, 0}; /* 0: lines */
static char folder[] = "/tmp/drtest-damage.XXXXXX";
static char *run_path;
static struct text whole[FILES];

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static const char *file_path(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", run_path, name);
    return path;
}

static int put(const char *name, const struct text *bytes)
{
    scoped_file FILE *f = fopen(file_path(name), "w");
    return f && fwrite(text_str(bytes), 1, bytes->len, f) == bytes->len ? 0 : -1;
}

static int drill(const struct plan *plan)
{
    static const char *const argv[] = {"drtest", NULL};
    const struct run_options o = {.lab = &lab_sim, .run_path = run_path, .run_id = "small", .argv = argv,
                                  .selftest = "skipped", .selftest_detail = "a model"};
    scoped_text struct text yaml = {0};
    int signal_seen = 0;
    plan_yaml(plan, &yaml);
    return put("plan.yaml", &yaml) == 0 ? run_drill(plan, &o, &signal_seen, NULL) : -1;
}

static int set_up(void)
{
    size_t n;
    const struct action_type *const *types = injector_types(&n);
    struct diag_list diags = {0};
    struct plan *plan = NULL;
    int rc = spec_load(DRTEST_SOURCE_DIR "/tests/data/run/small.yaml", types, n, NULL, &plan, &diags, NULL);
    diag_list_deinit(&diags);
    rc = rc == 0 && mkdtemp(folder) ? rundir_create(folder, "small", 0, &run_path, NULL) : -1;
    rc = rc == 0 ? drill(plan) : -1;
    plan_free(plan);
    for (size_t i = 0; i < FILES && rc == 0; i++)
        rc = text_read_file(&whole[i], file_path(names[i]), 1 << 24, NULL);
    return rc;
}

static int tear_down(void)
{
    for (size_t i = 0; i < FILES; i++)
        text_deinit(&whole[i]);
    free(run_path);
    return nftw(folder, discard, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the judge ---- */

enum fate { REFUSED, JUDGED_MET, JUDGED_OTHERWISE, WITHOUT_WORDS };

static enum fate judge(void)
{
    size_t n;
    const struct action_type *const *types = injector_types(&n);
    const struct measure_context about = {.run_id = "small", .repeat_index = 1, .repeat_count = 1, .tool_version = "0"};
    struct plan *plan = NULL;
    struct evidence *ev = NULL;
    struct result *r = NULL;
    struct err e = {0};
    enum fate fate = REFUSED;
    if (plan_load(file_path("plan.yaml"), types, n, &plan, &e) == 0 && evidence_load(&ev, run_path, &e) == 0 &&
        measure_run(plan, ev, &about, &r, &e) == 0)
        fate = r->run.verdict == MET ? JUDGED_MET : r->run.verdict == INCONCLUSIVE ? JUDGED_OTHERWISE : WITHOUT_WORDS;
    if (fate == JUDGED_OTHERWISE && (!r->run.reason || r->run.exit_code == 0))
        fate = WITHOUT_WORDS;
    if (fate == REFUSED && (e.kind == ERR_NONE || !e.msg[0]))
        fate = WITHOUT_WORDS;
    result_free(r);
    evidence_free(ev);
    plan_free(plan);
    return fate;
}

/* ---- the damage ---- */

struct span {
    size_t at, len;
};

/* Records, or lines with their breaks. */
static size_t split(const struct text *t, size_t size, struct span *out)
{
    size_t n = 0;
    for (size_t at = 0; at < t->len && n < MOST_LINES;) {
        const char *brk = size ? NULL : memchr(t->at + at, '\n', t->len - at);
        size_t len = size ? size : brk ? (size_t)(brk - t->at) + 1 - at : t->len - at;
        len = len < t->len - at ? len : t->len - at;
        out[n++] = (struct span){at, len};
        at += len;
    }
    return n;
}

static void add_span(struct text *to, const struct text *from, struct span s)
{
    text_add_bytes(to, from->at + s.at, s.len);
}

/* The pieces of a file in another arrangement: two exchanged, one left out, one twice, the file cut after one. */
static void rearrange(struct text *out, const struct text *t, size_t size, uint64_t how, struct rng *rng)
{
    static struct span at[MOST_LINES];
    size_t n = split(t, size, at), a = rng_below(rng, n), b = rng_below(rng, n);
    text_clear(out);
    for (size_t i = 0; i < n && !(how == 3 && i > a); i++) {
        if (how == 0)
            add_span(out, t, at[i == a ? b : i == b ? a : i]);
        else if (how != 1 || i != a)
            add_span(out, t, at[i]);
        if (how == 2 && i == a)
            add_span(out, t, at[i]);
    }
}

static void damage(struct text *out, size_t file, uint64_t kind, struct rng *rng)
{
    const struct text *t = &whole[file];
    text_clear(out);
    text_add_bytes(out, t->at, t->len);
    size_t at = rng_below(rng, t->len), len = rng_below(rng, 256) + 1;
    if (kind == 0) { /* cut anywhere */
        out->len = at;
    } else if (kind == 1) { /* one bit up to eight */
        for (uint64_t bits = rng_below(rng, 8) + 1; bits > 0; bits--) {
            at = rng_below(rng, t->len);
            out->at[at] = (char)(out->at[at] ^ (1 << rng_below(rng, 8)));
        }
    } else if (kind == 2) { /* zeros */
        memset(out->at + at, 0, len < t->len - at ? len : t->len - at);
    } else {
        rearrange(out, t, record_size[file], kind - 3, rng);
    }
}

static void an_undamaged_run_is_met(void)
{
    CU_ASSERT_EQUAL(judge(), JUDGED_MET);
}

static void no_damage_is_green(void)
{
    struct rng rng;
    size_t fates[FILES][4] = {{0}};
    scoped_text struct text damaged = {0};
    rng_init(&rng, 12, "damage");
    for (int round = 0; round < ROUNDS; round++) {
        size_t file = rng_below(&rng, FILES);
        uint64_t kind = rng_below(&rng, KINDS);
        damage(&damaged, file, kind, &rng);
        if (damaged.len == whole[file].len && memcmp(damaged.at, whole[file].at, damaged.len) == 0)
            continue; /* two equal pieces exchanged, zeros on zeros */
        CU_ASSERT_EQUAL_FATAL(put(names[file], &damaged), 0);
        enum fate fate = judge();
        fates[file][fate]++;
        if (fate != REFUSED && fate != JUDGED_OTHERWISE)
            printf("round %d: %s, damage of kind %d: fate %d\n", round, names[file], (int)kind, (int)fate);
        CU_ASSERT(fate == REFUSED || fate == JUDGED_OTHERWISE);
        CU_ASSERT_EQUAL_FATAL(put(names[file], &whole[file]), 0);
    }
    for (size_t i = 0; i < FILES; i++) {
        printf("%s: %zu refused, %zu inconclusive\n", names[i], fates[i][REFUSED], fates[i][JUDGED_OTHERWISE]);
        CU_ASSERT(fates[i][JUDGED_OTHERWISE] > ROUNDS / 100);
    }
    CU_ASSERT_EQUAL(judge(), JUDGED_MET);
}

/* Every length that leaves whole records or lines: nothing in the file itself tells that there were more. */
static void what_ends_early_between_records_is_noticed(void)
{
    static struct span at[MOST_LINES];
    for (size_t file = 0; file < FILES; file++) {
        size_t n = split(&whole[file], record_size[file], at), step = n / 60 + 1;
        for (size_t i = 1; i < n; i += i + step < n ? step : 1) {
            CU_ASSERT_EQUAL_FATAL(put(names[file], &whole[file]), 0);
            CU_ASSERT_EQUAL_FATAL(truncate(file_path(names[file]), (off_t)at[i].at), 0);
            enum fate fate = judge();
            CU_ASSERT(fate == REFUSED || fate == JUDGED_OTHERWISE);
        }
        CU_ASSERT_EQUAL_FATAL(put(names[file], &whole[file]), 0);
    }
}

static void a_missing_file_is_noticed(void)
{
    for (size_t file = 0; file < FILES; file++) {
        CU_ASSERT_EQUAL_FATAL(unlink(file_path(names[file])), 0);
        enum fate fate = judge();
        CU_ASSERT(fate == REFUSED || fate == JUDGED_OTHERWISE);
        CU_ASSERT_EQUAL_FATAL(put(names[file], &whole[file]), 0);
    }
    CU_ASSERT_EQUAL(judge(), JUDGED_MET);
}

void suite_damage(void)
{
    runner_suite(set_up, tear_down);
    runner_test(an_undamaged_run_is_met);
    runner_test(no_damage_is_green);
    runner_test(what_ends_early_between_records_is_noticed);
    runner_test(a_missing_file_is_noticed);
}
