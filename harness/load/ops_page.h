/* SPDX-License-Identifier: MIT */
/*
 * One page of GET /v1/ops (docs/protocol.md section 2), checked member by member. Pure; the bytes are hostile.
 */
#pragma once
#include "harness/load/order.h"
#include <jansson.h>

struct err;

struct ops_page {
    json_t *doc;
    const json_t *ops;
    uint64_t from, next, total; /* next 0: the last page */
    const char *digest;         /* NULL: none given */
};

struct stored_op {
    const char *id;     /* as stored; borrowed from the page */
    bool ours;          /* its id is one that we would give; order and key are set */
    struct order order; /* key UINT16_MAX and value 0 where the store has something else */
    uint64_t lsn;
    uint32_t epoch, version;
};

/* from: what was asked for. A page that does not lead on (next not beyond from) is refused. The document is the page's,
 * whatever becomes of it; NULL is none. */
int ops_page_take(struct ops_page *p, json_t *take_doc, uint64_t from, const char *at, struct err *e);
int ops_page_read(struct ops_page *p, const char *body, size_t len, uint64_t from, const char *at, struct err *e);
void ops_page_deinit(struct ops_page *p);
static inline size_t ops_page_count(const struct ops_page *p)
{
    return json_array_size(p->ops);
}
int ops_page_op(const struct ops_page *p, size_t i, struct stored_op *op, const char *at, struct err *e);
