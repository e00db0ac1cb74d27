/* SPDX-License-Identifier: MIT */
/*
 * What one whole final read has seen so far: enough to check it against the store's own count and digest, and to
 * compare it with the read before. Pure; used by readback.c.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/load/ops_page.h"

struct read_content {
    struct text ids;   /* each followed by a NUL */
    struct text lines; /* every member of every op, in order */
    uint64_t count;
};

void read_content_deinit(struct read_content *c);
void read_content_clear(struct read_content *c);
void read_content_add(struct read_content *c, const struct stored_op *op);
/* The digest that the protocol asks of the store: SHA-256 of the ids, sorted bytewise, each followed by a newline. */
void read_content_digest(const struct read_content *c, char out[65]);
/* The fingerprint by which two reads are the same: every member of every op, in order. */
void read_content_fingerprint(const struct read_content *c, char out[65]);
