/* SPDX-License-Identifier: MIT */
/*
 * A certificate authority of one run: a root that customers believe, an intermediate that signs, leaves for gateways,
 * good ones and bad ones. Lives in memory and dies with the run; nothing of it is worth anything elsewhere.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/spec/topology.h"

struct err;
struct ssl_ctx_st;
struct authority;

int authority_new(struct authority **out, struct err *e);
void authority_free(struct authority *a); /* NULL is fine */
const char *authority_root(const struct authority *a); /* PEM, what customers are to believe */
struct ssl_ctx_st *authority_customer(const struct authority *a); /* a client's context that believes the root */

#define FINGERPRINT_LEN 65 /* SHA-256 in hex and a NUL */
/* A new key and certificate for a node at a dotted IPv4 address: PEM of key, certificate, chain, in that order. What is
 * wrong with it is `kind`; CERTIFICATE_ROTATED is a good one. fingerprint: of the certificate. */
int authority_issue(struct authority *a, const char *node, const char *address, enum certificate kind,
                    struct text *bundle, char fingerprint[FINGERPRINT_LEN], struct err *e);
struct x509_st;
bool certificate_fingerprint(const struct x509_st *x, char out[FINGERPRINT_LEN]);
