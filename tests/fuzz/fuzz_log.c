/* SPDX-License-Identifier: MIT */
/*
 * The log of a store. The first byte says whether the CRCs are made right, so that what stands behind them is read,
 * too. What was believed is a log again when it is opened the next time, and what was not is gone.
 */
#include "gateway-under-test/own.h"
#include "gateway-under-test/store_index.h"
#include "gateway-under-test/store_log.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void mend(unsigned char *b, size_t len)
{
    while (len >= RECORD_HEAD) {
        size_t n = get_u32(b);
        if (n > len - RECORD_HEAD)
            return;
        put_u32(b + 4, crc32c(0, b + RECORD_HEAD, n));
        b += RECORD_HEAD + n;
        len -= RECORD_HEAD + n;
    }
}

static void add(void *index, const struct record *r)
{
    (void)index_add(index, r);
}

/* Of a key the newest order is found, of a subject the revocation that came first. */
static void look(const struct store_index *index, const struct record *r)
{
    const struct record *found = r->revocation ? index_revocation(index, r->key) : index_by_key(index, r->key);
    fuzz_must(found && found->revocation == r->revocation && strcmp(found->key, r->key) == 0);
    fuzz_must(r->revocation ? found->lsn <= r->lsn : found->lsn >= r->lsn);
}

static void open_log(struct store_index *index, char digest[SHA256_HEX], int64_t *cut)
{
    struct store_log log;
    struct err e = {0};
    index_init(index);
    fuzz_must(store_log_open(&log, fuzz_folder(), add, index, cut, &e) == 0);
    fuzz_must(index_last(index) == (int64_t)log.ends.len);
    index_digest(index, digest);
    int64_t last = index_last(index);
    for (int64_t lsn = 1; lsn <= last; lsn++) {
        const struct record *r = index_at(index, lsn);
        fuzz_must(r && r->lsn == lsn);
        look(index, r);
    }
    index_cut(index, last / 2);
    fuzz_must(index_last(index) == last / 2);
    index_deinit(index);
    store_log_close(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    scoped_free unsigned char *bytes = xcalloc(size, 1);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1)
        mend(bytes, size - 1);
    fuzz_put("orders.log", bytes, size - 1);
    struct store_index index;
    char first[SHA256_HEX], second[SHA256_HEX];
    int64_t cut = -1;
    open_log(&index, first, &cut);
    open_log(&index, second, &cut);
    fuzz_must(cut == 0 && strcmp(first, second) == 0);
    return 0;
}
