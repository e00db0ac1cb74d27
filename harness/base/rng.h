/* SPDX-License-Identifier: MIT */
/*
 * Seeded random numbers, one independent stream per consumer name: rng_init(&r, seed, "pacer/clients-us-east/writes").
 * The same seed and name give the same numbers on every machine, whatever other consumers draw. Not for secrets.
 */
#pragma once
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed, const char *consumer);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n), without modulo bias; n = 0 gives 0 */
double rng_unit(struct rng *r);                /* uniform in [0, 1) */
uint64_t rng_entropy_seed(void);               /* a fresh seed of 53 bits from getrandom(2) */
