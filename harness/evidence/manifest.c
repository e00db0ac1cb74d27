/* SPDX-License-Identifier: MIT */
/*
 * The manifest of a run directory: which files it holds, and the SHA-256 of each.
 *
 * It lists regular files only; links and sockets are no evidence. Names are written as sha256sum(1) does: a line whose
 * name holds a backslash or line break starts with a backslash and has them escaped. Lines are sorted by name.
 *
 * To check one, the manifest is made again in memory and both are walked side by side: a name in one of them only is a
 * file that is missing or was added, a name in both with two digests a file that was changed. Whether the manifest
 * itself is the one of the run, only somebody who kept its digest elsewhere can tell.
 */
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#define MANIFEST "manifest.sha256"
#define MANIFEST_MAX (4 << 20) /* bytes; a hundred nodes' logs take a tenth of a percent of it */
#define DIGEST_DIGITS 64

struct names {
    char **at;
    size_t len, cap;
};

static void names_deinit(struct names *n)
{
    for (size_t i = 0; i < n->len; i++) {
        free(n->at[i]);
    }
    vec_deinit(n);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void close_walk(FTS **walk)
{
    if (*walk) {
        fts_close(*walk);
    }
}

/* Every regular file beneath, as a path relative to the run directory, sorted bytewise. */
static int list_files(const char *path, struct names *names, struct err *e)
{
    char *roots[] = {(char *)(uintptr_t)path, NULL}; /* fts_open(3) never writes to them */
    __attribute__((cleanup(close_walk))) FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk) {
        return err_os(e, ERR_OUTPUT, errno, path, "cannot list the run directory");
    }
    size_t prefix = strlen(path);
    for (;;) {
        errno = 0;
        const FTSENT *entry = fts_read(walk);
        if (!entry) {
            break;
        }
        if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS) {
            return err_os(e, ERR_OUTPUT, entry->fts_errno, entry->fts_path, "cannot list the run directory");
        }
        if (entry->fts_info == FTS_F && S_ISREG(entry->fts_statp->st_mode)) {
            const char *relative = entry->fts_path + prefix;
            relative += strspn(relative, "/"); /* none where the path itself ends in one */
            if (!text_eq(relative, MANIFEST)) {
                *vec_push(names) = xstrdup(relative);
            }
        }
    }
    if (errno != 0) {
        return err_os(e, ERR_OUTPUT, errno, path, "cannot list the run directory");
    }
    if (names->len > 0) {
        qsort(names->at, names->len, sizeof(names->at[0]), by_bytes);
    }
    return 0;
}

static void add_line(struct text *manifest, const char *sha256, const char *name)
{
    bool escape = strpbrk(name, "\\\n\r") != NULL;
    text_addf(manifest, "%s%s  ", escape ? "\\" : "", sha256);
    for (; *name; name++) {
        if (*name == '\n') {
            text_add(manifest, "\\n");
        } else if (*name == '\r') {
            text_add(manifest, "\\r");
        } else {
            text_add_bytes(manifest, "\\\\", *name == '\\' ? 1 : 0);
            text_add_bytes(manifest, name, 1);
        }
    }
    text_add(manifest, "\n");
}

static int make_manifest(const char *path, struct text *manifest, struct err *e)
{
    __attribute__((cleanup(names_deinit))) struct names names = {0};
    if (list_files(path, &names, e) != 0) {
        return -1;
    }
    scoped_text struct text file = {0};
    for (size_t i = 0; i < names.len; i++) {
        char sha256[SHA256_HEX];
        text_clear(&file);
        text_addf(&file, "%s/%s", path, names.at[i]);
        if (sha256_file(text_str(&file), sha256, e) != 0) {
            return -1;
        }
        add_line(manifest, sha256, names.at[i]);
    }
    return 0;
}

int rundir_manifest(const char *path, struct err *e)
{
    scoped_text struct text manifest = {0}, file = {0};
    text_addf(&file, "%s/" MANIFEST, path);
    return make_manifest(path, &manifest, e) < 0 ? -1
                                                 : file_replace(text_str(&file), text_str(&manifest), manifest.len, e);
}

struct manifest_line {
    const char *digest, *name; /* NULL: no further line */
};

/* The next line of a manifest, which is cut up on the way. False: it is none. */
static bool next_line(char **rest, struct manifest_line *line)
{
    char *text = strsep(rest, "\n");
    *line = (struct manifest_line){0};
    if (!text || !*text) {
        return !text || !*rest;
    }
    char *digest = text + (*text == '\\');
    if (strspn(digest, "0123456789abcdef") != DIGEST_DIGITS || strncmp(digest + DIGEST_DIGITS, "  ", 2) != 0) {
        return false;
    }
    digest[DIGEST_DIGITS] = '\0';
    *line = (struct manifest_line){digest, digest + DIGEST_DIGITS + 2};
    return true;
}

static int compare(char *kept, char *fresh, struct text *findings, size_t *files)
{
    struct manifest_line a, b;
    bool whole = next_line(&kept, &a);
    next_line(&fresh, &b);
    for (*files = 0; whole && (a.name || b.name);) {
        int order = !a.name ? 1 : !b.name ? -1 : strcmp(a.name, b.name);
        if (order != 0 || !text_eq(a.digest, b.digest)) {
            const char *what = order < 0 ? "missing" : order > 0 ? "added" : "changed";
            text_addf(findings, "%s %s\n", what, order > 0 ? b.name : a.name);
        }
        *files += order <= 0;
        whole = order > 0 || next_line(&kept, &a);
        if (order >= 0) {
            next_line(&fresh, &b);
        }
    }
    return whole ? 0 : -1;
}

int rundir_check(const char *path, struct text *findings, size_t *files, struct err *e)
{
    scoped_text struct text file = {0}, kept = {0}, fresh = {0};
    text_addf(&file, "%s/" MANIFEST, path);
    text_add(&kept, "");
    text_add(&fresh, "");
    if (text_read_file(&kept, text_str(&file), MANIFEST_MAX, e) < 0 || make_manifest(path, &fresh, e) < 0) {
        return -1;
    }
    if (strlen(kept.at) != kept.len || compare(kept.at, fresh.at, findings, files) < 0) {
        return err_set(e, ERR_READING, text_str(&file), "a line is no digest with a name");
    }
    return 0;
}
