/* SPDX-License-Identifier: MIT */
/*
 * What must be put back to have files as they were when they were last synced: the old content under each write since.
 * Kept by the tap for a disk that loses what was not synced; embedded, zeroed is empty.
 *
 * Files are known by their inodes and held open here, so that renaming or removing one does not hide it. Names are not
 * undone: they count as kept, as by a file system with a journal. A file opened with O_SYNC or O_DSYNC is always
 * synced.
 */
#pragma once
#include "harness/base/vec.h"

#include <sys/types.h>

struct undo_file {
    dev_t dev;
    ino_t ino;
    int fd;
};

struct undo_write {
    size_t file;
    off_t at, size; /* where it begins; how long the file was before */
    size_t len;     /* of old */
    char *old;
};

struct undo {
    vec_of(struct undo_file) files;
    vec_of(struct undo_write) writes;
};

/* Before len bytes are written to fd at `at`; negative: where fd stands, or its end if it appends. */
void undo_note(struct undo *u, int fd, off_t at, size_t len);
/* Before everything of fd from `from` on may change. */
void undo_note_rest(struct undo *u, int fd, off_t from);
void undo_synced(struct undo *u, int fd); /* its writes so far are kept */
void undo_all(struct undo *u);            /* put everything back, and forget it */
void undo_deinit(struct undo *u);         /* forget it */
