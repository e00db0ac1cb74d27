/* SPDX-License-Identifier: MIT */
/*
 * One pass. For each chain (65,536 are possible, hence a table by number) we keep how many records it has, the hash
 * of its last one and how far its writes have counted. A record is sound when its CRC holds, its kind is known, and
 * it is the next of its chain by number and by hash. An intent must follow the one before by exactly one, a result
 * must belong to an intent already on record.
 *
 * The first record that fails ends the pass: what stands behind it cannot be trusted to be in place. Records missing at
 * the very end of the file leave no trace here; the manifest guards against that.
 */
#include "harness/evidence/ledger_check.h"

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/vec.h"
#include "harness/evidence/crc32c.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>

#define CHAINS ((size_t)UINT16_MAX + 1)

struct chain {
    uint64_t next;    /* number its next record must have */
    uint8_t hash[32]; /* SHA-256 of its last record */
    const struct ledger_record *last;
    bool has_intent;
    uint64_t intent; /* seq of the newest intent */
};

static bool crc_holds(const struct ledger_record *r)
{
    struct ledger_record copy = *r;
    copy.crc = 0;
    return crc32c(&copy, sizeof(copy)) == r->crc;
}

int ledger_check_header(const struct ledger_record *header)
{
    bool ours = header->kind == LEDGER_HEADER &&
                memcmp(header->reserved2, LEDGER_MAGIC, sizeof(LEDGER_MAGIC) - 1) == 0 &&
                header->version == LEDGER_VERSION && header->seq == LEDGER_SIZE;
    return ours && crc_holds(header) ? 0 : -1;
}

/* What is wrong with the place of this record in its chain, NULL when nothing is. */
static const char *misplaced(const struct chain *c, const struct ledger_record *r)
{
    if (r->kind < LEDGER_INTENT || r->kind > LEDGER_FOREIGN) {
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

static void follow(struct chain *c, const struct ledger_record *r)
{
    c->next = r->number + 1;
    c->last = r;
    SHA256((const unsigned char *)r, sizeof(*r), c->hash);
    if (r->kind == LEDGER_INTENT) {
        c->has_intent = true;
        c->intent = r->seq;
    }
}

static void fingerprint(const struct chain *chains, char out[65])
{
    struct {
        struct ledger_record *at;
        size_t len, cap;
    } lasts = {0};
    for (size_t i = 0; i < CHAINS; i++) {
        if (chains[i].last) {
            *vec_push(&lasts) = *chains[i].last;
        }
    }
    sha256_hex(lasts.at ? (const void *)lasts.at : "", lasts.len * sizeof(lasts.at[0]), out);
    vec_deinit(&lasts);
}

void ledger_check(const struct ledger_record *records, size_t count, size_t torn, struct arena *a,
                  struct ledger_judgement *out)
{
    *out = (struct ledger_judgement){0};
    scoped_free struct chain *chains = xcalloc(CHAINS, sizeof(*chains));
    for (; out->sound < count && !out->damage; out->sound++) {
        const struct ledger_record *r = &records[out->sound];
        const char *wrong = crc_holds(r) ? misplaced(&chains[r->chain], r) : "its CRC does not hold";
        if (wrong) {
            out->damage = arena_printf(a, "record %zu (chain %u, number %" PRIu64 "): %s", out->sound + 1,
                                       (unsigned)r->chain, r->number, wrong);
            break;
        }
        follow(&chains[r->chain], r);
    }
    if (!out->damage && torn > 0) {
        out->damage = arena_printf(a, "the file ends within record %zu", count + 1);
    }
    fingerprint(chains, out->chain_sha256);
}
