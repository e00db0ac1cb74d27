/* SPDX-License-Identifier: MIT */
/*
 * The second prober: one process per vantage that asks what the ordinary load asks, by other code.
 *
 * It shares nothing with harness/load: plain non-blocking sockets instead of libcurl, an HTTP reading, an endpoint
 * list, a pacing and a record file of its own. What both must agree on, they take from the plan. Its record is
 * crosscheck.csv (harness/evidence/cross.h), judged by harness/measure/crosscheck.c. Started by harness/run, never in
 * the sim lab.
 */
#pragma once
#include "harness/spec/plan.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

struct cross_config {
    const struct plan *plan;
    uint16_t vantage;             /* site index */
    const char *run_path;         /* where crosscheck.csv stands already */
    int64_t zero_ns;              /* CLOCK_MONOTONIC of run time 0 */
    uint16_t http_port;           /* of the endpoints; TOPO_PORT_HTTP but for tests */
    const struct token_key *token_key; /* what its tokens are signed with; NULL: it shows an API key, if asked */
    const char *const *addresses; /* by endpoint, overriding the topology's; NULL: as in the topology */
};

/* The stream whose rate, path and time-out the second prober of this vantage takes over: its fresh reads. NULL: the
 * plan has none there, so there is nothing that a second prober could be compared with. */
const struct plan_stream *cross_stream(const struct plan *plan, uint16_t vantage);
/* Does every vantage have such a stream? */
bool cross_possible(const struct plan *plan);

/* The file with its two lines of head; done once, before the probers start. */
int cross_create(const char *run_path, const char *scenario_sha256, struct err *e);

/* Words on the control socket, a SOCK_SEQPACKET pair. Prober: one byte CROSS_READY once its file is open and it asks
 * the endpoints how they are, or the text of a failure (more than one byte), after which it ends. Conductor: eight
 * bytes, the CLOCK_MONOTONIC instant at which the stream starts (s_0 is that plus a seeded offset in [0, Delta)).
 * When the conductor's end closes or shuts down, the prober plans nothing more, waits for what is under way (at most
 * the request time-out), writes its end line and exits with 0. */
enum { CROSS_READY = 'R', CROSS_FAILURE_MAX = 400 };

_Noreturn void cross_main(const struct cross_config *c, int fd);
