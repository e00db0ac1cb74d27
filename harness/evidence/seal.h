/* SPDX-License-Identifier: MIT */
/*
 * The seal of a file of records: how many there are, and the SHA-256 over the CRC-32C of each, in the order of the
 * file.
 *
 * Each record vouches for itself by its CRC; the seal vouches for all of them being there, once, in their order. The
 * conductor puts the seals of all such files into the last line of the timeline:
 *
 *     "seals": {"ledger.bin": {"records": 4211, "sha256": ".."}, "samples.bin": {..}}
 *
 * The header of a file is counted, what stands behind a ledger page is not (its record vouches for that). A file that a
 * seal names and that is not there is damage; one that no seal names is taken as it is (evidence made by hand).
 */
#pragma once
#include "harness/evidence/sha256.h"
#include <jansson.h>
#include <stdbool.h>

struct arena;
struct err;
struct evidence;

struct seal {
    struct sha256 *sha;
    uint64_t records;
    size_t waiting;
    uint32_t crcs[1024];
};

void seal_begin(struct seal *s);
void seal_add(struct seal *s, uint32_t crc);
void seal_end(struct seal *s, char sha256[65]); /* also frees what the seal holds */

/* The seal that the timeline has for this file: NULL, borrowed. */
const json_t *seal_find(const struct evidence *ev, const char *name);
/* Why the file is not the one that was sealed; NULL: it is, or there is no seal. In the arena. Ends the seal. */
const char *seal_broken(struct seal *s, const struct evidence *ev, const char *name, struct arena *a);
