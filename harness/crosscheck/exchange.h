/* SPDX-License-Identifier: MIT */
/*
 * One request on one new connection over a plain non-blocking socket: connect, send, read, done.
 *
 * The owner waits for the descriptor with epoll and calls cross_exchange_go whenever it is ready; time-outs are the
 * owner's. Nothing here blocks. Instants are CLOCK_MONOTONIC.
 */
#pragma once
#include "harness/crosscheck/reply.h"
#include "harness/evidence/sample.h"

enum { CROSS_REQUEST_MAX = 1024 };

struct cross_target {
    const char *address; /* dotted IPv4 */
    uint16_t port;
    const char *path;    /* with its query */
    const char *api_key, *token; /* at most one of them; NULL: none */
};

struct cross_exchange {
    int fd; /* -1: none */
    bool connected;
    uint64_t nonce;
    int64_t sent_ns, done_ns;
    size_t out_len, out_at;
    char out[CROSS_REQUEST_MAX];
    struct cross_reply reply;
};

enum cross_progress {
    CROSS_WAITS, /* for cross_exchange_events */
    CROSS_OVER,  /* *outcome says how; the descriptor is closed */
};

/* Opens the connection; a_k is read just before. */
enum cross_progress cross_exchange_begin(struct cross_exchange *x, const struct cross_target *to, uint64_t nonce,
                                         enum outcome *outcome);
enum cross_progress cross_exchange_go(struct cross_exchange *x, enum outcome *outcome);
uint32_t cross_exchange_events(const struct cross_exchange *x); /* EPOLLIN or EPOLLOUT */
/* Given up, or over: closes the descriptor. */
void cross_exchange_close(struct cross_exchange *x);

/* OUTCOME_GOOD for a 2xx whose nonce is ours or absent; lateness is the owner's business. */
enum outcome cross_outcome_of(const struct cross_reply *r, uint64_t nonce);
/* Does it speak against the endpoint: not reached, broken off, 502, 503, 504? */
bool cross_blames(enum outcome outcome, int status);
