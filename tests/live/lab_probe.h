/* SPDX-License-Identifier: MIT */
/*
 * Looking at a world from the place of a node: a process in the namespace of one connects, holds a stream open, and
 * reports what came of it; processes in those of the others echo what they are told. One prober at a time.
 */
#pragma once
#include "harness/lab/lab.h"

#include <netinet/in.h>

/* Echo on the ports of clients, replication and lease, for ever: to be forked into a node's place. */
_Noreturn void probe_echo(void);

enum order {
    ORDER_CONNECT, /* so many fresh connections, one after the other */
    ORDER_OPEN,    /* the stream, kept open */
    ORDER_SAY,     /* a byte on the stream */
    ORDER_HEAR,    /* a byte from it */
};

struct report {
    int good, refused, unreachable, silent, other;
    int64_t worst_ns;
};

void probe_post(struct lab *lab, uint16_t node);
void probe_dismiss(void);
/* The wait is per try, and longer on slow machines. */
struct report probe_ask(enum order order, const struct sockaddr_in *to, int times, int wait_ms);
void probe_tell(const char *what, const struct report *r);

/* The pieces, for those who are in the place themselves: a non-blocking socket that is closed with a reset and so
 * leaves no port waiting; a bounded connect, and waiting for a byte: 0 or an errno, ETIMEDOUT after the wait. */
int probe_socket(void);
int probe_connect(int fd, const struct sockaddr_in *to, int wait_ms);
int probe_hear(int fd, int wait_ms);
