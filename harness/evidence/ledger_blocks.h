/* SPDX-License-Identifier: MIT */
/*
 * ledger.bin record by record, through a buffer of bounded size. For the readers of this room.
 *
 * Read, not mapped: a file that shrinks meanwhile ends early instead of killing the process.
 */
#pragma once
#include "harness/evidence/ledger.h"
#include <stdbool.h>
#include <sys/types.h>

struct err;

struct ledger_blocks {
    int fd;        /* borrowed */
    off_t at, end; /* next byte to read, and where reading stops */
    char *buffer;
    size_t size;
    size_t have, next; /* bytes in the buffer, and the first not yet handed out */
    bool failed;       /* read(2) failed */
};

void ledger_blocks_open(struct ledger_blocks *b, int fd, off_t from, off_t end);
/* The next record with what stands behind it (NULL: nothing), valid until the next call; NULL at the end. */
const struct ledger_record *ledger_blocks_next(struct ledger_blocks *b, const struct ledger_found **found);
/* Bytes left over when there was no next record: the file ends within one. */
size_t ledger_blocks_torn(const struct ledger_blocks *b);
void ledger_blocks_close(struct ledger_blocks *b);
