/* SPDX-License-Identifier: MIT */
/*
 * Nothing here measures. The scratch folder is removed by an exit handler that knows the process it was made in: forked
 * children leave by _exit(2), and one that did not would find another process number.
 */
#include "bench/bench.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/units.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char scratch[256];
static pid_t scratch_owner;

void figures_add(struct figures *s, double value)
{
    *(double *)vec_push(s) = value;
}

void figures_deinit(struct figures *s)
{
    vec_deinit(s);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double *sorted(const struct figures *s)
{
    double *copy = xcalloc(s->len, sizeof(*copy));
    memcpy(copy, s->at, s->len * sizeof(*copy));
    qsort(copy, s->len, sizeof(*copy), by_value);
    return copy;
}

double figures_at(const struct figures *s, double fraction)
{
    if (s->len == 0) {
        return NAN;
    }
    double *copy = sorted(s);
    size_t rank = (size_t)ceil(fraction * (double)s->len);
    double value = copy[rank > 0 ? rank - 1 : 0];
    free(copy);
    return value;
}

double figures_median(const struct figures *s)
{
    if (s->len == 0) {
        return NAN;
    }
    double *copy = sorted(s);
    double value = (copy[(s->len - 1) / 2] + copy[s->len / 2]) / 2;
    free(copy);
    return value;
}

struct figures figures_ratios(const struct figures *a, const struct figures *b)
{
    struct figures ratios = {0};
    for (size_t i = 0; i < a->len && i < b->len; i++) {
        figures_add(&ratios, a->at[i] / b->at[i]);
    }
    return ratios;
}

char *figures_ratio_text(const struct figures *a, const struct figures *b, char out[64])
{
    scoped_figures struct figures r = figures_ratios(a, b);
    snprintf(out, 64, "%.2f (%.2f to %.2f)", figures_median(&r), figures_at(&r, 0), figures_at(&r, 1));
    return out;
}

double bench_ms_since(int64_t begun_ns)
{
    return (double)(clock_mono_ns() - begun_ns) / (double)NS_PER_MS;
}

int64_t bench_number(const char *text, int64_t least, int64_t most)
{
    int64_t n = 0;
    struct err e = {0};
    if (unit_parse_count(text, &n, &e) != 0 || n < least || n > most) {
        fprintf(stderr, "bench: '%s' is not a whole number from %lld to %lld\n", text, (long long)least,
                (long long)most);
        exit(2);
    }
    return n;
}

_Noreturn void bench_fail(const struct err *e, const char *doing)
{
    fflush(stdout);
    fprintf(stderr, "bench: %s: %s: %s%s%s\n", doing, e->at, e->msg, e->help[0] ? "; " : "", e->help);
    exit(4);
}

_Noreturn void bench_skip(const char *what, const char *reason)
{
    printf("skipped: %s: %s\n", what, reason);
    exit(77);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void bench_remove(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void remove_scratch(void)
{
    if (getpid() == scratch_owner) {
        bench_remove(scratch);
    }
}

const char *bench_scratch(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(scratch, sizeof(scratch), "%.200s/drtest-bench-XXXXXX", base && *base ? base : "/tmp");
    if (mkdtemp(scratch) == NULL) {
        struct err e = {0};
        err_os(&e, ERR_RUN, errno, scratch, "cannot make a folder");
        bench_fail(&e, "scratch");
    }
    scratch_owner = getpid();
    atexit(remove_scratch);
    return scratch;
}

void *bench_shared(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        struct err e = {0};
        err_os(&e, ERR_MACHINE, errno, "shared memory", "cannot map %zu bytes", size);
        bench_fail(&e, "start");
    }
    return at;
}
