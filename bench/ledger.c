/* SPDX-License-Identifier: MIT */
/*
 * bench-ledger ROUNDS WRITES: a ledger of that many writes, one of them lost, judged from its files.
 *
 * Each round forks a process that loads and measures the run, and tells how long that took, how much memory it ever had
 * resident, and what it found; then one that only reads the same files and hashes them in one go, which is the least
 * that checking a hash chain can cost. What was lost must be found, or the bench fails.
 */
#include "bench/bench.h"

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/measure/measure.h"
#include "tests/million/million.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOUND_NS (120 * NS_PER_S)

struct told {
    double load_ms, measure_ms, cpu_ms;
    double resident_mb;
    int64_t id, lost_count;
    double acked_at_s;
    char key[16], when[16], class[16], verdict[16];
    size_t entries;
};

static double ms_of(const struct timeval *t)
{
    return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

/* Of this process until now. */
static void note_use(struct told *out)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    out->resident_mb = (double)used.ru_maxrss / 1024;
    out->cpu_ms = ms_of(&used.ru_utime) + ms_of(&used.ru_stime);
}

static void judge(const struct million *m, const char *folder, struct told *out)
{
    struct measure_context ctx = {.run_id = "million", .repeat_index = 1, .repeat_count = 1, .tool_version = "bench"};
    struct evidence *ev = NULL;
    struct result *r = NULL;
    struct err e = {0};
    int64_t begun = clock_mono_ns();
    if (evidence_load(&ev, folder, &e) != 0)
        bench_fail(&e, "loading");
    out->load_ms = bench_ms_since(begun);
    begun = clock_mono_ns();
    if (measure_run(&m->plan, ev, &ctx, &r, &e) != 0)
        bench_fail(&e, "measuring");
    out->measure_ms = bench_ms_since(begun);
    note_use(out);
    out->entries = ev->ledger_count;
    out->lost_count = (int64_t)r->ledger.lost.len;
    snprintf(out->verdict, sizeof(out->verdict), "%s", verdict_words[r->run.verdict]);
    if (r->ledger.lost.len == 1) {
        const struct result_lost *lost = &r->ledger.lost.at[0];
        out->id = lost->id;
        snprintf(out->key, sizeof(out->key), "%s", lost->key);
        out->acked_at_s = lost->acked_at_s;
        snprintf(out->when, sizeof(out->when), "%s", lost->when);
        snprintf(out->class, sizeof(out->class), "%s", lost->class);
    }
}

static double hash_ms(const char *folder)
{
    static const char *const files[] = {"timeline.jsonl", "samples.bin", "ledger.bin"};
    struct err e = {0};
    int64_t begun = clock_mono_ns();
    for (size_t i = 0; i < array_len(files); i++) {
        char path[400], sha256[SHA256_HEX];
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        if (sha256_file(path, sha256, &e) != 0)
            bench_fail(&e, "hashing");
    }
    return bench_ms_since(begun);
}

/* In a process of its own: what it had resident is its alone. */
static void judge_apart(const struct million *m, const char *folder, struct told *out)
{
    struct child c = {0};
    struct err e = {0};
    int side = child_fork(&c, &e);
    if (side < 0)
        bench_fail(&e, "fork");
    if (side == 0) {
        judge(m, folder, out);
        _exit(0);
    }
    if (child_wait(&c, BOUND_NS, &e) != 0 || c.status != 0) {
        child_stop(&c, 0, NULL);
        err_set(&e, ERR_RUN, folder, "judging failed (wait status %d)", c.status);
        bench_fail(&e, "judging");
    }
}

static void check(const struct million *m, const struct told *t)
{
    char key[16];
    snprintf(key, sizeof(key), "k%u", (unsigned)m->lost_key);
    if (t->lost_count == 1 && t->id == m->lost_id && strcmp(t->key, key) == 0 && t->entries == m->entries)
        return;
    struct err e = {0};
    err_set(&e, ERR_DEFECT, "ledger", "the lost write was not found, or others with it");
    bench_fail(&e, "judging");
}

static double megabytes(const char *folder)
{
    char path[400];
    struct stat st = {0};
    snprintf(path, sizeof(path), "%s/ledger.bin", folder);
    stat(path, &st);
    return (double)st.st_size / 1e6;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench-ledger ROUNDS WRITES\n");
        return 2;
    }
    int64_t rounds = bench_number(argv[1], BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX);
    struct million m = {.writes = (size_t)bench_number(argv[2], 1000, 4000000)};
    struct err e = {0};
    const char *folder = bench_scratch();
    m.lost = m.writes / 2 - 123;
    if (million_make(&m, folder, &e) != 0)
        bench_fail(&e, "making the ledger");
    scoped_figures struct figures ours = {0};
    scoped_figures struct figures load = {0};
    scoped_figures struct figures cpu = {0};
    scoped_figures struct figures floor = {0};
    struct told *told = bench_shared(sizeof(*told));
    double most = 0;
    for (int64_t i = -1; i < rounds; i++) {
        judge_apart(&m, folder, told);
        check(&m, told);
        double least = hash_ms(folder);
        most = told->resident_mb > most ? told->resident_mb : most;
        if (i < 0)
            continue;
        figures_add(&ours, told->load_ms + told->measure_ms);
        figures_add(&load, told->load_ms);
        figures_add(&cpu, told->cpu_ms);
        figures_add(&floor, least);
    }
    char ratio[64];
    printf("%zu writes: %zu entries in %zu records, %.0f MB of ledger.bin; medians of %lld rounds\n", m.writes,
           m.entries, m.records, megabytes(folder), (long long)rounds);
    printf("found: write c%lld-%lld (key %s) %s, acknowledged at %.6f s, lost %s the fault; the run is %s\n",
           (long long)(told->id >> 32), (long long)(told->id & UINT32_MAX), told->key, told->class,
           told->acked_at_s, told->when, told->verdict);
    printf("%-28s %9.1f ms   (%.1f ms of it load and check the files; %.1f ms of cpu time)\n", "judged",
           figures_median(&ours), figures_median(&load), figures_median(&cpu));
    printf("%-28s %9.1f ms\n", "read and hashed in one go", figures_median(&floor));
    printf("ratio: %s\n", figures_ratio_text(&ours, &floor, ratio));
    printf("most memory resident: %.0f MB; %.0f entries/s\n", most, (double)m.entries / figures_median(&ours) * 1e3);
    return 0;
}
