/* SPDX-License-Identifier: MIT */
/*
 * One entry of the replicated log, and its form on disk and on the wire:
 *
 *     u32 length of what follows the CRC · u32 CRC-32C of it · u8 type · u64 epoch · u64 lsn · u64 origin time (ns,
 *     UTC) · key, op, idempotency key, value, each u8 length and bytes
 *
 * in network byte order. Texts are of [A-Za-z0-9._:/-], so they need no escaping anywhere. Invariant of a log: lsn
 * counts from 1 without a hole, epoch never falls; two logs that agree on (lsn, epoch) of an entry agree on all before
 * it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_KEY 24
#define RECORD_OP 32
#define RECORD_VALUE 64
#define RECORD_IDEM 128
#define RECORD_HEAD 8
#define RECORD_MAX (RECORD_HEAD + 25 + 4 + RECORD_KEY + RECORD_OP + RECORD_VALUE + RECORD_IDEM)

enum record_type { RECORD_ORDER = 1, RECORD_REVOCATION };

struct record {
    int64_t lsn, epoch, time_ns;
    bool revocation; /* key is the subject that is not believed any more; else an order */
    int64_t version; /* of its key; counted by the index, not stored */
    int64_t mono_ns; /* when it was appended here; not stored */
    char key[RECORD_KEY], op[RECORD_OP], value[RECORD_VALUE], idem[RECORD_IDEM];
};

enum record_read { RECORD_OK, RECORD_SHORT, RECORD_BAD };

struct text;
void record_write(const struct record *r, struct text *out);
enum record_read record_read(const char *bytes, size_t len, struct record *r, size_t *used);

/* Copy a text into a field of a record when it fits and has allowed characters only. */
bool record_text(char *to, size_t size, const char *from, size_t len);
