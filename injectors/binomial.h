/* SPDX-License-Identifier: MIT */
/* Exact binomial tails, to tell what chance can explain from what it cannot. Private to this room. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Is k successes of n at probability p inside the central interval of the given confidence (0.99999)? Exact, both
 * tails; n up to some ten thousand. */
bool binomial_plausible(uint64_t k, uint64_t n, double p, double confidence);
