/* SPDX-License-Identifier: MIT */
/*
 * The customers: open-loop streams of one vantage, and the readers of the last hour.
 *
 * A worker drives all streams of one vantage on one loop through one transport, keeps the vantage's ordered endpoint
 * list (probing each endpoint itself), writes samples and ledger. In the netns lab it is a process of its own, steered
 * over a SOCK_SEQPACKET descriptor; in the sim lab it lives in the conductor's process. It knows nothing of faults.
 */
#pragma once
#include "harness/load/client.h"
#include "harness/spec/plan.h"

struct wallet;

struct worker_config {
    const struct plan *plan;
    uint16_t vantage;          /* site index */
    const char *run_path;      /* where samples.bin and ledger.bin stand already */
    const char *run_id;        /* part of every idempotency key */
    int64_t zero_ns;           /* loop time of run time 0 */
    uint16_t http_port;        /* of the endpoints; topo_customer_port but for tests */
    const char *authority;     /* file with the root that endpoints are believed by, over https; NULL: http */
    const struct token_key *token_key; /* what callers sign their tokens with; NULL: they show API keys, if asked */
    const char *const *addresses; /* by endpoint, overriding the topology's; NULL: as in the topology (tests use it) */
};

/* What a transport of this vantage must be able to carry at once. */
size_t worker_max_in_flight(const struct plan *plan, uint16_t vantage);

struct worker;
/* Borrows all it is given. A machine that allows too few open files is ERR_MACHINE (real loops only). */
int worker_new(struct worker **out, const struct worker_config *c, struct loop *l, struct transport *t, struct err *e);
void worker_free(struct worker *w); /* requests under way are forgotten */
/* Streams start: s_0 of each is start_ns (loop time) plus its seeded offset in
 * [0, Delta). Until then only probes run. */
void worker_start(struct worker *w, int64_t start_ns);
void worker_stop_writes(struct worker *w); /* no new writes; those in flight go on */
void worker_stop(struct worker *w);        /* no new requests at all */
/* Nothing in flight any more, evidence flushed. */
bool worker_idle(const struct worker *w);
/* Sticky first failure of the evidence writers or the transport (a harness error), NULL if none. */
const struct err *worker_failure(const struct worker *w);

/* The same worker as a process: runs until told to end, then exits. fd is its
 * end of the control socket. Never returns. */
_Noreturn void worker_main(const struct worker_config *c, int fd);

/* The conductor's end; borrows fd, whose closing ends the worker. The frames are in link_frame.h. */
struct worker_link;
int worker_link_new(struct worker_link **out, int fd, struct loop *loop, struct err *e);
void worker_link_free(struct worker_link *l);
int worker_link_start(struct worker_link *l, int64_t start_ns, struct err *e);
int worker_link_stop_writes(struct worker_link *l, struct err *e);
int worker_link_stop(struct worker_link *l, struct err *e);
bool worker_link_ready(const struct worker_link *l);
bool worker_link_idle(const struct worker_link *l);
const char *worker_link_failure(const struct worker_link *l); /* message, NULL if none; a closed socket is one */

/* Final reads: every page of every source, repeated until two successive reads agree (or deadline), into the ledger. */
struct readback_source {
    uint16_t region;   /* site; UINT16_MAX through the gateway */
    const char *address;
    uint16_t port, endpoint;
};
struct readback_config {
    const char *run_path, *run_id;
    int64_t zero_ns, deadline_ns;   /* loop time */
    uint8_t pass;                   /* enum ledger_pass */
    uint32_t first_read;            /* numbers of the reads start here */
    uint16_t chain;                 /* LEDGER_CHAIN_READ + pass, one chain per call */
    const struct readback_source *sources;
    size_t source_count;
    struct wallet *wallet; /* shown to all of them is what a customer shows; NULL: nothing */
};
/* Runs the loop itself until done or the deadline. *complete: every source gave two equal whole reads. Reads used
 * up to *next_read - 1. */
int readback_run(const struct readback_config *c, struct loop *l, struct transport *t, bool *complete,
                 uint32_t *next_read, struct err *e);
