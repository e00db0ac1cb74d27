/* SPDX-License-Identifier: MIT */
/*
 * One pass. For each chain we keep how many records it has, the hash of its last one and how far its writes have
 * counted; the table of the 65,536 possible ones is made page by page, as chains turn up. A record is sound when its
 * CRC holds, its kind is known, it is the next of its chain by number and by hash, and what stands behind it has the
 * hash it says. An intent must follow the one before by exactly one, a result must belong to an intent already on
 * record.
 *
 * The first record that fails ends the pass: what stands behind it cannot be trusted to be in place. Records missing at
 * the very end of the file leave no trace here; the seal guards against that.
 */
#include "harness/evidence/ledger_check.h"

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/vec.h"
#include "harness/evidence/crc32c.h"
#include "harness/evidence/sha256.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 256, PER_PAGE = 256 };

struct chain {
    uint64_t next; /* number its next record must have */
    uint8_t hash[SHA256_BYTES];
    struct ledger_record last;
    bool begun, has_intent;
    uint64_t intent; /* seq of the newest intent */
};

struct ledger_check {
    struct sha256 *sha;
    struct chain *pages[PAGES];
};

struct ledger_check *ledger_check_new(void)
{
    struct ledger_check *c = xcalloc(1, sizeof(*c));
    c->sha = sha256_new();
    return c;
}

void ledger_check_free(struct ledger_check *c)
{
    if (!c) {
        return;
    }
    for (size_t i = 0; i < PAGES; i++) {
        free(c->pages[i]);
    }
    sha256_free(c->sha);
    free(c);
}

static struct chain *chain_of(struct ledger_check *c, uint16_t number)
{
    struct chain **page = &c->pages[number / PER_PAGE];
    if (!*page) {
        *page = xcalloc(PER_PAGE, sizeof(**page));
    }
    return &(*page)[number % PER_PAGE];
}

static bool crc_holds(const struct ledger_record *r)
{
    struct ledger_record copy = *r;
    copy.crc = 0;
    return crc32c(&copy, sizeof(copy)) == r->crc;
}

int ledger_check_header(const struct ledger_record *header)
{
    bool ours = header->kind == LEDGER_HEADER &&
                memcmp(header->digest, LEDGER_MAGIC, sizeof(LEDGER_MAGIC) - 1) == 0 &&
                header->version == LEDGER_VERSION && header->seq == LEDGER_SIZE;
    return ours && crc_holds(header) ? 0 : -1;
}

/* What is wrong with the place of this record in its chain, NULL when nothing is. */
static const char *misplaced(const struct chain *c, const struct ledger_record *r)
{
    if (r->kind < LEDGER_INTENT || r->kind >= LEDGER_KINDS) {
        return "its kind is unknown";
    }
    if (r->number != c->next) {
        return r->number < c->next ? "it repeats a number of its chain" : "records of its chain are missing before it";
    }
    if (memcmp(r->previous, c->hash, sizeof(c->hash)) != 0) {
        return "it does not follow from the record before it";
    }
    if (r->kind == LEDGER_INTENT && c->has_intent && r->seq != c->intent + 1) {
        return "writes are missing before it";
    }
    if (r->kind == LEDGER_RESULT && (!c->has_intent || r->seq > c->intent)) {
        return "it is the result of a write that was never intended";
    }
    return NULL;
}

/* What is wrong with the page behind this record. */
static const char *bad_page(struct ledger_check *c, const struct ledger_record *r, const struct ledger_found *found)
{
    if (r->kind != LEDGER_PAGE) {
        return NULL;
    }
    if (r->count == 0 || r->count > LEDGER_PAGE_MAX || !found) {
        return "its page has no possible size";
    }
    uint8_t hash[SHA256_BYTES];
    sha256_of(c->sha, found, ledger_behind(r), hash);
    return memcmp(hash, r->digest, sizeof(r->digest)) == 0 ? NULL : "what it found is not as it was written";
}

const char *ledger_check_next(struct ledger_check *c, const struct ledger_record *r, const struct ledger_found *found)
{
    if (!crc_holds(r)) {
        return "its CRC does not hold";
    }
    struct chain *chain = chain_of(c, r->chain);
    const char *wrong = misplaced(chain, r);
    wrong = wrong ? wrong : bad_page(c, r, found);
    if (wrong) {
        return wrong;
    }
    chain->next = r->number + 1;
    chain->last = *r;
    chain->begun = true;
    sha256_of(c->sha, r, sizeof(*r), chain->hash);
    if (r->kind == LEDGER_INTENT) {
        chain->has_intent = true;
        chain->intent = r->seq;
    }
    return NULL;
}

void ledger_check_fingerprint(const struct ledger_check *c, char out[65])
{
    struct {
        struct ledger_record *at;
        size_t len, cap;
    } lasts = {0};
    for (size_t i = 0; i < (size_t)PAGES * PER_PAGE; i++) {
        const struct chain *page = c->pages[i / PER_PAGE];
        if (page && page[i % PER_PAGE].begun) {
            *vec_push(&lasts) = page[i % PER_PAGE].last;
        }
    }
    sha256_hex(lasts.at ? (const void *)lasts.at : "", lasts.len * sizeof(lasts.at[0]), out);
    vec_deinit(&lasts);
}
