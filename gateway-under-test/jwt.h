/* SPDX-License-Identifier: MIT */
/*
 * JSON Web Tokens (RFC 7519) in compact form (RFC 7515), checked with the keys of a JWK set (RFC 7517).
 *
 * Called by identity.c. A struct jwt_keys owns its keys. Only HS256 and ES256, and the algorithm is the key's: what a
 * token says about it must agree and is never a choice. Invariant: claims are looked at only after the signature held.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct jwt_keys;

#define JWT_MAX ((size_t)8 * 1024)
#define JWT_SUBJECT 64

struct jwt_rules {
    const char *audience; /* must be among the token's; NULL: not looked at */
    int64_t now_s, leeway_s;
};

struct jwt_claims {
    char subject[JWT_SUBJECT], id[JWT_SUBJECT]; /* sub and jti; empty: none */
};

enum jwt_ruling {
    JWT_GOOD,
    JWT_MALFORMED,
    JWT_UNKNOWN_KEY, /* no key for it, or one for another algorithm */
    JWT_BAD_SIGNATURE,
    JWT_EXPIRED,
    JWT_NOT_YET_VALID,
    JWT_WRONG_AUDIENCE,
};

/* A JWK set: oct keys of at least 32 bytes for HS256, P-256 keys for ES256, each with its alg. at names the source. */
int jwt_keys_read(const char *text, size_t len, const char *at, struct jwt_keys **out, struct err *e);
void jwt_keys_free(struct jwt_keys *k);
size_t jwt_keys_count(const struct jwt_keys *k);

/* out is filled on JWT_GOOD only. */
enum jwt_ruling jwt_check(const struct jwt_keys *keys, const char *token, size_t len, const struct jwt_rules *rules,
                          struct jwt_claims *out);
