/* SPDX-License-Identifier: MIT */
/*
 * The manifest of a backup copy: what the copy holds, and the hashes by which that can be shown.
 *
 * A copy is two files in one folder, MEDIUM/REGION/: the records, in <chain>.log as they lie in a log (record.h), and
 * manifest.json, which names the chain, how many bytes of it count, and the SHA-256 of every mebibyte of them. The
 * manifest is replaced whole, so a copy is always what some manifest says; bytes behind that are of a backup under way.
 *
 * Used by backup_copy.c (reading), backup_write.c and backup_peer.c (writing). Owns its list of hashes.
 */
#pragma once
#include "harness/base/json.h"
#include "harness/base/vec.h"

#include <stdbool.h>
#include <stdint.h>

#define MANIFEST_FILE "manifest.json"
#define MANIFEST_BLOCK ((size_t)1024 * 1024)
#define MANIFEST_MAX ((size_t)1024 * 1024) /* bytes of the manifest itself */
#define MANIFEST_BYTES_MAX (INT64_C(4) << 30)
#define CHAIN_LEN 16

struct err;

struct manifest {
    char region[64];            /* whose log */
    char chain[CHAIN_LEN + 1];  /* hex; a new one with every leadership */
    int64_t records, bytes;
    int64_t epoch, time_ns;     /* of the last record; 0 without one */
    int64_t taken_ns;           /* wall time */
    vec_of(struct { char hex[SHA256_HEX]; }) blocks; /* the last one may be short */
};

json_t *manifest_json(const struct manifest *m); /* new reference */
int manifest_parse(const json_t *doc, const char *at, struct manifest *out, struct err *e);
int manifest_read(const char *path, struct manifest *out, struct err *e);
int manifest_write(const char *folder, const json_t *doc, struct err *e); /* whole or not at all, on the medium */
void manifest_deinit(struct manifest *m);

bool manifest_chain_fits(const char *at, size_t len);
