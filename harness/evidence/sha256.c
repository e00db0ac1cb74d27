/* SPDX-License-Identifier: MIT */
/*
 * The algorithm is fetched once and kept with the context; beginning again on a context that knows its algorithm resets
 * the state and looks nothing up.
 */
#include "harness/evidence/sha256.h"

#include "harness/base/arena.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct sha256 {
    EVP_MD *algorithm;
    EVP_MD_CTX *state;
};

static void insist(int worked)
{
    if (!worked) {
        fputs("drtest: the library has no SHA-256\n", stderr);
        abort();
    }
}

struct sha256 *sha256_new(void)
{
    struct sha256 *h = xcalloc(1, sizeof(*h));
    h->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->state = EVP_MD_CTX_new();
    insist(h->algorithm && h->state && EVP_DigestInit_ex2(h->state, h->algorithm, NULL));
    return h;
}

void sha256_free(struct sha256 *h)
{
    if (!h) {
        return;
    }
    EVP_MD_CTX_free(h->state);
    EVP_MD_free(h->algorithm);
    free(h);
}

void sha256_begin(struct sha256 *h)
{
    insist(EVP_DigestInit_ex2(h->state, NULL, NULL));
}

void sha256_add(struct sha256 *h, const void *bytes, size_t len)
{
    insist(EVP_DigestUpdate(h->state, bytes, len));
}

void sha256_end(struct sha256 *h, uint8_t out[SHA256_BYTES])
{
    insist(EVP_DigestFinal_ex(h->state, out, NULL));
}

void sha256_of(struct sha256 *h, const void *bytes, size_t len, uint8_t out[SHA256_BYTES])
{
    sha256_begin(h);
    sha256_add(h, bytes, len);
    sha256_end(h, out);
}

void sha256_text(const uint8_t hash[SHA256_BYTES], char out[2 * SHA256_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[2 * SHA256_BYTES] = '\0';
}
