/* SPDX-License-Identifier: MIT */
/*
 * Run directories: made under a name that no other run has, sealed at the end by a manifest.
 *
 * mkdir(2) itself decides whether the name is free, so two runs started in the same second never share a directory; the
 * second gets "-2". `latest` is a relative symbolic link, made under a temporary name and renamed over the old one: it
 * always leads somewhere. A real file or directory of that name is left alone and reported.
 *
 * The manifest lists regular files only; links and sockets are no evidence. Names are written as sha256sum(1) does:
 * a line whose name holds a backslash or line break starts with a backslash and has them escaped.
 */
#include "harness/evidence/evidence_write.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST "manifest.sha256"
#define MAX_COLLISIONS 1000

static int set_latest(const char *output, const char *name, struct err *e)
{
    scoped_text struct text link = {0}, fresh = {0};
    text_addf(&link, "%s/latest", output);
    text_addf(&fresh, "%s/.latest-%d", output, (int)getpid());
    unlink(text_str(&fresh)); /* left by a killed run that had our pid */
    if (symlink(name, text_str(&fresh)) != 0 || rename(text_str(&fresh), text_str(&link)) != 0) {
        int os = errno;
        unlink(text_str(&fresh));
        return err_os(e, ERR_OUTPUT, os, text_str(&link), "cannot set the link to the newest run");
    }
    return 0;
}

int rundir_create(const char *output, const char *scenario, int64_t wall_ns, char **path, struct err *e)
{
    if (!text_is_name(scenario)) {
        return err_set(e, ERR_DEFECT, output, "'%.60s' is not the name of a scenario", scenario);
    }
    if (folder_make(output, e) != 0) {
        return -1;
    }
    char utc[32];
    clock_compact(wall_ns, utc);
    for (int n = 1; n <= MAX_COLLISIONS; n++) {
        scoped_text struct text name = {0}, run = {0}, nodes = {0};
        text_addf(&name, "%s-%s", scenario, utc);
        if (n > 1) {
            text_addf(&name, "-%d", n);
        }
        text_addf(&run, "%s/%s", output, text_str(&name));
        if (mkdir(text_str(&run), 0755) != 0) {
            if (errno == EEXIST) {
                continue;
            }
            return err_os(e, ERR_OUTPUT, errno, text_str(&run), "cannot make the run directory");
        }
        text_addf(&nodes, "%s/nodes", text_str(&run));
        if (mkdir(text_str(&nodes), 0755) != 0) {
            return err_os(e, ERR_OUTPUT, errno, text_str(&nodes), "cannot make the folder for the nodes' logs");
        }
        if (set_latest(output, text_str(&name), e) != 0) {
            return -1;
        }
        *path = text_steal(&run);
        return 0;
    }
    return err_set(e, ERR_OUTPUT, output, "%d runs of %s began in this second", MAX_COLLISIONS, scenario);
}

/* The manifest. */

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
    size_t prefix = strlen(path) + 1;
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

int rundir_manifest(const char *path, struct err *e)
{
    __attribute__((cleanup(names_deinit))) struct names names = {0};
    if (list_files(path, &names, e) != 0) {
        return -1;
    }
    scoped_text struct text manifest = {0}, file = {0};
    for (size_t i = 0; i < names.len; i++) {
        char sha256[SHA256_HEX];
        text_clear(&file);
        text_addf(&file, "%s/%s", path, names.at[i]);
        if (sha256_file(text_str(&file), sha256, e) != 0) {
            return -1;
        }
        add_line(&manifest, sha256, names.at[i]);
    }
    text_clear(&file);
    text_addf(&file, "%s/" MANIFEST, path);
    return file_replace(text_str(&file), text_str(&manifest), manifest.len, e);
}
