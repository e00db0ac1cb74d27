/* SPDX-License-Identifier: MIT */
/*
 * The digest is computed here from the ids as they were read, never taken over from the store: a store whose log and
 * whose digest disagree gives no complete read. The fingerprint covers order, positions, versions and values
 * besides, so that a store which is still changing cannot pass for one that has come to rest.
 */
#include "harness/load/read_content.h"

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"

#include <inttypes.h>
#include <string.h>

void read_content_deinit(struct read_content *c)
{
    text_deinit(&c->ids);
    text_deinit(&c->lines);
    c->count = 0;
}

void read_content_clear(struct read_content *c)
{
    text_clear(&c->ids);
    text_clear(&c->lines);
    c->count = 0;
}

void read_content_add(struct read_content *c, const struct stored_op *op)
{
    text_add_bytes(&c->ids, op->id, strlen(op->id) + 1);
    text_addf(&c->lines, "%s %" PRIu64 " %" PRIu32 " %u %" PRIu32 " %016" PRIx64 "\n", op->id, op->lsn, op->epoch,
              (unsigned)op->order.key, op->version, op->order.value);
    c->count++;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void read_content_digest(const struct read_content *c, char out[65])
{
    scoped_free const char **ids = xcalloc(c->count + 1, sizeof(*ids));
    const char *at = text_str(&c->ids);
    for (uint64_t i = 0; i < c->count; i++, at += strlen(at) + 1) {
        ids[i] = at;
    }
    qsort(ids, c->count, sizeof(*ids), by_bytes);
    scoped_text struct text sorted = {0};
    for (uint64_t i = 0; i < c->count; i++) {
        text_add(&sorted, ids[i]);
        text_add(&sorted, "\n");
    }
    sha256_hex(text_str(&sorted), sorted.len, out);
}

void read_content_fingerprint(const struct read_content *c, char out[65])
{
    sha256_hex(text_str(&c->lines), c->lines.len, out);
}
