/* SPDX-License-Identifier: MIT */
/*
 * Opening reads the file from the front in one go and believes it as far as the CRCs, the row of LSNs and the order of
 * epochs hold. The rest is what a crash or a flipped bit left behind and is cut; the other region has the records if
 * they were acknowledged in sync mode, and in async mode their loss is what the drill measures.
 *
 * The lost log is written and synced before the cut, so that a crash between the two leaves the suffix in both places
 * rather than in none.
 */
#include "gateway-under-test/store_log.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MAX (INT64_C(4) << 30)
#define LOST_BEGIN "lost-"
#define LOST_NAME LOST_BEGIN "%lld.log"

static void scan(struct store_log *l, const char *bytes, size_t len, void (*each)(void *, const struct record *),
                 void *ctx)
{
    struct record r;
    size_t used = 0;
    int64_t epoch = 0;
    while (record_read(bytes + l->size, len - (size_t)l->size, &r, &used) == RECORD_OK) {
        if (r.lsn != (int64_t)l->ends.len + 1 || r.epoch < epoch)
            return;
        epoch = r.epoch;
        l->size += (int64_t)used;
        *vec_push(&l->ends) = l->size;
        each(ctx, &r);
    }
}

int store_log_open(struct store_log *l, const char *dir, void (*each)(void *ctx, const struct record *r), void *ctx,
                   int64_t *cut, struct err *e)
{
    struct stat st;
    *l = (struct store_log){.fd = -1};
    (void)snprintf(l->dir, sizeof(l->dir), "%s", dir);
    (void)snprintf(l->path, sizeof(l->path), "%s/orders.log", l->dir);
    l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (l->fd < 0)
        return err_os(e, ERR_MACHINE, errno, l->path, "cannot open the log");
    if (fstat(l->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > LOG_MAX) {
        store_log_close(l);
        return err_set(e, ERR_READING, l->path, "not a regular file of at most 4 GiB");
    }
    size_t len = (size_t)st.st_size;
    scoped_free char *bytes = malloc(len + 1);
    int os = bytes ? file_read_at(l->fd, bytes, len, 0) : ENOMEM;
    if (os != 0) {
        store_log_close(l);
        return err_os(e, ERR_READING, os, l->path, "cannot read the log");
    }
    scan(l, bytes, len, each, ctx);
    *cut = (int64_t)len - l->size;
    if (*cut > 0 && ftruncate(l->fd, l->size) < 0) {
        os = errno;
        store_log_close(l);
        return err_os(e, ERR_OUTPUT, os, l->path, "cannot cut the torn tail");
    }
    return 0;
}

int store_log_append(struct store_log *l, const struct text *bytes, const int64_t *lengths, size_t count, struct err *e)
{
    int os = file_write_at(l->fd, bytes->at, bytes->len, l->size);
    if (os != 0) {
        if (ftruncate(l->fd, l->size) < 0)
            err_os(e, ERR_OUTPUT, errno, l->path, "cannot take back a partial write");
        return err_os(e, ERR_OUTPUT, os, l->path, "cannot append");
    }
    for (size_t i = 0; i < count; i++) {
        l->size += lengths[i];
        *vec_push(&l->ends) = l->size;
    }
    return 0;
}

static void forget_after(struct store_log *l, int64_t keep)
{
    l->size = keep > 0 ? l->ends.at[keep - 1] : 0;
    l->ends.len = (size_t)keep;
}

static int force_name(struct store_log *l)
{
    scoped_fd int dir = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    l->named = dir >= 0 && fsync(dir) == 0;
    return l->named ? 0 : -1;
}

int store_log_force(struct store_log *l, int64_t keep, struct err *e)
{
    if (fdatasync(l->fd) == 0 && (l->named || force_name(l) == 0))
        return 0;
    err_os(e, ERR_OUTPUT, errno, l->path, "cannot force to the medium");
    forget_after(l, keep);
    if (ftruncate(l->fd, l->size) < 0)
        err_os(e, ERR_OUTPUT, errno, l->path, "cannot take back what was not forced");
    return -1;
}

static int keep_lost(const struct store_log *l, int64_t from, int64_t epoch, struct err *e)
{
    char path[512];
    struct stat st;
    size_t len = (size_t)(l->size - from);
    (void)snprintf(path, sizeof(path), "%s/" LOST_NAME, l->dir, (long long)epoch);
    scoped_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    scoped_free char *bytes = malloc(len + 1);
    int os = fd < 0 || bytes == NULL ? errno : file_read_at(l->fd, bytes, len, from);
    if (os == 0 && fstat(fd, &st) < 0)
        os = errno;
    if (os == 0)
        os = file_write_at(fd, bytes, len, st.st_size);
    if (os == 0 && fsync(fd) < 0)
        os = errno;
    return os == 0 ? 0 : err_os(e, ERR_OUTPUT, os, path, "cannot keep the lost records");
}

int store_log_cut(struct store_log *l, int64_t keep, int64_t epoch, struct err *e)
{
    if (keep >= (int64_t)l->ends.len)
        return 0;
    int64_t from = keep > 0 ? l->ends.at[keep - 1] : 0;
    if (keep_lost(l, from, epoch, e) < 0)
        return -1;
    if (ftruncate(l->fd, from) < 0)
        return err_os(e, ERR_OUTPUT, errno, l->path, "cannot cut the log");
    forget_after(l, keep);
    return 0;
}

static void read_lost(const char *path, void (*each)(void *ctx, const struct record *r), void *ctx)
{
    scoped_text struct text bytes = {0};
    struct record r;
    size_t at = 0, used = 0;
    if (text_read_file(&bytes, path, (size_t)LOG_MAX, NULL) < 0)
        return;
    for (; record_read(text_str(&bytes) + at, bytes.len - at, &r, &used) == RECORD_OK; at += used)
        each(ctx, &r);
}

/* The epoch in the name of a lost log; -1: it is none. */
static int64_t lost_epoch(const char *name)
{
    char same[sizeof("lost-.log") + 20];
    if (!text_starts(name, LOST_BEGIN))
        return -1;
    int64_t epoch = strtoll(name + strlen(LOST_BEGIN), NULL, 10);
    (void)snprintf(same, sizeof(same), LOST_NAME, (long long)epoch);
    return strcmp(name, same) == 0 ? epoch : -1;
}

static int by_epoch(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void store_log_each_lost(const struct store_log *l, void (*each)(void *ctx, const struct record *r), void *ctx)
{
    char path[sizeof(l->dir) + sizeof("/lost-.log") + 20];
    vec_of(int64_t) epochs = {0};
    DIR *dir = opendir(l->dir);
    if (dir == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int64_t epoch = lost_epoch(entry->d_name);
        if (epoch >= 0)
            *vec_push(&epochs) = epoch;
    }
    (void)closedir(dir);
    if (epochs.len > 0)
        qsort(epochs.at, epochs.len, sizeof(*epochs.at), by_epoch);
    for (size_t i = 0; i < epochs.len; i++) {
        (void)snprintf(path, sizeof(path), "%s/" LOST_NAME, l->dir, (long long)epochs.at[i]);
        read_lost(path, each, ctx);
    }
    vec_deinit(&epochs);
}

void store_log_close(struct store_log *l)
{
    fd_close(&l->fd);
    vec_deinit(&l->ends);
}
