/* SPDX-License-Identifier: MIT */
/*
 * Each writer carries on one chain: number counts up from 0, previous is the SHA-256 of the record before (its CRC
 * included), crc covers the whole record with the field itself zero. A page goes to the file with its record in one
 * write(2). A record is on file before ledger_add returns; that the kernel has it is enough against our own death,
 * ledger_sync is for the points where the machine may die with us.
 *
 * A record that could not be written breaks the chain for good: the failure sticks and nothing is appended after it.
 */
#include "harness/evidence/evidence_write.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/evidence/append.h"
#include "harness/evidence/crc32c.h"
#include "harness/evidence/sha256.h"

#include <stdlib.h>
#include <string.h>

struct ledger_writer {
    struct append_file file;
    uint16_t chain;
    uint64_t next;
    uint8_t previous[32];
    struct sha256 *sha;
};

static void seal(struct ledger_record *r)
{
    r->crc = 0;
    r->crc = crc32c(r, sizeof(*r));
}

int ledger_create(const char *run_path, int64_t zero_wall_ns, struct err *e)
{
    struct append_file file;
    if (append_open(&file, run_path, "ledger.bin", APPEND_CREATE, e) != 0) {
        return -1;
    }
    struct ledger_record header = {
        .kind = LEDGER_HEADER,
        .chain = LEDGER_CHAIN_NONE,
        .version = LEDGER_VERSION,
        .seq = LEDGER_SIZE,
        .count = (uint64_t)zero_wall_ns,
    };
    memcpy(header.digest, LEDGER_MAGIC, sizeof(LEDGER_MAGIC) - 1);
    seal(&header);
    int status = append_bytes(&file, &header, sizeof(header), e);
    append_close(&file);
    return status;
}

int ledger_open(struct ledger_writer **w, const char *run_path, uint16_t chain, struct err *e)
{
    struct ledger_writer *made = xcalloc(1, sizeof(*made));
    made->chain = chain;
    made->sha = sha256_new();
    if (append_open(&made->file, run_path, "ledger.bin", APPEND_EXISTING, e) != 0) {
        ledger_close(made);
        return -1;
    }
    *w = made;
    return 0;
}

/* The record and what stands behind it, in one piece of len bytes, becomes the next of the chain. */
static int append(struct ledger_writer *w, struct ledger_record *r, size_t len, struct err *e)
{
    r->chain = w->chain;
    r->number = w->next;
    memcpy(r->previous, w->previous, sizeof(r->previous));
    seal(r);
    if (append_bytes(&w->file, r, len, e) != 0) {
        return -1;
    }
    w->next++;
    sha256_of(w->sha, r, sizeof(*r), w->previous);
    return 0;
}

int ledger_add(struct ledger_writer *w, struct ledger_record *r, struct err *e)
{
    return append(w, r, sizeof(*r), e);
}

int ledger_add_page(struct ledger_writer *w, const struct ledger_record *r, const struct ledger_found *at, size_t n,
                    struct err *e)
{
    struct {
        struct ledger_record record;
        struct ledger_found found[LEDGER_PAGE_MAX];
    } page;
    while (n > 0) {
        size_t some = n < LEDGER_PAGE_MAX ? n : LEDGER_PAGE_MAX;
        uint8_t hash[SHA256_BYTES];
        page.record = *r;
        page.record.kind = LEDGER_PAGE;
        page.record.count = some;
        size_t behind = ledger_behind(&page.record);
        memset(page.found, 0, behind);
        memcpy(page.found, at, some * sizeof(*at));
        sha256_of(w->sha, page.found, behind, hash);
        memcpy(page.record.digest, hash, sizeof(page.record.digest));
        if (append(w, &page.record, sizeof(page.record) + behind, e) != 0) {
            return -1;
        }
        at += some;
        n -= some;
    }
    return 0;
}

int ledger_sync(struct ledger_writer *w, struct err *e)
{
    return append_sync(&w->file, e);
}

void ledger_close(struct ledger_writer *w)
{
    if (!w) {
        return;
    }
    append_close(&w->file);
    sha256_free(w->sha);
    free(w);
}
