/* SPDX-License-Identifier: MIT */
/*
 * A ledger's chains are followed as the reader does: a record gets the next number of its chain and the hash of the
 * one before. Bytes are copied out and back, for a test's buffer may lie anywhere.
 */
#include "tests/reseal/reseal.h"

#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/evidence/crc32c.h"
#include "harness/evidence/ledger.h"
#include "harness/evidence/sample_check.h"
#include "harness/evidence/sha256.h"

#include <inttypes.h>
#include <string.h>

static void reseal_line(struct text *out, const char *at, size_t len)
{
    scoped_json json_t *line = json_loadb(at, len, JSON_REJECT_DUPLICATES, NULL);
    static const char shape[] = ",\"crc\":\"00000000\"}";
    size_t tail = sizeof(shape) - 1;
    if (!json_is_object(line) || at[len - 1] != '}') {
        text_add_bytes(out, at, len);
        text_add(out, "\n");
        return;
    }
    size_t body = json_object_get(line, "crc") && len > tail ? len - tail : len - 1;
    text_add_bytes(out, at, body);
    text_addf(out, ",\"crc\":\"%08" PRIx32 "\"}\n", crc32c(at, body));
}

void reseal_timeline(struct text *out, const char *text, size_t len)
{
    const char *end = text + len;
    for (const char *brk; text < end && (brk = memchr(text, '\n', (size_t)(end - text))); text = brk + 1) {
        reseal_line(out, text, (size_t)(brk - text));
    }
    text_add_bytes(out, text, (size_t)(end - text));
}

void reseal_samples(void *bytes, size_t len)
{
    for (char *at = bytes; len >= SAMPLE_SIZE; at += SAMPLE_SIZE, len -= SAMPLE_SIZE) {
        struct sample s;
        memcpy(&s, at, sizeof(s));
        s.crc = sample_crc(&s);
        memcpy(at, &s, sizeof(s));
    }
}

struct chain {
    uint64_t number;
    uint8_t hash[SHA256_BYTES];
};

static void seal(struct ledger_record *r, struct chain *c, struct sha256 *sha, const char *behind)
{
    uint8_t hash[SHA256_BYTES];
    if (r->kind == LEDGER_PAGE) {
        sha256_of(sha, behind, ledger_behind(r), hash);
        memcpy(r->digest, hash, sizeof(r->digest));
    }
    if (r->kind != LEDGER_HEADER) {
        r->number = c->number++;
        memcpy(r->previous, c->hash, sizeof(r->previous));
    }
    r->crc = 0;
    r->crc = crc32c(r, sizeof(*r));
    if (r->kind != LEDGER_HEADER) {
        sha256_of(sha, r, sizeof(*r), c->hash);
    }
}

void reseal_ledger(void *bytes, size_t len)
{
    scoped_free struct chain *chains = xcalloc((size_t)UINT16_MAX + 1, sizeof(*chains));
    struct sha256 *sha = sha256_new();
    for (char *at = bytes; len >= LEDGER_SIZE;) {
        struct ledger_record r;
        memcpy(&r, at, sizeof(r));
        size_t size = LEDGER_SIZE + ledger_behind(&r);
        if (size > len) {
            break;
        }
        seal(&r, &chains[r.chain], sha, at + LEDGER_SIZE);
        memcpy(at, &r, sizeof(r));
        at += size;
        len -= size;
    }
    sha256_free(sha);
}
