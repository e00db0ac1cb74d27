/* SPDX-License-Identifier: MIT */
/*
 * The other end of a measurement: an HTTP/1.1 server that answers every GET, at once or after a fixed while, with one
 * small body, as the orders API does for a key that was never written, or with /bytes/N. It knows no load, no state and
 * no fault.
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
    int64_t delay_ns; /* from a request to its answer; 0 after echo_open */
};

/* On 127.0.0.1, or on every address. port 0: any free one. Connections live until their peers close them or the process
 * ends. */
int echo_open(struct echo *s, struct loop *l, bool everywhere, uint16_t port, struct err *e);
/* Does anybody on that port of 127.0.0.1 answer GET target with 200, within a second? For any server, not only this. */
bool echo_answers(uint16_t port, const char *target);
