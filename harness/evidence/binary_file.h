/* SPDX-License-Identifier: MIT */
/*
 * A binary file of the evidence, read whole into an arena, or opened to be read in blocks. For the read side of this
 * room.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

struct binary_file {
    void *at; /* aligned for any type; NULL when the file is empty */
    size_t len;
};

/* *found is false (and 0 returned) when there is no such file. More than max bytes is an error. */
int binary_file_read(struct binary_file *f, const char *run_path, const char *name, size_t max, struct arena *a,
                     bool *found, struct err *e);

/* The same file to be read from its beginning: *fd is -1 when there is none, *size what it had when it was opened. */
int binary_file_open(const char *run_path, const char *name, size_t max, int *fd, size_t *size, struct err *e);
/* As many of `want` bytes as the file still has; -1 on an error. */
long binary_file_more(int fd, void *to, size_t want, const char *name, struct err *e);
