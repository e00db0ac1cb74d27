/* SPDX-License-Identifier: MIT */
/*
 * The configuration of a node as its program reads it (docs/protocol.md, section 4), made from the topology alone.
 * Pure: the same topology and node give the same document.
 */
#pragma once
#include "harness/spec/topology.h"
#include <jansson.h>

/* render_identity.c: a gateway's part about its callers. */
void render_identity(json_t *doc, const struct topology *t);

#define RENDER_BUNDLE "tls.pem" /* a gateway's key, certificate and chain, beside its configuration */
#define RENDER_TOKEN_KEYS "jwks.json" /* what it checks tokens by, likewise */
#define RENDER_ACCESS_LOG "access.jsonl" /* in its data directory; the lab has it lead to the run directory */
#define RENDER_ACCESS_LOG_MAX (INT64_C(64) << 20) /* bytes */

json_t *render_config(const struct topology *t, uint16_t node); /* new reference; NULL for a client: it runs nothing */
