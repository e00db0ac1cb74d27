/* SPDX-License-Identifier: MIT */
/*
 * A backup copy seen from the writing side: bytes are added to a chain, and from time to time a manifest makes what is
 * there count.
 *
 * Used by backup.c for the copy on this node's own medium and by backup_peer.c for what other regions send. A chain is
 * open while folder is not empty. Invariant: what manifest.json names is on the medium before manifest.json is.
 */
#pragma once
#include "gateway-under-test/backup_manifest.h"

#include <openssl/types.h>

struct err;

struct chain {
    char folder[512], id[CHAIN_LEN + 1];
    int fd;
    struct manifest manifest; /* as it will be with the next commit */
    EVP_MD_CTX *block;        /* of the bytes behind the last whole block */
    size_t block_len;
};

/* MEDIUM/REGION, made if need be. -1 when it does not fit or cannot be made. */
int chain_folder(const char *medium, const char *region, char *out, size_t size, struct err *e);

/* Begin an empty one of that name. */
int chain_begin(struct chain *c, const char *medium, const char *region, const char *id, struct err *e);
/* Whole records, the last of them with these facts; on the medium when it returns. spoilt: what the medium gets is not
 * what was given. */
struct chain_tail {
    int64_t records, epoch, time_ns;
};
int chain_add(struct chain *c, const char *bytes, size_t len, struct chain_tail tail, bool spoilt, struct err *e);
/* Make all of it count. *doc: the manifest, a new reference. */
int chain_commit(struct chain *c, int64_t taken_ns, json_t **doc, struct err *e);
void chain_close(struct chain *c);

/* Put a manifest in force whose bytes lie in the folder. What it replaces is removed, unless that had more records:
 * then somebody may want it back, and it stays as <chain>.json. */
int chain_put_in_force(const char *folder, const json_t *doc, const struct manifest *m, struct err *e);
