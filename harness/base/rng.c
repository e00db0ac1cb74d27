/* SPDX-License-Identifier: MIT */
/*
 * xoshiro256** (Blackman and Vigna, 2018), its state filled by splitmix64 as its authors advise, started from seed
 * and FNV-1a of the consumer's name. Only wrapping 64-bit arithmetic takes part, so the numbers are the same on every
 * machine. The hash is finished by one splitmix64 step before it meets the seed: FNV of short names differs in few
 * bits, and neighbouring seeds with neighbouring names must not share a stream.
 */
#include "harness/base/rng.h"

#include "harness/base/clock.h"

#include <sys/random.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t fnv1a(const char *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *s; s++) {
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    }
    return h;
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void rng_init(struct rng *r, uint64_t seed, const char *consumer)
{
    uint64_t name = fnv1a(consumer);
    uint64_t state = seed ^ splitmix(&name);
    for (int i = 0; i < 4; i++) {
        r->s[i] = splitmix(&state);
    }
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    if (n == 0) {
        return 0;
    }
    /* Draws below 2^64 mod n would make the small results too frequent; at most every second draw is thrown away. */
    uint64_t biased = -n % n;
    uint64_t x;
    do {
        x = rng_next(r);
    } while (x < biased);
    return x % n;
}

double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

uint64_t rng_entropy_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        seed = (uint64_t)clock_wall_ns() ^ (uint64_t)clock_boot_ns() << 20;
    }
    return seed >> 11;
}
