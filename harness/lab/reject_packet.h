/* SPDX-License-Identifier: MIT */
/*
 * What is said to the sender of a packet that is let through no more: a TCP reset, or an ICMP message. Pure; the
 * packets come from the system under test and are treated as hostile.
 */
#pragma once
#include "harness/spec/topology.h"

#define REJECT_BYTES 256 /* the longest answer: headers and the begin of what it is about */

struct reject_view {
    uint32_t to;                /* its IPv4 destination, host byte order */
    uint16_t from_port, to_port; /* of TCP; else 0 */
};
/* What an Ethernet frame holds. False: no whole IPv4 packet (later fragments are none). */
bool reject_read(const unsigned char *frame, size_t len, struct reject_view *v);

/* The frame that answers this one, sent back by the device it came in by. 0: there is nothing to be said, as to a
 * reset, an ICMP error, or by a gate that drops. */
size_t reject_answer(const unsigned char *frame, size_t len, enum gate_way way, unsigned char out[REJECT_BYTES]);
