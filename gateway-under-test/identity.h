/* SPDX-License-Identifier: MIT */
/*
 * Who calls, may he, and may he so often: asked once per request, between the choice of the route and its proxying.
 *
 * Hangs on struct gateway. Owns the keys of tokens, what is known of revocations, and the buckets of rate limits.
 * Invariant: a request whose route asks for an identity is proxied only after its credential was proven.
 */
#pragma once
#include "gateway-under-test/limit.h"
#include "gateway-under-test/revocation.h"

#include <jansson.h>

struct config;
struct config_route;
struct err;
struct exchange;
struct gateway;
struct jwt_keys;
struct node;
struct text;

/* Why a request was refused: its word in the answer and in the metrics, its status, and what it says to people. */
#define REFUSALS(X)                                                                                       \
    X(no_credential, 401, "this route wants an API key or a token")                                       \
    X(two_credentials, 401, "there must be one credential, not two")                                      \
    X(unknown_key, 401, "the API key is not known")                                                       \
    X(malformed_token, 401, "the token is malformed")                                                     \
    X(unknown_token_key, 401, "the token is signed with a key, or in a way, that is not known here")      \
    X(bad_signature, 401, "the signature of the token is wrong")                                          \
    X(expired, 401, "the token has expired")                                                              \
    X(not_yet_valid, 401, "the token is not valid yet")                                                   \
    X(wrong_audience, 401, "the token is meant for somebody else")                                        \
    X(kind_not_taken, 403, "this route does not take this kind of credential")                            \
    X(revoked, 403, "the credential was revoked")                                                         \
    X(revocations_stale, 503, "what is revoked is not known well enough")                                 \
    X(rate_limited, 429, "the rate limit of this caller is used up")

#define REFUSAL_ENUM(word, status, text) REFUSAL_##word,
enum refusal { REFUSALS(REFUSAL_ENUM) REFUSAL_COUNT };
#undef REFUSAL_ENUM

struct callers {
    struct gateway *gateway;
    struct jwt_keys *keys; /* NULL: no tokens */
    struct revocations revocations;
    struct limiter limiter;
    int64_t refused[REFUSAL_COUNT];
};

/* The keys of tokens that a configuration asks for; *out is NULL where it asks for none. */
int callers_read_keys(const struct node *n, const struct config *c, struct jwt_keys **out, struct err *e);
void callers_open(struct callers *c, struct gateway *g, struct jwt_keys *take);
void callers_renew(struct callers *c, struct jwt_keys *take); /* with a new configuration */
void callers_close(struct callers *c);
/* False: it was refused, and answered. */
bool callers_admit(struct callers *c, struct exchange *x, const struct config_route *r);
json_t *callers_status(const struct callers *c); /* null where no configuration asks for anything; new reference */
void callers_gauges(const struct callers *c, struct text *out);
