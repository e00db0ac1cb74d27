/* SPDX-License-Identifier: MIT */
/*
 * A copy is mapped, not read: it may be large, and is gone through twice. The hashes are compared block by block, the
 * records one by one; the first that is not right ends what is sound, whatever stands behind it, since a log has no
 * holes.
 *
 * A restore writes by the store's own log (store_log.c) and then opens it as a starting store does: what that gives is
 * compared with what was written. It never touches a folder whose log has records, and holds the store's lock
 * meanwhile.
 */
#include "gateway-under-test/backup_copy.h"

#include "gateway-under-test/record.h"
#include "gateway-under-test/store_log.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH_BYTES ((size_t)256 * 1024)

struct mapping {
    const char *at;
    size_t len; /* of the bytes that the manifest counts and the file has */
};

static void unmap(struct mapping *m)
{
    if (m->len > 0)
        munmap((void *)(uintptr_t)m->at, m->len);
}

static int map(const struct copy *c, struct mapping *out, struct err *e)
{
    struct stat st;
    *out = (struct mapping){0};
    scoped_fd int fd = open(c->log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_os(e, ERR_READING, fd < 0 ? errno : EINVAL, c->log_path, "cannot read the records");
    size_t len = (size_t)(st.st_size < c->manifest.bytes ? st.st_size : c->manifest.bytes);
    if (len == 0)
        return 0;
    void *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return err_os(e, ERR_READING, errno, c->log_path, "cannot map the records");
    *out = (struct mapping){at, len};
    return 0;
}

static void found_wrong(struct copy *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void found_wrong(struct copy *c, const char *fmt, ...)
{
    va_list ap;
    if (!c->whole)
        return; /* the first finding counts */
    c->whole = false;
    va_start(ap, fmt);
    (void)vsnprintf(c->why, sizeof(c->why), fmt, ap);
    va_end(ap);
}

static void check_hashes(struct copy *c, const struct mapping *m)
{
    char hash[SHA256_HEX];
    for (size_t i = 0; i < c->manifest.blocks.len; i++) {
        size_t at = i * MANIFEST_BLOCK, len = m->len - at < MANIFEST_BLOCK ? m->len - at : MANIFEST_BLOCK;
        sha256_hex(m->at + at, len, hash);
        if (strcmp(hash, c->manifest.blocks.at[i].hex) != 0)
            found_wrong(c, "the bytes from %zu on are not those that were written: their SHA-256 differs", at);
    }
}

/* The record that follows the last sound one, and how long it is. */
static bool next_sound(const struct copy *c, const struct mapping *m, size_t at, struct record *r, size_t *used)
{
    return record_read(m->at + at, m->len - at, r, used) == RECORD_OK && r->lsn == c->sound + 1 &&
           r->epoch >= c->sound_epoch;
}

static void check_records(struct copy *c, const struct mapping *m)
{
    struct record r;
    size_t at = 0, used = 0;
    while (at < m->len && next_sound(c, m, at, &r, &used)) {
        c->sound = r.lsn;
        c->sound_epoch = r.epoch;
        c->sound_time_ns = r.time_ns;
        at += used;
    }
    if (at < m->len)
        found_wrong(c, "record %lld is damaged", (long long)c->sound + 1);
    else if (c->sound != c->manifest.records || c->sound_epoch != c->manifest.epoch)
        found_wrong(c, "it has %lld records, the manifest says %lld", (long long)c->sound,
                    (long long)c->manifest.records);
}

static void look_through(struct copy *c)
{
    struct err e = {0};
    struct mapping m = {0};
    c->whole = true;
    if (manifest_read(c->manifest_path, &c->manifest, &e) < 0) {
        found_wrong(c, "%.200s", e.msg);
        return;
    }
    const char *slash = strrchr(c->manifest_path, '/');
    (void)snprintf(c->log_path, sizeof(c->log_path), "%.*s/%s.log", (int)(slash - c->manifest_path), c->manifest_path,
                   c->manifest.chain);
    if (map(c, &m, &e) < 0) {
        found_wrong(c, "%.200s", e.msg);
        return;
    }
    if ((int64_t)m.len < c->manifest.bytes)
        found_wrong(c, "%zu of %lld bytes are there", m.len, (long long)c->manifest.bytes);
    else
        check_hashes(c, &m);
    check_records(c, &m);
    unmap(&m);
}

static bool add_copy(const char *folder, copy_list *out)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/" MANIFEST_FILE, folder);
    if (path.len >= PATH_MAX || access(text_str(&path), F_OK) != 0)
        return false;
    struct copy *c = vec_push(out);
    memcpy(c->manifest_path, path.at, path.len + 1);
    look_through(c);
    return true;
}

int copies_find(const char *folder, copy_list *out, struct err *e)
{
    *out = (copy_list){0};
    if (add_copy(folder, out))
        return 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return err_os(e, ERR_READING, errno, folder, "cannot read the folder of the backups");
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        scoped_text struct text below = {0};
        text_addf(&below, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            add_copy(text_str(&below), out);
    }
    (void)closedir(dir);
    return 0;
}

void copies_deinit(copy_list *l)
{
    for (size_t i = 0; i < l->len; i++)
        manifest_deinit(&l->at[i].manifest);
    vec_deinit(l);
}

static bool is_better(const struct copy *a, const struct copy *b)
{
    if (a->whole != b->whole)
        return a->whole;
    return a->sound_epoch != b->sound_epoch ? a->sound_epoch > b->sound_epoch : a->sound > b->sound;
}

const struct copy *copies_newest(const copy_list *l)
{
    const struct copy *best = NULL;
    for (size_t i = 0; i < l->len; i++) {
        const struct copy *c = &l->at[i];
        if (c->sound > 0 && (best == NULL || is_better(c, best)))
            best = c;
    }
    return best;
}

/* Keep a store from starting there meanwhile. */
static int lock_folder(const char *data_dir, int *fd, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/lock", data_dir);
    *fd = open(text_str(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0)
        return err_os(e, ERR_OUTPUT, errno, text_str(&path), "cannot open the lock");
    if (flock(*fd, LOCK_EX | LOCK_NB) < 0)
        return err_os(e, ERR_OUTPUT, errno, text_str(&path), "a store is running there");
    return 0;
}

static int append_all(struct store_log *l, const struct copy *c, const struct mapping *m, struct copy_limit limit,
                      int64_t *records, struct err *e)
{
    scoped_text struct text batch = {0};
    vec_of(int64_t) lengths = {0};
    struct record r;
    size_t at = 0, used = 0;
    int rc = 0;
    bool more = true;
    *records = 0;
    while (more && rc == 0) {
        more = *records < c->sound && record_read(m->at + at, m->len - at, &r, &used) == RECORD_OK &&
               r.lsn <= limit.lsn && r.time_ns <= limit.time_ns;
        if (more) {
            text_add_bytes(&batch, m->at + at, used);
            *vec_push(&lengths) = (int64_t)used;
            at += used;
            ++*records;
        }
        if (lengths.len > 0 && (!more || batch.len >= BATCH_BYTES)) {
            rc = store_log_append(l, &batch, lengths.at, lengths.len, e);
            text_clear(&batch);
            lengths.len = 0;
        }
    }
    vec_deinit(&lengths);
    return rc;
}

static void count_record(void *ctx, const struct record *r)
{
    int64_t *last = ctx;
    *last = r->lsn;
}

/* Open it as a store does: how many records are there? */
static int replayed(const char *data_dir, int64_t *records, struct err *e)
{
    struct store_log l;
    int64_t cut = 0;
    *records = 0;
    if (store_log_open(&l, data_dir, count_record, records, &cut, e) < 0)
        return -1;
    store_log_close(&l);
    return cut == 0 ? 0 : err_set(e, ERR_OUTPUT, data_dir, "the log just written has a torn tail");
}

static int write_log(const struct copy *c, struct copy_limit limit, const char *data_dir, int64_t *records,
                     struct err *e)
{
    struct store_log l;
    struct mapping m = {0};
    int64_t there = 0, cut = 0;
    if (store_log_open(&l, data_dir, count_record, &there, &cut, e) < 0)
        return -1;
    int rc = there > 0 ? err_set(e, ERR_OUTPUT, data_dir,
                                 "the store there has %lld records; restore into an empty folder", (long long)there)
                       : map(c, &m, e);
    if (rc == 0) {
        rc = append_all(&l, c, &m, limit, records, e);
        unmap(&m);
    }
    store_log_close(&l);
    return rc;
}

int copy_restore(const struct copy *c, struct copy_limit limit, const char *data_dir, int64_t *records, struct err *e)
{
    scoped_fd int lock = -1;
    int64_t there = 0;
    *records = 0;
    if (lock_folder(data_dir, &lock, e) < 0 || write_log(c, limit, data_dir, records, e) < 0 ||
        replayed(data_dir, &there, e) < 0)
        return -1;
    return there == *records ? 0
                             : err_set(e, ERR_OUTPUT, data_dir, "%lld records were written and %lld came back",
                                       (long long)*records, (long long)there);
}

static void remove_folder(const char *path)
{
    static const char *const files[] = {"orders.log", "lock"};
    for (size_t i = 0; i < array_len(files); i++) {
        scoped_text struct text file = {0};
        text_addf(&file, "%s/%s", path, files[i]);
        (void)unlink(text_str(&file));
    }
    (void)rmdir(path);
}

int copy_trial(const struct copy *c, int64_t *records, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    scoped_text struct text path = {0};
    text_addf(&path, "%s/drgateway-trial-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (mkdtemp(path.at) == NULL)
        return err_os(e, ERR_OUTPUT, errno, text_str(&path), "cannot make a folder for the trial restore");
    int rc = copy_restore(c, COPY_ALL, text_str(&path), records, e);
    remove_folder(text_str(&path));
    return rc;
}
