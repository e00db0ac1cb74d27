/* SPDX-License-Identifier: MIT */
/*
 * Each write leaves a note: where, how long the file was, and what stood there. Put back from the last note to the
 * first, every file is, byte for byte, what it was at its last sync. Notes are taken before the write happens; one that
 * then fails or is cut short has a note that puts back what is there anyway.
 *
 * The descriptor that a note is about may be for writing only, so the file is opened once more by way of /proc. Where
 * that fails the write is not noted, and would survive; the trial of the fault, which loses a write of its own, would
 * show it.
 */
#include "harness/lab/undo.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_file(const struct undo_file *f, const struct stat *st)
{
    return f->dev == st->st_dev && f->ino == st->st_ino;
}

/* Its number; the number of files when it is not there. */
static size_t find(const struct undo *u, const struct stat *st)
{
    size_t i = 0;
    while (i < u->files.len && !same_file(&u->files.at[i], st)) {
        i++;
    }
    return i;
}

static bool find_or_open(struct undo *u, int fd, const struct stat *st, size_t *file)
{
    char path[48];
    *file = find(u, st);
    if (*file < u->files.len) {
        return true;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_RDWR | O_CLOEXEC);
    if (own >= 0) {
        *vec_push(&u->files) = (struct undo_file){st->st_dev, st->st_ino, own};
    }
    return own >= 0;
}

static void note(struct undo *u, int fd, const struct stat *st, off_t at, size_t len)
{
    size_t file;
    if (!find_or_open(u, fd, st, &file)) {
        return;
    }
    size_t there = at < st->st_size ? (size_t)(st->st_size - at) : 0;
    struct undo_write w = {.file = file, .at = at, .size = st->st_size, .len = len < there ? len : there};
    if (w.len > 0) {
        w.old = xcalloc(1, w.len);
        ssize_t n = pread(u->files.at[file].fd, w.old, w.len, at);
        w.len = n > 0 ? (size_t)n : 0;
    }
    *vec_push(&u->writes) = w;
}

void undo_note(struct undo *u, int fd, off_t at, size_t len)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || flags & (O_SYNC | O_DSYNC) || fstat(fd, &st) != 0) {
        return;
    }
    note(u, fd, &st, at >= 0 ? at : flags & O_APPEND ? st.st_size : lseek(fd, 0, SEEK_CUR), len);
}

void undo_note_rest(struct undo *u, int fd, off_t from)
{
    undo_note(u, fd, from, (size_t)-1);
}

static void drop(struct undo *u, size_t file)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->writes.len; i++) {
        if (u->writes.at[i].file == file) {
            free(u->writes.at[i].old);
        } else {
            u->writes.at[kept++] = u->writes.at[i];
        }
    }
    u->writes.len = kept;
}

void undo_synced(struct undo *u, int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0) {
        drop(u, find(u, &st));
    }
}

/* Nobody is left who could be told of a failure: who reads the files sees it. */
static void put_back(const struct undo *u, const struct undo_write *w)
{
    int fd = u->files.at[w->file].fd;
    for (size_t done = 0; done < w->len;) {
        ssize_t n = pwrite(fd, w->old + done, w->len - done, w->at + (off_t)done);
        if (n <= 0) {
            return;
        }
        done += (size_t)n;
    }
    (void)!ftruncate(fd, w->size);
}

void undo_all(struct undo *u)
{
    for (size_t i = u->writes.len; i > 0; i--) {
        put_back(u, &u->writes.at[i - 1]);
    }
    undo_deinit(u);
}

void undo_deinit(struct undo *u)
{
    for (size_t i = 0; i < u->writes.len; i++) {
        free(u->writes.at[i].old);
    }
    for (size_t i = 0; i < u->files.len; i++) {
        fd_close(&u->files.at[i].fd);
    }
    vec_deinit(&u->writes);
    vec_deinit(&u->files);
}
