/* SPDX-License-Identifier: MIT */
/*
 * What the secret material of a gateway comes to, without saying any of it: a fingerprint that differs when a key, a
 * certificate or a credential does.
 *
 * Called by drift.c, drift_kind.c and main.c (--check-config). Owns nothing. Invariant: nothing leaves here but a
 * SHA-256 of SHA-256s.
 */
#pragma once
#include "harness/base/json.h"

struct config;
struct node;

/*
 * SHA-256 of the canonical form of an object: under identity.keys the hashed API keys of the configuration, under
 * identity.tokens.keys, tls.certificate and tls.key the SHA-256 of the file that is named there, null for one that
 * cannot be read; only what the configuration has. Empty when it has none of them. Reads the files.
 */
void secrets_print(const struct node *n, const struct config *c, char out[SHA256_HEX]);
/* Do two configurations differ in their hashed API keys, and in nothing else? */
bool secrets_only(const json_t *a, const json_t *b);
