/* SPDX-License-Identifier: MIT */
/*
 * One HTTP exchange of a customer, and the seam through which it is made: libcurl multi on our loop in the netns lab, a
 * model in the sim lab. The streams above do not know which.
 */
#pragma once
#include "harness/base/loop.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct exchange_request {
    bool post, fresh;           /* fresh: a new connection, closed afterwards; else kept alive */
    const char *address;        /* dotted IPv4 */
    uint16_t port;
    uint16_t endpoint;          /* node index of the endpoint, for the sim */
    const char *target;         /* path and query */
    const char *idempotency_key; /* NULL none */
    const char *body;           /* NULL none */
    const char *api_key;        /* NULL none */
    const char *token;          /* bearer; NULL none */
    uint64_t nonce;
    int64_t timeout_ns;         /* connect and whole */
    int64_t connect_ns;         /* patience with the connection alone; 0: timeout_ns */
};

struct exchange_answer {
    int code;                   /* CURLcode, 0 complete */
    bool connected;             /* a connection came about and at least one byte left */
    bool local_error;           /* stopped on this side: descriptors, ports, memory */
    bool reconnected;           /* silently retried on a new connection */
    bool queued;                /* the client library held it back: a harness error (libcurl 8.6 and newer tell) */
    bool timed_out, refused;
    bool insecure;              /* refused because the TLS handshake failed or its certificate did not satisfy */
    int status;                 /* HTTP status, 0 none */
    const char *body;           /* borrowed during the callback, NUL-terminated */
    size_t body_len;
    bool has_nonce, nonce_ok, has_check, check_ok, not_forwarded;
    char region[48];            /* X-DR-Region, empty if none */
    char node[64];              /* X-DR-Node, empty if none */
    uint32_t epoch;
    uint64_t lsn;
    uint16_t attempts;
    int64_t sent_ns, done_ns;   /* loop time: handed over, completion seen */
};

typedef void exchange_done(void *arg, const struct exchange_answer *answer);

struct transport;
struct transport_ops {
    /* Exactly one callback later (never from within), unless the transport is freed. Returns -1 when it could not
     * even be handed over: a harness error. */
    int (*send)(struct transport *t, const struct exchange_request *r, exchange_done *done, void *arg, struct err *e);
    void (*free)(struct transport *t);
};
struct transport {
    const struct transport_ops *ops;
};

/* At most max_in_flight exchanges at once; more are refused by send. Borrows the loop. */
int transport_curl_new(struct transport **t, struct loop *l, size_t max_in_flight, struct err *e);
/* Connections made from now on leave from these addresses of this machine in turn. Copied; host byte order. With
 * none or one the kernel chooses. */
void transport_curl_sources(struct transport *base, const uint32_t *addresses, size_t count);
/* Requests made from now on go by https; servers are believed by the root in this file alone. Before the first one. */
void transport_curl_secure(struct transport *t, const char *authority);
json_t *transport_curl_facts(void); /* library version and every setting that matters, for the header; new reference */
