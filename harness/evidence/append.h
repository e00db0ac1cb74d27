/* SPDX-License-Identifier: MIT */
/*
 * Append-only files of the evidence: whole records by write(2) on an O_APPEND descriptor. For the writers of this room.
 *
 * The first failure sticks: from then on append_bytes fails with the same error and writes nothing more, so that a file
 * ends where the trouble began. An initialised struct append_file owns its descriptor.
 */
#pragma once
#include "harness/base/err.h"
#include <stddef.h>

struct append_file {
    int fd;
    char path[512];
    struct err failure; /* sticky */
};

enum append_mode { APPEND_CREATE, APPEND_EXISTING }; /* create: it must not be there yet */

int append_open(struct append_file *f, const char *run_path, const char *name, enum append_mode mode, struct err *e);
int append_bytes(struct append_file *f, const void *bytes, size_t len, struct err *e);
int append_sync(struct append_file *f, struct err *e); /* fdatasync(2) */
void append_close(struct append_file *f);
