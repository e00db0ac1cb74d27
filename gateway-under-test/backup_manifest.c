/* SPDX-License-Identifier: MIT */
/*
 * Reading believes nothing: every member must be there and in range, the hashes must be as many as the bytes need, and
 * the manifest carries the hash of the rest of itself, so that a damaged one is not taken for a small one.
 */
#include "gateway-under-test/backup_manifest.h"

#include "gateway-under-test/own.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <stdio.h>
#include <string.h>


static const char hex_digits[] = "0123456789abcdef";

bool manifest_chain_fits(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i] == '\0' || strchr(hex_digits, at[i]) == NULL)
            return false;
    }
    return len == CHAIN_LEN;
}

json_t *manifest_json(const struct manifest *m)
{
    json_t *blocks = json_array();
    char own[SHA256_HEX];
    for (size_t i = 0; i < m->blocks.len; i++)
        json_array_append_new(blocks, json_string(m->blocks.at[i].hex));
    json_t *doc = json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "backup", 1, "region", m->region, "chain",
                            m->chain, "records", (json_int_t)m->records, "bytes", (json_int_t)m->bytes, "epoch",
                            (json_int_t)m->epoch, "time_ns", (json_int_t)m->time_ns, "taken_ns",
                            (json_int_t)m->taken_ns, "sha256", blocks);
    json_fingerprint(doc, own);
    json_object_set_new(doc, "manifest_sha256", json_string(own));
    return doc;
}

static bool take_int(const json_t *doc, const char *key, int64_t most, int64_t *out)
{
    const json_t *v = json_object_get(doc, key);
    *out = json_integer_value(v);
    return json_is_integer(v) && *out >= 0 && *out <= most;
}

static bool take_text(const json_t *doc, const char *key, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(doc, key));
    if (s == NULL || *s == '\0' || strlen(s) >= size || strchr(s, '/') != NULL || *s == '.')
        return false;
    memcpy(out, s, strlen(s) + 1);
    return true;
}

static bool proves_itself(const json_t *doc)
{
    char own[SHA256_HEX];
    const char *said = json_string_value(json_object_get(doc, "manifest_sha256"));
    scoped_json json_t *rest = json_copy((json_t *)doc);
    json_object_del(rest, "manifest_sha256");
    json_fingerprint(rest, own);
    return said != NULL && strcmp(said, own) == 0;
}

static bool take_blocks(const json_t *doc, struct manifest *m)
{
    const json_t *list = json_object_get(doc, "sha256");
    size_t wanted = ((size_t)m->bytes + MANIFEST_BLOCK - 1) / MANIFEST_BLOCK;
    if (!json_is_array(list) || json_array_size(list) != wanted)
        return false;
    for (size_t i = 0; i < wanted; i++) {
        const char *hash = json_string_value(json_array_get(list, i));
        if (hash == NULL || strlen(hash) != SHA256_HEX - 1)
            return false;
        memcpy(vec_push(&m->blocks)->hex, hash, SHA256_HEX);
    }
    return true;
}

int manifest_parse(const json_t *doc, const char *at, struct manifest *out, struct err *e)
{
    struct manifest *m = out;
    int64_t version = 0;
    *m = (struct manifest){0};
    if (!take_int(doc, "backup", 1, &version) || version != 1)
        return err_set(e, ERR_MEANING, at, "not a manifest of a backup, version 1");
    if (!proves_itself(doc))
        return err_set(e, ERR_READING, at, "the manifest is damaged: its own hash does not fit");
    bool fine =
        take_text(doc, "region", m->region, sizeof(m->region)) && take_text(doc, "chain", m->chain, sizeof(m->chain)) &&
        manifest_chain_fits(m->chain, strlen(m->chain)) && take_int(doc, "bytes", MANIFEST_BYTES_MAX, &m->bytes) &&
        take_int(doc, "records", m->bytes, &m->records) && take_int(doc, "epoch", EPOCH_MAX, &m->epoch) &&
        take_int(doc, "time_ns", INT64_MAX, &m->time_ns) && take_int(doc, "taken_ns", INT64_MAX, &m->taken_ns) &&
        take_blocks(doc, m);
    if (fine)
        return 0;
    manifest_deinit(m);
    return err_set(e, ERR_MEANING, at, "the manifest lacks a member, or one is out of range");
}

int manifest_read(const char *path, struct manifest *out, struct err *e)
{
    scoped_text struct text bytes = {0};
    *out = (struct manifest){0};
    if (text_read_file(&bytes, path, MANIFEST_MAX, e) < 0)
        return -1;
    scoped_json json_t *doc = json_read(text_str(&bytes), bytes.len, path, e);
    return doc == NULL ? -1 : manifest_parse(doc, path, out, e);
}

int manifest_write(const char *folder, const json_t *doc, struct err *e)
{
    scoped_text struct text path = {0};
    scoped_free char *bytes = json_canonical(doc);
    text_addf(&path, "%s/" MANIFEST_FILE, folder);
    return file_replace(text_str(&path), bytes, strlen(bytes), e);
}

void manifest_deinit(struct manifest *m)
{
    vec_deinit(&m->blocks);
}
