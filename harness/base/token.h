/* SPDX-License-Identifier: MIT */
/*
 * Bearer tokens from the side of who issues them: JSON Web Tokens (RFC 7519) signed with HS256 or ES256, and the key to
 * it. What others check them by is a JWK set (RFC 7517).
 *
 * The netns lab makes the key of a run and gives gateways the set; whoever plays a customer signs his own tokens. Owns
 * the key; the private half of an ES256 key never leaves this module. Invariant: a key has one algorithm, and whatever
 * it signs says so.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>

struct err;
struct text;

enum token_algorithm { TOKEN_HS256, TOKEN_ES256 };
extern const char *const token_algorithm_words[]; /* NULL-terminated */

struct token_claims {
    const char *subject, *audience; /* printable, short */
    int64_t begins_s, ends_s;       /* Unix time; it is good from the first second until the last has begun */
};

struct token_key;
int token_key_new(struct token_key **out, enum token_algorithm algorithm, struct err *e);
void token_key_free(struct token_key *k); /* NULL is fine */
/* What it takes to check: of an ES256 key the public half, of an HS256 key the secret. New reference; NULL after
 * failure. */
json_t *token_key_set(const struct token_key *k, struct err *e);
/* Appends the token to out. */
int token_sign(const struct token_key *k, const struct token_claims *claims, struct text *out, struct err *e);
