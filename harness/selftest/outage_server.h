/* SPDX-License-Identifier: MIT */
/*
 * A server that fails on command and keeps its own record of the truth: a process on loopback that answers reads as
 * docs/protocol.md asks and, when ordered, stops doing so in a chosen way for a chosen time.
 *
 * Used by the self-test only. The server writes into memory that its owner can read: every change of its state with
 * the clock read before and after it, and every time its own loop ran late. Nothing of the measuring code is involved.
 * It dies with its owner.
 */
#pragma once
#include "harness/base/child.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* name, word, and what becomes of a connection accepted meanwhile */
#define OUTAGE_MODES(X)                                                                   \
    X(NONE, "none")           /* a right answer */                                        \
    X(RST, "rst")             /* reset at accept */                                       \
    X(ERROR503, "error503")   /* an answer, but 503 */                                    \
    X(FREEZE, "freeze")       /* nothing is accepted; the backlog is answered afterwards */ \
    X(BLACKHOLE, "blackhole") /* accepted, never answered */                              \
    X(SLOW, "slow")           /* a right answer, later than the client waits */           \
    X(HALF, "half")           /* every second one gets a 503 */                           \
    X(FLAP, "flap")           /* rst, on and off */

enum outage_mode {
#define X(name, word) OUTAGE_##name,
    OUTAGE_MODES(X)
#undef X
        OUTAGE_COUNT
};
extern const char *const outage_words[OUTAGE_COUNT];

/* From now on the server stands so; the change happened between the two readings of CLOCK_MONOTONIC. */
struct outage_change {
    enum outage_mode mode; /* as it acts: a flap is a row of rst and none */
    int64_t before_ns, after_ns;
};
struct outage_late {
    int64_t due_ns, woke_ns;
};

#define OUTAGE_CHANGES 512
#define OUTAGE_LATES 32768

/* Written by the server alone; what lies below the counts is final. */
struct outage_journal {
    _Atomic size_t change_count, late_count;
    struct outage_change changes[OUTAGE_CHANGES];
    struct outage_late lates[OUTAGE_LATES];
};

#define OUTAGE_PHASES 8

/* Out for phases[0], back for phases[1], and so on; an odd number of them, and well again after the last. */
struct outage_order {
    enum outage_mode mode;
    size_t phase_count;
    int64_t phases_ns[OUTAGE_PHASES];
};

/* One door for each observer, all in the same state: what `half` halves is the connections of one door. */
enum outage_door { DOOR_WORKER, DOOR_CLOSED_LOOP, DOOR_WATCHER, DOORS };

struct outage_server {
    struct child process;
    int control;
    uint16_t ports[DOORS];
    char address[16];
    struct outage_journal *journal;
};

/* host: last part of its address, 127.0.0.1 to 254, so that each server has client ports of its own.
 * slow_ns: how late mode slow answers. */
int outage_server_start(struct outage_server *s, uint8_t host, int64_t slow_ns, struct err *e);
/* When this returns the first phase has begun. Bounded by a second. */
int outage_server_order(struct outage_server *s, const struct outage_order *o, struct err *e);
void outage_server_stop(struct outage_server *s);
/* The server's worst lateness that touches [from, to]. */
int64_t outage_server_lateness(const struct outage_server *s, int64_t from_ns, int64_t to_ns);
