/* SPDX-License-Identifier: MIT */
/*
 * What conductor and worker process say to each other: one datagram of SOCK_SEQPACKET each. For both ends of the link.
 *
 *     conductor  START (number: loop time of the start), STOP_WRITES, STOP; it ends the worker by closing the socket
 *     to a surge also HEAL (some fault has been healed), never STOP_WRITES
 *     worker     READY once, IDLE once after STOP, FAILED (text: the first failure) at most once; a surge
 *                also TALLY (number: loop time; text: the numbers) again and again
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct err;

enum link_word { LINK_START = 1, LINK_STOP_WRITES, LINK_STOP, LINK_READY, LINK_IDLE, LINK_HEAL, LINK_TALLY,
                 LINK_FAILED };

struct link_frame {
    uint32_t word; /* enum link_word */
    uint32_t reserved;
    int64_t number;
    char text[496]; /* NUL-terminated */
};

int link_send(int fd, enum link_word word, int64_t number, const char *text, struct err *e);

enum link_news { LINK_NOTHING, LINK_FRAME, LINK_CLOSED, LINK_BROKEN };
/* Never blocks. Anything but a whole frame of known word is LINK_BROKEN. */
enum link_news link_receive(int fd, struct link_frame *f);
/* Hand over every frame that has come: LINK_NOTHING, the link goes on; LINK_CLOSED or LINK_BROKEN, it has ended. */
enum link_news link_take_all(int fd, void (*take)(void *arg, const struct link_frame *f), void *arg);
