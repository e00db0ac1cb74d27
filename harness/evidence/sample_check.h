/* SPDX-License-Identifier: MIT */
/*
 * Can these bytes be a record of samples.bin? For the two readers of this room.
 */
#pragma once
#include "harness/evidence/sample.h"
#include <stdbool.h>
#include <string.h>

static inline bool sample_header_is_ours(const void *bytes)
{
    struct sample_header h;
    memcpy(&h, bytes, sizeof(h));
    return memcmp(h.magic, SAMPLE_MAGIC, sizeof(h.magic)) == 0 && h.record_size == SAMPLE_SIZE &&
           h.version == SAMPLE_VERSION;
}

static inline bool sample_is_sound(const struct sample *s)
{
    return s->kind >= SAMPLE_REQUEST && s->kind <= SAMPLE_SWITCH && s->outcome < OUTCOMES && s->write <= WRITE_UNKNOWN;
}
