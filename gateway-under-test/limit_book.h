/* SPDX-License-Identifier: MIT */
/*
 * The shared counter of rate limits: one bucket per limited subject, kept by the store that leads. In memory only: a
 * new leader begins with empty buckets, which is the safe side.
 *
 * Called by origin.c. Zeroed is empty; limit_book_deinit frees. Invariant: over any span no more is granted than its
 * length times the rate, and one second's worth.
 */
#pragma once
#include "harness/base/vec.h"

#include <jansson.h>
#include <stdint.h>

#define LIMIT_NAME 24
#define LIMIT_SUBJECTS_MAX 1000
#define LIMIT_PER_S_MAX 1000000

struct limit_bucket {
    char name[LIMIT_NAME];
    double tokens;
    int64_t filled_at;
};

struct limit_book {
    vec_of(struct limit_bucket) buckets;
};

/* {"limits":[{"name":"key:bulk","per_s":40,"want":6},…]} to {"granted":{"key:bulk":4,…}}; a new reference. NULL:
 * malformed, or more subjects than there is room for. */
json_t *limit_book_grant(struct limit_book *b, const json_t *wishes, int64_t now_ns);
void limit_book_deinit(struct limit_book *b);
