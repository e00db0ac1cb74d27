/* SPDX-License-Identifier: MIT */
/*
 * A binary file of the evidence, read whole into an arena. For the read side of this room.
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
