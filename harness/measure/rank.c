/* SPDX-License-Identifier: MIT */
/* Nearest rank on a sorted array; exact in integers, so that 50 % of 4 values is the second and never the third. */
#include "harness/measure/rank.h"

#include <stdlib.h>

void rank_deinit(struct rank *r)
{
    vec_deinit(r);
}

void rank_add(struct rank *r, int64_t value)
{
    *vec_push(r) = value;
    r->sorted = false;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int64_t rank_at(struct rank *r, int percent)
{
    if (r->len == 0)
        return 0;
    if (!r->sorted)
        qsort(r->at, r->len, sizeof(*r->at), ascending);
    r->sorted = true;
    size_t place = (r->len * (size_t)percent + 99) / 100;
    return r->at[place ? place - 1 : 0];
}
