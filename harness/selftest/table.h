/* SPDX-License-Identifier: MIT */
/*
 * The table of truth against measurement: a row per mode and gap, made of records, printed, and written as JSON in the
 * three shapes that others need (the command's document, the rows that a run carries in its timeline, the progress).
 */
#pragma once
#include "harness/base/json.h"
#include "harness/selftest/acceptance.h"
#include "harness/selftest/write_rehearsal.h"
#include <stdio.h>

/* In ms. Of the outage that came closest to what is allowed; NAN where the mode has no such bound. */
struct table_bound {
    double worst_ms, allowed_ms;
};

struct table_row {
    const char *mode;
    double gap_ms;
    int64_t outages, inside, voided;
    int64_t second_watched, second_confirmed; /* of outages, by the second prober; unconfirmed ones are not inside */
    struct table_bound excess, slack, loss;
    struct { /* sums over the outages, in s, and requests; only outages of RTO modes */
        double down_s, span_s, open_s, closed_s;
        int64_t open_bad, open_all, closed_bad, closed_all;
    } beside;
    char why[160], void_why[160]; /* what was wrong with the first one that was not inside; the last gate's words */
};

#define TABLE_ROWS 64

struct selftest_table {
    struct table_row rows[TABLE_ROWS];
    size_t count;
};

void table_add_outage(struct selftest_table *t, const struct outage_record *r);
void table_add_writes(struct selftest_table *t, const struct write_record *r);
/* In the order of modes, then gaps; the table is complete. */
void table_sort(struct selftest_table *t);

int64_t table_outages(const struct selftest_table *t); /* judged ones */
int64_t table_inside(const struct selftest_table *t);
int64_t table_second_watched(const struct selftest_table *t);
int64_t table_second_confirmed(const struct selftest_table *t);
bool table_passed(const struct selftest_table *t); /* something was judged, and all of it accepted */

void table_print(FILE *out, const struct selftest_table *t);
void table_print_closed_loop(FILE *out, const struct selftest_table *t);
/* mode gap_ms outages inside worst_excess_ms allowed_ms; then all there is. */
json_t *table_rows_json(const struct selftest_table *t);
json_t *table_json(const struct selftest_table *t);
json_t *table_closed_loop_json(const struct selftest_table *t);
