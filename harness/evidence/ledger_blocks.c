/* SPDX-License-Identifier: MIT */
/*
 * What is left in the buffer moves to its front before the next read(2) behind it; records begin at multiples of their
 * size there as in the file, so they are aligned. The largest record with its page fits many times over.
 */
#include "harness/evidence/ledger_blocks.h"

#include "harness/base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 512 * 1024 };

void ledger_blocks_open(struct ledger_blocks *b, int fd, off_t from, off_t end)
{
    size_t size = end - from < BUFFER ? (size_t)(end > from ? end - from : 0) : BUFFER;
    *b = (struct ledger_blocks){.fd = fd, .at = from, .end = end, .buffer = xcalloc(1, size), .size = size};
}

void ledger_blocks_close(struct ledger_blocks *b)
{
    free(b->buffer);
    b->buffer = NULL;
}

/* Read on until the buffer is full or the file ends. */
static void fill(struct ledger_blocks *b)
{
    memmove(b->buffer, b->buffer + b->next, b->have - b->next);
    b->have -= b->next;
    b->next = 0;
    while (b->have < b->size && b->at < b->end && !b->failed) {
        off_t left = b->end - b->at;
        size_t room = b->size - b->have;
        ssize_t n = pread(b->fd, b->buffer + b->have, (off_t)room < left ? room : (size_t)left, b->at);
        if (n > 0) {
            b->have += (size_t)n;
            b->at += n;
        } else if (n == 0) {
            b->end = b->at; /* shorter than it was */
        } else {
            b->failed = errno != EINTR;
        }
    }
}

/* Whether this many bytes from `next` on are, or can be brought, into the buffer. */
static bool hold(struct ledger_blocks *b, size_t len)
{
    if (b->have - b->next < len) {
        fill(b);
    }
    return b->have - b->next >= len;
}

const struct ledger_record *ledger_blocks_next(struct ledger_blocks *b, const struct ledger_found **found)
{
    if (!hold(b, LEDGER_SIZE)) {
        return NULL;
    }
    size_t behind = ledger_behind((const void *)(b->buffer + b->next));
    if (!hold(b, LEDGER_SIZE + behind)) {
        return NULL;
    }
    const char *record = b->buffer + b->next;
    b->next += LEDGER_SIZE + behind;
    *found = behind ? (const void *)(record + LEDGER_SIZE) : NULL;
    return (const void *)record;
}

size_t ledger_blocks_torn(const struct ledger_blocks *b)
{
    return b->have - b->next;
}
