/* SPDX-License-Identifier: MIT */
/* Quantiles by nearest rank: quantile p of n sorted values is the one at ceil(p * n), counted from 1. */
#pragma once
#include "harness/base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct rank {
    int64_t *at;
    size_t len, cap;
    bool sorted;
};

void rank_deinit(struct rank *r);
void rank_add(struct rank *r, int64_t value);
int64_t rank_at(struct rank *r, int percent); /* sorts on first use; 0 without values */
#define scoped_rank __attribute__((cleanup(rank_deinit)))
