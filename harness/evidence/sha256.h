/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 for many short inputs: one context, made once. The one-shot function of the library looks its algorithm up
 * anew each time, which for the 128 bytes of a ledger record costs three times the hash itself.
 *
 * Cannot fail: a library without SHA-256 aborts, as does being out of memory.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

struct sha256;
struct sha256 *sha256_new(void);
void sha256_free(struct sha256 *h); /* NULL is fine */
void sha256_begin(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *bytes, size_t len);
void sha256_end(struct sha256 *h, uint8_t out[SHA256_BYTES]);
/* All three in one. */
void sha256_of(struct sha256 *h, const void *bytes, size_t len, uint8_t out[SHA256_BYTES]);
void sha256_text(const uint8_t hash[SHA256_BYTES], char out[2 * SHA256_BYTES + 1]);
