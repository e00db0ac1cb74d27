/* SPDX-License-Identifier: MIT */
/*
 * A server on loopback in a process of its own, one connection after the other: 200 with the nonce it was sent, on
 * every path, or 401 to who does not say what is wanted of him. echo_server_kill makes the port refuse.
 */
#pragma once
#include "harness/base/child.h"
#include <stdint.h>

struct echo_server {
    const char *wanted; /* in the head of each request; NULL: nothing */
    struct child process;
    uint16_t port;
};

void echo_server_start(struct echo_server *s, const char *address, uint16_t port); /* port 0: any */
void echo_server_kill(struct echo_server *s);
