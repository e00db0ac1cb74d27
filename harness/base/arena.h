/* SPDX-License-Identifier: MIT */
/*
 * A bump allocator: plan and evidence own one each, everything in it dies at once.
 *
 * Out of memory aborts the process (the kernel heals the world without us), so no function here fails. Memory is
 * zeroed and aligned for any type. A zeroed struct arena is empty and ready.
 */
#pragma once
#include <stddef.h>

struct arena {
    struct arena_block *head;
    size_t used; /* bytes handed out in the head block */
};

void arena_deinit(struct arena *a);
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);              /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t len); /* stops at the first NUL, too */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

/* Heap allocation that aborts instead of failing; free() releases it. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
