/* SPDX-License-Identifier: MIT */
/*
 * The other end of a measurement: an HTTP/1.1 server on 127.0.0.1 that answers every GET at once with one small body,
 * as the orders API does for a key that was never written. It knows no load, no state and no fault.
 */
#pragma once
#include "harness/base/loop.h"

#include <netinet/in.h>
#include <stdbool.h>

struct echo {
    struct loop *loop;
    struct loop_io listener;
    int fd;
    uint16_t port;
};

/* port 0: any free one. Connections live until their peers close them or the process ends. */
int echo_open(struct echo *s, struct loop *l, uint16_t port, struct err *e);
/* Does anybody on that port of 127.0.0.1 answer GET target with 200, within a second? For any server, not only this. */
bool echo_answers(uint16_t port, const char *target);
