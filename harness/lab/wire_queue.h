/* SPDX-License-Identifier: MIT */
/*
 * The delay line of the wire: frames that wait for their instant, the earliest first, equal instants in the order in
 * which they came. Called by wire_loop.c; nothing of the kernel here beside the memory.
 *
 * Bounded in all: WIRE_SLOTS frames of at most WIRE_FRAME_MAX bytes, on however many paths. What finds no room is the
 * caller's to count. A slot belongs to the queue until it is taken, then to the caller until it is given back.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define WIRE_SLOTS 65536
#define WIRE_FRAME_MAX 2048

struct err;
struct wire_queue;
int wire_queue_new(struct wire_queue **out, struct err *e);
void wire_queue_free(struct wire_queue *q);

struct wire_held {
    int64_t due_ns;
    uint64_t order;
    uint32_t slot;
    uint16_t path, len;
};
/* Where to put the len bytes of a frame that leaves at due_ns; NULL: there is no room, or it is too long. */
unsigned char *wire_queue_add(struct wire_queue *q, uint16_t path, int64_t due_ns, size_t len);
int64_t wire_queue_due(const struct wire_queue *q);      /* of the first; INT64_MAX: empty */
/* What is held of a path without an instant (INT64_MAX) is due now, in the order in which it came. */
void wire_queue_release(struct wire_queue *q, uint16_t path, int64_t now);
struct wire_held wire_queue_take(struct wire_queue *q);  /* the first; there must be one */
unsigned char *wire_queue_bytes(const struct wire_queue *q, uint32_t slot);
void wire_queue_give_back(struct wire_queue *q, uint32_t slot);
size_t wire_queue_len(const struct wire_queue *q); /* frames that wait */
