/* SPDX-License-Identifier: MIT */
/*
 * A listening port on a loop. Called by every server here. While descriptors or memory for a newcomer are lacking it
 * rests for a moment instead of being called again at once: connections wait in the kernel and are taken up afterwards.
 */
#pragma once
#include "harness/base/loop.h"

#include <stdbool.h>

struct err;

struct acceptor {
    struct loop *loop;
    struct loop_io io;
    struct loop_timer rest;
    int fd; /* -1: closed; a zeroed acceptor may be closed, too */
    void (*come)(struct acceptor *a); /* call acceptor_take until it has no more */
};

int acceptor_open(struct acceptor *a, struct loop *l, int port, void (*come)(struct acceptor *a), struct err *e);
int acceptor_take(struct acceptor *a); /* a connection, -1 when none can be had now */
/* Leave who comes waiting in the kernel, or take them in again. */
int acceptor_hold(struct acceptor *a, bool held, struct err *e);
void acceptor_close(struct acceptor *a);
