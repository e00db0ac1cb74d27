/* SPDX-License-Identifier: MIT */
/*
 * A bump allocator over a list of blocks.
 *
 * Blocks grow from 4 KiB to 1 MiB by doubling; a request larger than that gets a block of its own size. Only the head
 * block has room left, so a request that does not fit wastes its tail: at most half of what is in use. calloc(3)
 * zeroes the blocks (large ones come zeroed from the kernel). A size that overflows is out of memory: abort.
 */
#include "harness/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

static _Noreturn void out_of_memory(void)
{
    fputs("drtest: out of memory\n", stderr);
    abort();
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p) {
        out_of_memory();
    }
    return p;
}

void *xrealloc(void *p, size_t size)
{
    void *moved = realloc(p, size ? size : 1);
    if (!moved) {
        out_of_memory();
    }
    return moved;
}

char *xstrdup(const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(xcalloc(1, size), s, size);
}

void arena_deinit(struct arena *a)
{
    for (struct arena_block *b = a->head; b;) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    a->head = NULL;
    a->used = 0;
}

static void add_block(struct arena *a, size_t at_least)
{
    size_t size = a->head ? a->head->size * 2 : BLOCK_MIN;
    if (size > BLOCK_MAX) {
        size = BLOCK_MAX;
    }
    if (size < at_least) {
        size = at_least;
    }
    if (size > SIZE_MAX - sizeof(struct arena_block)) {
        out_of_memory();
    }
    struct arena_block *b = xcalloc(1, sizeof(*b) + size);
    b->size = size;
    b->next = a->head;
    a->head = b;
    a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align) {
        out_of_memory();
    }
    size = size ? (size + align - 1) / align * align : align;
    if (!a->head || a->head->size - a->used < size) {
        add_block(a, size);
    }
    void *p = a->head->bytes + a->used;
    a->used += size;
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    if (!s) {
        return NULL;
    }
    len = strnlen(s, len);
    return memcpy(arena_alloc(a, len + 1), s, len);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0) {
        out_of_memory();
    }
    char *out = arena_alloc(a, (size_t)len + 1);
    vsnprintf(out, (size_t)len + 1, fmt, again);
    va_end(again);
    return out;
}
