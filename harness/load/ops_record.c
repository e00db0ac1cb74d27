/* SPDX-License-Identifier: MIT */
/*
 * The page is as long as the answer that it came in may be; strangers get a record each, in place, and our own ops
 * follow as one page.
 */
#include "harness/load/ops_record.h"

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/evidence/evidence_write.h"

#include <string.h>

/* An op that no write of ours can have: not our kind of name, or a number beyond those that we give. */
static bool is_foreign(const struct stored_op *op)
{
    return !op->ours || op->order.seq > UINT32_MAX;
}

static int record_foreign(struct ledger_writer *w, const struct ledger_record *like, const struct stored_op *op,
                          struct err *e)
{
    struct ledger_record r = *like;
    char hash[65];
    r.kind = LEDGER_FOREIGN;
    r.lsn = op->lsn;
    r.epoch = op->epoch;
    r.version = op->version;
    r.key = op->order.key;
    sha256_hex(op->id, strlen(op->id), hash);
    hash[16] = '\0';
    r.value = strtoull(hash, NULL, 16);
    return ledger_add(w, &r, e);
}

static struct ledger_found found_of(const struct stored_op *op)
{
    return (struct ledger_found){.client = op->order.client, .key = op->order.key, .version = op->version,
                                 .seq = (uint32_t)op->order.seq, .epoch = op->epoch, .value = op->order.value,
                                 .lsn = op->lsn};
}

int ops_record(struct ledger_writer *w, const struct ledger_record *like, const struct ops_page *p,
               struct read_content *content, const char *at, bool *whole, struct err *e)
{
    scoped_free struct ledger_found *found = xcalloc(ops_page_count(p) + 1, sizeof(*found));
    size_t n = 0;
    *whole = true;
    for (size_t i = 0; i < ops_page_count(p); i++) {
        struct stored_op op;
        *whole = ops_page_op(p, i, &op, at, NULL) == 0;
        if (!*whole) {
            break;
        }
        read_content_add(content, &op);
        if (!is_foreign(&op)) {
            found[n++] = found_of(&op);
        } else if (record_foreign(w, like, &op, e) != 0) {
            return -1;
        }
    }
    return ledger_add_page(w, like, found, n, e);
}

bool ops_record_is_whole(const struct read_content *content, const struct ops_page *last)
{
    char digest[65];
    read_content_digest(content, digest);
    bool digest_right = last->digest ? strcmp(digest, last->digest) == 0 : last->total == 0;
    return content->count == last->total && digest_right;
}
