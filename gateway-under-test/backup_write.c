/* SPDX-License-Identifier: MIT */
/*
 * Bytes go to the end of MEDIUM/REGION/<chain>.log and are forced to the medium at once: the caller waits for a slice
 * at a time, never for all that a round has written. A commit replaces the manifest; a crash in between leaves bytes
 * that nobody names. The hash of the last, unfinished block is taken from a copy of its
 * running state, so that a backup costs as much as it adds, however much there is.
 */
#include "gateway-under-test/backup_write.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int chain_folder(const char *medium, const char *region, char *out, size_t size, struct err *e)
{
    int n = snprintf(out, size, "%s/%s", medium, region);
    if (n < 0 || (size_t)n >= size)
        return err_set(e, ERR_MACHINE, medium, "the path of the backups is too long");
    return folder_make(out, e);
}

static void file_in(struct text *path, const char *folder, const char *name, const char *suffix)
{
    text_clear(path);
    text_addf(path, "%s/%s%s", folder, name, suffix);
}

/* ---- hashes ---- */

static void block_begin(struct chain *c)
{
    if (c->block == NULL)
        c->block = EVP_MD_CTX_new();
    if (c->block == NULL || EVP_DigestInit_ex(c->block, EVP_sha256(), NULL) != 1)
        abort(); /* out of memory, or a library without SHA-256 */
    c->block_len = 0;
}

/* As if the block ended here; it may go on. */
static void block_hash(const struct chain *c, char out[SHA256_HEX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *so_far = EVP_MD_CTX_new();
    if (so_far == NULL || EVP_MD_CTX_copy_ex(so_far, c->block) != 1 || EVP_DigestFinal_ex(so_far, hash, NULL) != 1)
        abort();
    EVP_MD_CTX_free(so_far);
    for (size_t i = 0; i < (SHA256_HEX - 1) / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static void take_hashes(struct chain *c, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t room = MANIFEST_BLOCK - c->block_len, n = len < room ? len : room;
        if (c->block_len == 0)
            vec_push(&c->manifest.blocks);
        if (EVP_DigestUpdate(c->block, bytes, n) != 1)
            abort();
        c->block_len += n;
        bytes += n;
        len -= n;
        if (c->block_len == MANIFEST_BLOCK) {
            block_hash(c, c->manifest.blocks.at[c->manifest.blocks.len - 1].hex);
            block_begin(c);
        }
    }
}

/* ---- chains ---- */

int chain_begin(struct chain *c, const char *medium, const char *region, const char *id, struct err *e)
{
    scoped_text struct text path = {0};
    *c = (struct chain){.fd = -1};
    if (chain_folder(medium, region, c->folder, sizeof(c->folder), e) < 0) {
        c->folder[0] = '\0';
        return -1;
    }
    (void)snprintf(c->id, sizeof(c->id), "%s", id);
    (void)snprintf(c->manifest.region, sizeof(c->manifest.region), "%s", region);
    (void)snprintf(c->manifest.chain, sizeof(c->manifest.chain), "%s", id);
    file_in(&path, c->folder, id, ".log");
    c->fd = open(text_str(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (c->fd < 0) {
        c->folder[0] = '\0';
        return err_os(e, ERR_OUTPUT, errno, text_str(&path), "cannot begin a backup");
    }
    block_begin(c);
    return 0;
}

/* One bit of what the medium gets is another one, in the middle of the first record. */
static void spoil(char *bytes, size_t len)
{
    bytes[len < 40 ? len / 2 : 20] ^= 1;
}

int chain_add(struct chain *c, const char *bytes, size_t len, struct chain_tail tail, bool spoilt, struct err *e)
{
    scoped_text struct text on_medium = {0};
    text_add_bytes(&on_medium, bytes, len);
    if (spoilt && len > 0)
        spoil(on_medium.at, len);
    if (c->manifest.bytes + (int64_t)len > MANIFEST_BYTES_MAX)
        return err_set(e, ERR_OUTPUT, c->folder, "a backup of more than 4 GiB");
    int os = file_write_at(c->fd, on_medium.at, len, c->manifest.bytes);
    if (os != 0)
        return err_os(e, ERR_OUTPUT, os, c->folder, "cannot write the backup");
    if (fdatasync(c->fd) < 0)
        return err_os(e, ERR_OUTPUT, errno, c->folder, "cannot force the backup to the medium");
    take_hashes(c, bytes, len);
    c->manifest.bytes += (int64_t)len;
    c->manifest.records = tail.records;
    c->manifest.epoch = tail.epoch;
    c->manifest.time_ns = tail.time_ns;
    return 0;
}

int chain_commit(struct chain *c, int64_t taken_ns, json_t **doc, struct err *e)
{
    struct manifest *m = &c->manifest;
    m->taken_ns = taken_ns;
    if (c->block_len > 0)
        block_hash(c, m->blocks.at[m->blocks.len - 1].hex);
    *doc = manifest_json(m);
    return chain_put_in_force(c->folder, *doc, m, e);
}

void chain_close(struct chain *c)
{
    if (c->folder[0] == '\0')
        return;
    fd_close(&c->fd);
    EVP_MD_CTX_free(c->block);
    manifest_deinit(&c->manifest);
    *c = (struct chain){.fd = -1};
}

/* ---- what is in force ---- */

/* Chains that no manifest names are left over. */
static void sweep(const char *folder, const char *chain)
{
    scoped_text struct text path = {0};
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char id[CHAIN_LEN + 1];
        if (!manifest_chain_fits(entry->d_name, strnlen(entry->d_name, CHAIN_LEN)) ||
            strcmp(entry->d_name + CHAIN_LEN, ".log") != 0)
            continue;
        memcpy(id, entry->d_name, CHAIN_LEN);
        id[CHAIN_LEN] = '\0';
        file_in(&path, folder, id, ".json");
        if (strcmp(id, chain) == 0 || access(text_str(&path), F_OK) == 0)
            continue;
        file_in(&path, folder, id, ".log");
        (void)unlink(text_str(&path));
    }
    (void)closedir(dir);
}

static bool copy_file(const char *from, const char *to)
{
    scoped_text struct text bytes = {0};
    return text_read_file(&bytes, from, MANIFEST_MAX, NULL) == 0 &&
           file_replace(to, text_str(&bytes), bytes.len, NULL) == 0;
}

/* At every instant there is a manifest in force, the old one or the new one. */
int chain_put_in_force(const char *folder, const json_t *doc, const struct manifest *m, struct err *e)
{
    scoped_text struct text now = {0}, aside = {0};
    struct manifest old;
    file_in(&now, folder, MANIFEST_FILE, "");
    bool another = manifest_read(text_str(&now), &old, NULL) == 0 && strcmp(old.chain, m->chain) != 0;
    if (another && old.records > m->records) {
        file_in(&aside, folder, old.chain, ".json");
        another = copy_file(text_str(&now), text_str(&aside));
    }
    manifest_deinit(&old);
    if (manifest_write(folder, doc, e) < 0) {
        if (aside.len > 0)
            (void)unlink(text_str(&aside));
        return -1;
    }
    if (another)
        sweep(folder, m->chain);
    return 0;
}
