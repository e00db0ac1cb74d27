/* SPDX-License-Identifier: MIT */
/*
 * The CRC of a record of samples.bin, and whether bytes are one. For writers and readers of this room.
 */
#pragma once
#include "harness/evidence/crc32c.h"
#include "harness/evidence/sample.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The header has its CRC in the same place. */
static inline uint32_t sample_crc(const void *record)
{
    return crc32c(record, offsetof(struct sample, crc));
}

static inline bool sample_header_is_ours(const void *bytes)
{
    struct sample_header h;
    memcpy(&h, bytes, sizeof(h));
    return memcmp(h.magic, SAMPLE_MAGIC, sizeof(h.magic)) == 0 && h.record_size == SAMPLE_SIZE &&
           h.version == SAMPLE_VERSION && h.crc == sample_crc(bytes);
}

static inline bool sample_is_sound(const struct sample *s)
{
    return s->crc == sample_crc(s) && s->kind >= SAMPLE_REQUEST && s->kind <= SAMPLE_PATROL && s->outcome < OUTCOMES &&
           s->write <= WRITE_UNKNOWN;
}
_Static_assert(offsetof(struct sample, crc) == offsetof(struct sample_header, crc), "one place for the CRC");
