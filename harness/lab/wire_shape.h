/* SPDX-License-Identifier: MIT */
/*
 * What the wire does to each packet of one path. Pure: a shape, a seed and the packets' instants and lengths give the
 * fates, on every machine the same. Called by wire_loop.c and by tests.
 *
 * Every packet throws the same number of dice whatever the shape, so packet k of a path meets the same dice in each
 * run of a seed, and a fault changes only what they are read as.
 */
#pragma once
#include "harness/base/rng.h"
#include "harness/lab/shape.h"

#define WIRE_HEADER_BYTES 14 /* of Ethernet */

struct wire_shaper {
    struct rng dice;
    struct path_state shape; /* cut is not ours: rules cut */
    struct shape_chain chain;
    bool in_bursts;          /* the chain decides losses */
    bool spell;              /* the next packet meets a lossy spell */
    double leaning;          /* jitter: the draw before, in [0, 1) */
    int64_t since_early;     /* packets delayed since one was not */
    int64_t free_ns;         /* with a rate: when the narrow place is free again */
    int64_t last_due_ns;
};

struct wire_copy {
    int64_t due_ns; /* when it leaves; INT64_MAX: when the path goes on */
    bool early;     /* it skips the delay ("reorder") */
    bool corrupt;   /* one bit of it is flipped: */
    uint64_t bit;   /* this one, modulo the bits that may be hit */
};

#define WIRE_COPIES_MAX 4 /* duplicated twice: by its lane, and by the path */

struct wire_fate {
    unsigned lost;        /* by chance, or for its length */
    unsigned duplicated;  /* it should leave twice, or once where it was lost as well */
    unsigned turned_away; /* copies for which there was no room */
    unsigned copies;      /* that leave: */
    struct wire_copy copy[WIRE_COPIES_MAX];
};

/* The first packet of a TCP connection (SYN, no ACK), over IPv4. Who shapes with block_new gives it no room. */
bool wire_opens_connection(const unsigned char *frame, size_t len);
/* Comes it from a TCP or UDP port, or goes to it? Of later fragments nobody can tell. */
bool wire_is_of_port(const unsigned char *frame, size_t len, uint16_t port);
void wire_shaper_init(struct wire_shaper *s, uint64_t seed, uint16_t path, uint16_t port); /* port: of a lane, else 0 */
/* Takes effect with the next packet; packets already decided keep their instants. */
void wire_shaper_set(struct wire_shaper *s, const struct path_state *shape);
/* len: of the frame with its Ethernet header. room: for how many more there is any in the queue of the path; who is
 * turned away does not keep the narrow place busy. */
struct wire_fate wire_shaper_decide(struct wire_shaper *s, int64_t arrived_ns, size_t len, size_t room);
