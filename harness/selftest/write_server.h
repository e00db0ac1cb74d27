/* SPDX-License-Identifier: MIT */
/*
 * A store with two scripted regions that lies about writes on command, and writes down what it really did: a process on
 * loopback with three ports, the gateway's and one for each region.
 *
 * Used by the self-test only. The truth of a write is one entry of the journal: what was said, when it took effect, and
 * how many copies each region holds in the end.
 */
#pragma once
#include "harness/base/child.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* name, word, and what is done to writes */
#define WRITE_LIES(X)                                                                                     \
    X(NONE, "honest")             /* stored in both regions, then acknowledged */                         \
    X(DROPPED, "dropped")         /* every 7th is acknowledged and stored nowhere */                      \
    X(DOUBLED, "doubled")         /* every 7th is stored twice */                                         \
    X(DELAYED, "delayed")         /* every 7th is acknowledged at once and stored 250 ms later */         \
    X(DENIED, "denied")           /* after the fault every 7th is refused as not forwarded, yet stored */ \
    X(UNANSWERED, "unanswered")   /* after the fault every 7th gets no answer; half of those are stored */ \
    X(LAGGING, "lagging")         /* the second region misses what came last before the fault */          \
    X(ISOLATED, "isolated")       /* after the fault the first region acknowledges what it alone has */

enum write_lie {
#define X(name, word) LIE_##name,
    WRITE_LIES(X)
#undef X
        LIE_COUNT
};
extern const char *const lie_words[LIE_COUNT];

enum write_said { SAID_OK, SAID_DENIED, SAID_NOTHING };

struct write_entry {
    uint64_t seq, value;
    uint16_t key;
    uint32_t version;
    enum write_said said;
    int64_t effect_ns;   /* CLOCK_MONOTONIC: when the server dealt with it */
    uint8_t copies[2];   /* in the first and the second region, in the end */
};

#define WRITES_MAX 4096

struct write_journal {
    _Atomic size_t count;
    int64_t fault_before_ns, fault_after_ns; /* 0: none yet */
    bool overflow;
    struct write_entry entries[WRITES_MAX];
};

enum write_port { WRITE_PORT_GATEWAY, WRITE_PORT_FIRST, WRITE_PORT_SECOND, WRITE_PORTS };

struct write_server {
    struct child process;
    int control;
    uint16_t ports[WRITE_PORTS];
    char address[16];
    struct write_journal *journal;
};

#define LIE_DELAY_NS INT64_C(250000000)

/* lag_ns: how much of its past the second region misses after the fault (lagging only). */
int write_server_start(struct write_server *s, uint8_t host, enum write_lie lie, int64_t lag_ns, struct err *e);
/* The fault, whatever it means to this lie; it has happened when this returns. Bounded by a second. */
int write_server_fault(struct write_server *s, struct err *e);
void write_server_stop(struct write_server *s);
