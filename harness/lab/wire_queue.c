/* SPDX-License-Identifier: MIT */
/*
 * A binary heap of small records over an array of slots of fixed size. The slots are one anonymous mapping that the
 * kernel fills with pages only where somebody writes, and free slots are handed out last in, first out: a wire that
 * holds ten frames touches ten slots, whatever the bound.
 */
#include "harness/lab/wire_queue.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

struct wire_queue {
    unsigned char *slots;
    uint32_t *free; /* free[0..free_len) */
    size_t free_len;
    struct wire_held *heap;
    size_t len;
    uint64_t next_order;
};

int wire_queue_new(struct wire_queue **out, struct err *e)
{
    struct wire_queue *q = xcalloc(1, sizeof(*q));
    void *slots = mmap(NULL, (size_t)WIRE_SLOTS * WIRE_FRAME_MAX, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED) {
        wire_queue_free(q);
        return err_os(e, ERR_MACHINE, errno, "wire", "no memory for its delay line");
    }
    q->slots = slots;
    q->free = xcalloc(WIRE_SLOTS, sizeof(*q->free));
    q->heap = xcalloc(WIRE_SLOTS, sizeof(*q->heap));
    while (q->free_len < WIRE_SLOTS) {
        q->free[q->free_len] = (uint32_t)(WIRE_SLOTS - 1 - q->free_len);
        q->free_len++;
    }
    *out = q;
    return 0;
}

void wire_queue_free(struct wire_queue *q)
{
    if (!q) {
        return;
    }
    if (q->slots) {
        munmap(q->slots, (size_t)WIRE_SLOTS * WIRE_FRAME_MAX);
    }
    free(q->free);
    free(q->heap);
    free(q);
}

static bool sooner(const struct wire_held *a, const struct wire_held *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void rise(struct wire_queue *q, size_t at)
{
    struct wire_held h = q->heap[at];
    while (at > 0 && sooner(&h, &q->heap[(at - 1) / 2])) {
        q->heap[at] = q->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    q->heap[at] = h;
}

/* Front to back: who rises changes places only with those looked at already. */
void wire_queue_release(struct wire_queue *q, uint16_t path, int64_t now)
{
    for (size_t i = 0; i < q->len; i++) {
        if (q->heap[i].path == path && q->heap[i].due_ns == INT64_MAX) {
            q->heap[i].due_ns = now;
            rise(q, i);
        }
    }
}

unsigned char *wire_queue_add(struct wire_queue *q, uint16_t path, int64_t due_ns, size_t len)
{
    if (q->free_len == 0 || len > WIRE_FRAME_MAX) {
        return NULL;
    }
    struct wire_held h = {.due_ns = due_ns, .order = q->next_order++, .slot = q->free[--q->free_len], .path = path,
                          .len = (uint16_t)len};
    q->heap[q->len] = h;
    rise(q, q->len++);
    return wire_queue_bytes(q, h.slot);
}

int64_t wire_queue_due(const struct wire_queue *q)
{
    return q->len > 0 ? q->heap[0].due_ns : INT64_MAX;
}

struct wire_held wire_queue_take(struct wire_queue *q)
{
    struct wire_held first = q->heap[0], last = q->heap[--q->len];
    size_t at = 0;
    for (size_t child = 1; child < q->len; child = 2 * at + 1) {
        if (child + 1 < q->len && sooner(&q->heap[child + 1], &q->heap[child])) {
            child++;
        }
        if (!sooner(&q->heap[child], &last)) {
            break;
        }
        q->heap[at] = q->heap[child];
        at = child;
    }
    q->heap[at] = last;
    return first;
}

unsigned char *wire_queue_bytes(const struct wire_queue *q, uint32_t slot)
{
    return q->slots + (size_t)slot * WIRE_FRAME_MAX;
}

void wire_queue_give_back(struct wire_queue *q, uint32_t slot)
{
    q->free[q->free_len++] = slot;
}

size_t wire_queue_len(const struct wire_queue *q)
{
    return q->len;
}
