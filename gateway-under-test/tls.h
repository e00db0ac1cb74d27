/* SPDX-License-Identifier: MIT */
/*
 * The server's side of TLS as a translator of bytes: what came in from the network becomes plain bytes, plain bytes
 * become what may go out. No socket is touched here; conn.c carries both.
 *
 * An identity is a certificate with its chain and key, read once and constant afterwards. Connections keep what they
 * began with alive, so an identity may be closed and replaced while they go on.
 */
#pragma once
#include "harness/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct tls_identity;
struct tls; /* of one connection */

/* Both files are PEM and may be the same one; the first certificate is the server's own, the others its chain. */
int tls_identity_open(struct tls_identity **out, const char *certificate_path, const char *key_path, struct err *e);
void tls_identity_close(struct tls_identity *i); /* NULL is fine */
const char *tls_identity_fingerprint(const struct tls_identity *i); /* SHA-256 of the certificate, 64 hex digits */
int64_t tls_identity_ends_s(const struct tls_identity *i);          /* Unix time of the last second it is valid */

struct tls *tls_new(const struct tls_identity *i);
void tls_free(struct tls *t); /* NULL is fine */
bool tls_shaken(const struct tls *t); /* the handshake is done */

enum tls_end { TLS_GOES_ON, TLS_GOODBYE, TLS_BROKEN };
/* Bytes of the peer. Plain ones are appended to `in`, what he is to be told (alerts, too) to `wire`. */
enum tls_end tls_take(struct tls *t, const void *bytes, size_t len, struct text *in, struct text *wire);
/* Everything in `out` moves, sealed, to `wire`; before the end of the handshake it stays. -1 when broken. */
int tls_seal(struct tls *t, struct text *out, struct text *wire);
/* The end is announced: nothing more will be sealed. */
void tls_goodbye(struct tls *t, struct text *wire);
