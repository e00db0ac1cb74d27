/* SPDX-License-Identifier: MIT */
/*
 * What was cut off the log of this store, because the history of another leader is in force, and lies in its lost logs:
 * GET /v1/lost of the admin port lists it page by page, in the shape of the final read, so that whoever counts what was
 * lost can compare, and whoever wants it back knows what there is.
 *
 * The list is what the disk says: read at start, and added to only once a suffix is in its lost log. A crash between
 * that and the cut leaves records that are set aside twice, and they are listed twice. Versions are not in the log, and
 * what the index counted for another history is no version of this one: every row says 0. `from` counts the rows.
 */
#include "gateway-under-test/node.h"
#include "gateway-under-test/store.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdlib.h>
#include <string.h>

/* Revocations are no orders, here as in the final read; the status counts them. */
static int64_t lost_orders(const struct store *s)
{
    int64_t count = 0;
    for (size_t i = 0; i < s->lost.len; i++)
        count += !s->lost.at[i].revocation;
    return count;
}

static void keep_one(void *ctx, const struct record *r)
{
    struct store *s = ctx;
    *vec_push(&s->lost) = *r;
}

void lost_open(struct store *s)
{
    store_log_each_lost(&s->log, keep_one, s);
}

void lost_close(struct store *s)
{
    vec_deinit(&s->lost);
}

void lost_take(struct store *s, int64_t keep)
{
    for (int64_t lsn = keep + 1; lsn <= index_last(&s->index); lsn++)
        keep_one(s, index_at(&s->index, lsn));
}

static int by_op(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* As of the final read: SHA-256 of the op ids in bytewise order, each with a newline. */
static void lost_digest(const struct store *s, char out[SHA256_HEX])
{
    vec_of(const char *) ops = {0};
    scoped_text struct text all = {0};
    for (size_t i = 0; i < s->lost.len; i++)
        if (!s->lost.at[i].revocation)
            *vec_push(&ops) = s->lost.at[i].op;
    if (ops.len > 0)
        qsort(ops.at, ops.len, sizeof(*ops.at), by_op);
    for (size_t i = 0; i < ops.len; i++)
        text_addf(&all, "%s\n", ops.at[i]);
    vec_deinit(&ops);
    sha256_hex(text_str(&all), all.len, out);
}

void lost_answer(struct store *s, struct exchange *x)
{
    int64_t from, limit, total = (int64_t)s->lost.len, count = 0;
    if (!orders_take_page(s, x, &from, &limit))
        return;
    int64_t end = from > total ? from : (total - from < limit ? total + 1 : from + limit);
    bool last = end > total;
    scoped_text struct text body = {0}, ops = {0};
    for (int64_t i = from; i < end; i++) {
        const struct record *r = &s->lost.at[i - 1];
        if (r->revocation)
            continue;
        orders_add_op(&ops, r, 0);
        count++;
    }
    char digest[SHA256_HEX] = "";
    if (last)
        lost_digest(s, digest);
    text_addf(&body, "{\"from\":%lld,\"next\":%lld,\"count\":%lld,\"total\":%lld,\"ops\":[%s],\"digest\":%s%s%s}",
              (long long)from, last ? 0LL : (long long)end, (long long)count, (long long)lost_orders(s), text_str(&ops),
              last ? "\"" : "", last ? digest : "null", last ? "\"" : "");
    orders_send(s, x, 200, "", &body);
}
