/* SPDX-License-Identifier: MIT */
/*
 * A server that fails on command and keeps its own record of the truth: a process on 127.0.0.1 that answers reads as
 * docs/protocol.md asks, and on the word of its owner stops doing so in a chosen way.
 *
 * Used by the self-test only. The server stamps the instant at which it changed its mind with CLOCK_MONOTONIC and sends
 * it back; nothing of the measuring code is involved. It dies with its owner.
 */
#pragma once
#include "harness/base/child.h"
#include <stdint.h>

struct err;

/* name, and what a customer sees while it lasts */
#define OUTAGE_MODES(X)                                               \
    X(NONE, "none")         /* right answers */                       \
    X(RST, "rst")           /* the connection is reset at accept */   \
    X(ERROR503, "error503") /* an answer, but 503 */

enum outage_mode {
#define X(name, word) OUTAGE_##name,
    OUTAGE_MODES(X)
#undef X
        OUTAGE_COUNT
};
extern const char *const outage_words[OUTAGE_COUNT];

struct outage_server {
    struct child process;
    int control;
    uint16_t port;
};
int outage_server_start(struct outage_server *s, struct err *e);
/* Switch the mode; *at_ns is the server's own instant of the switch. Bounded by a second. */
int outage_server_switch(struct outage_server *s, enum outage_mode mode, int64_t *at_ns, struct err *e);
void outage_server_stop(struct outage_server *s);
