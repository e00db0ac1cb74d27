/* SPDX-License-Identifier: MIT */
/*
 * The wire's door to the kernel: one packet socket that sees every frame coming in by any device of its network
 * namespace, through a ring of shared memory, and one to send frames out by a device. See packet(7), packet_mmap.
 *
 * Made in the caller's network namespace. A frame lent by wire_ring_next is the kernel's again after wire_ring_done.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_BATCH 64

struct err;
struct wire_ring;
int wire_ring_open(struct wire_ring **out, struct err *e);
void wire_ring_free(struct wire_ring *r);
int wire_ring_fd(const struct wire_ring *r); /* readable while frames are there */

struct wire_frame {
    int index;       /* of the device it came in by */
    const unsigned char *bytes;
    size_t len;
    bool whole;      /* false: it was longer than the ring takes, or its checksum is not finished */
    int64_t wall_ns; /* when it came, on the wall clock */
};
bool wire_ring_next(struct wire_ring *r, struct wire_frame *f);
void wire_ring_done(struct wire_ring *r);
uint64_t wire_ring_missed(struct wire_ring *r); /* frames for which the ring had no room, since it was opened */

struct wire_parcel {
    int index; /* of the device to leave by */
    unsigned char *bytes;
    size_t len;
    bool taken; /* by the kernel: set by wire_ring_send */
};
/* Sends n frames, at most WIRE_BATCH, in order; those that the kernel does not take are skipped. */
void wire_ring_send(struct wire_ring *r, struct wire_parcel *parcels, size_t n);
