/* SPDX-License-Identifier: MIT */
/*
 * CRCs are gathered and hashed by the thousand, so that sealing costs four bytes of hashing per record.
 */
#include "harness/evidence/seal.h"

#include "harness/base/arena.h"
#include "harness/base/text.h"
#include "harness/evidence/evidence_read.h"

#include <inttypes.h>

void seal_begin(struct seal *s)
{
    s->sha = sha256_new();
    s->records = s->waiting = 0;
    sha256_begin(s->sha);
}

static void drain(struct seal *s)
{
    sha256_add(s->sha, s->crcs, s->waiting * sizeof(s->crcs[0]));
    s->waiting = 0;
}

void seal_add(struct seal *s, uint32_t crc)
{
    if (s->waiting == sizeof(s->crcs) / sizeof(s->crcs[0])) {
        drain(s);
    }
    s->crcs[s->waiting++] = crc;
    s->records++;
}

void seal_end(struct seal *s, char sha256[65])
{
    uint8_t hash[SHA256_BYTES];
    drain(s);
    sha256_end(s->sha, hash);
    sha256_text(hash, sha256);
    sha256_free(s->sha);
    s->sha = NULL;
}

const json_t *seal_find(const struct evidence *ev, const char *name)
{
    const struct event *last = ev->event_count ? &ev->events[ev->event_count - 1] : NULL;
    if (!last || last->kind != EVENT_END) {
        return NULL;
    }
    return json_object_get(json_object_get(last->data, "seals"), name);
}

const char *seal_broken(struct seal *s, const struct evidence *ev, const char *name, struct arena *a)
{
    char sha256[65];
    seal_end(s, sha256);
    const json_t *wanted = seal_find(ev, name);
    if (!wanted) {
        return NULL;
    }
    json_int_t records = json_integer_value(json_object_get(wanted, "records"));
    if ((json_int_t)s->records != records) {
        return arena_printf(a, "it holds %" PRIu64 " records, the run ended with %" JSON_INTEGER_FORMAT, s->records,
                            records);
    }
    return text_eq(sha256, json_string_value(json_object_get(wanted, "sha256")))
               ? NULL
               : "its records are not those, or not in the order, with which the run ended";
}
