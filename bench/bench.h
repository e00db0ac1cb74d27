/* SPDX-License-Identifier: MIT */
/*
 * What the bench programs share: figures measured round by round and the table they end in, a scratch folder, one way
 * to fail.
 *
 * Ratios are made of pairs: the two sides of one round ran within the same seconds, so what disturbed one most likely
 * disturbed the other, too. A table shows medians, and the range of the ratio over the rounds, for the reader to judge
 * the noise by.
 */
#pragma once
#include "harness/base/err.h"
#include "harness/base/vec.h"

#include <stdint.h>

enum { BENCH_ROUNDS_MIN = 5, BENCH_ROUNDS_MAX = 1000 };

struct figures {
    double *at;
    size_t len, cap;
};
void figures_add(struct figures *s, double value);
double figures_at(const struct figures *s, double fraction); /* nearest rank of the sorted values; NAN when empty */
double figures_median(const struct figures *s);              /* the middle, or between the two middle ones */
void figures_deinit(struct figures *s);
#define scoped_figures __attribute__((cleanup(figures_deinit)))

/* The ratios a/b of each round. */
struct figures figures_ratios(const struct figures *a, const struct figures *b);
/* "0.52 (0.49 to 0.61)": median and range. */
char *figures_ratio_text(const struct figures *a, const struct figures *b, char out[64]);

double bench_ms_since(int64_t begun_ns);
/* A whole number within [least, most]; anything else ends the program with exit code 2. */
int64_t bench_number(const char *text, int64_t least, int64_t most);
_Noreturn void bench_fail(const struct err *e, const char *doing); /* exit code 4 */
_Noreturn void bench_skip(const char *what, const char *reason);   /* says so, exit code 77 */

/* A new folder in $TMPDIR or /tmp that goes away when this process (not one forked from it) exits. */
const char *bench_scratch(void);
void bench_remove(const char *folder); /* with all that is in it */
void *bench_shared(size_t size);       /* zeroed memory that forked children share */
