/* SPDX-License-Identifier: MIT */
/*
 * One acknowledged write of very many is nowhere to be found: it is told which, where, when; and a ledger of a million
 * writes, read back a dozen times over, is judged in less memory than a third of the file it is in.
 */
#include "harness/base/child.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/measure.h"
#include "tests/million/million.h"
#include "tests/unit/runner.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { MANY = 100000, MEGABYTES = 4000 }; /* memory is the sanitizer's there */
#else
enum { MANY = 1000000, MEGABYTES = 200 };
#endif

struct told {
    bool found;
    long megabytes;
};

static char folder[64];
static struct told *told;

static int set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/drtest-million.XXXXXX");
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return told != MAP_FAILED && mkdtemp(folder) ? 0 : -1;
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void)
{
    munmap(told, sizeof(*told));
    return nftw(folder, discard, 16, FTW_DEPTH | FTW_PHYS);
}

static bool names_it(const struct million *m, const struct result *r)
{
    const struct result_ledger *l = &r->ledger;
    const struct result_lost *lost = l->lost.len == 1 ? &l->lost.at[0] : NULL;
    char key[16];
    (void)snprintf(key, sizeof(key), "k%u", (unsigned)m->lost_key);
    return lost && lost->id == m->lost_id && text_eq(lost->key, key) && text_eq(lost->class, "gone") &&
           text_eq(lost->when, "before") && text_eq(lost->region, "us-east") &&
           fabs(lost->acked_at_s - (double)m->lost_acked_ns / 1e9) < 1e-9 && l->gone_count == 1 &&
           l->lost_before_count == 1 && l->lost_after_count == 0 && l->stranded_count == 0 && l->foreign_count == 0 &&
           l->conflicting_count == 0 && l->duplicated_count == 0 && l->corrupt_count == 0 && l->vanished_count == 0 &&
           l->final_read_complete && l->write_count == (int64_t)m->writes && l->acked_count == (int64_t)m->writes;
}

static bool judge(const struct million *m)
{
    const struct measure_context about = {.run_id = "m", .repeat_index = 1, .repeat_count = 1, .tool_version = "0"};
    struct evidence *ev = NULL;
    struct result *r = NULL;
    struct err e = {0};
    if (evidence_load(&ev, folder, &e) != 0 || measure_run(&m->plan, ev, &about, &r, &e) != 0)
        return false;
    bool found = names_it(m, r) && r->run.verdict == MISSED && ev->ledger_count == m->entries && !evidence_damage(ev);
    result_free(r);
    evidence_free(ev);
    return found;
}

/* In a process of its own, for the memory that is its alone. */
static void judge_apart(const struct million *m)
{
    struct child child = {0};
    int side = child_fork(&child, NULL);
    CU_ASSERT_NOT_EQUAL_FATAL(side, -1);
    if (side == 0) {
        struct rusage used;
        told->found = judge(m);
        getrusage(RUSAGE_SELF, &used);
        told->megabytes = used.ru_maxrss / 1024;
        _exit(0);
    }
    CU_ASSERT_EQUAL(child_wait(&child, 300 * NS_PER_S, NULL), 0);
    CU_ASSERT_EQUAL(child.status, 0);
}

static void clear(void)
{
    static const char *const files[] = {"timeline.jsonl", "samples.bin", "ledger.bin"};
    for (size_t i = 0; i < array_len(files); i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
}

/* Early, late, and on either side of the edge of a page. */
static void one_in_twenty_thousand_is_named_and_dated(void)
{
    static const size_t places[] = {0, 999, 1000, 9876};
    for (size_t i = 0; i < array_len(places); i++) {
        struct million m = {.writes = 20000, .lost = places[i]};
        struct err e = {0};
        CU_ASSERT_EQUAL_FATAL(million_make(&m, folder, &e), 0);
        CU_ASSERT(judge(&m));
        clear();
    }
}

static void one_in_a_million_is_found_in_bounded_memory(void)
{
    struct million m = {.writes = MANY, .lost = MANY / 2 - 123};
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(million_make(&m, folder, &e), 0);
    CU_ASSERT(m.entries == 14 * (size_t)MANY + 12);
    judge_apart(&m);
    CU_ASSERT(told->found);
    CU_ASSERT(told->megabytes > 0 && told->megabytes < MEGABYTES);
    printf("%zu entries: %ld MB\n", m.entries, told->megabytes);
    clear();
}

void suite_million(void)
{
    runner_suite(set_up, tear_down);
    runner_test(one_in_twenty_thousand_is_named_and_dated);
    runner_test(one_in_a_million_is_found_in_bounded_memory);
}
