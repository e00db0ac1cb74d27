/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 server on one port: connections in, exchanges out.
 *
 * Called by node.c (service and admin port) and the witness. Each complete request becomes an exchange, handed to
 * `handle`, which answers now or later. Invariant: every exchange is answered exactly once, and its connection lives
 * until then, even when the client has left; so whoever holds an exchange need not watch for that.
 */
#pragma once
#include "gateway-under-test/acceptor.h"
#include "gateway-under-test/conn.h"
#include "gateway-under-test/http1.h"
#include "harness/base/loop.h"

struct err;
struct member;
struct server;
struct text;
struct tls_identity;

struct exchange {
    struct conn conn;
    struct http_message req; /* its bytes begin at conn.in.at and stay until the answer */
    struct server *server;
    struct loop_timer timer; /* head, body, idle and write time-outs: wakes at due_at or before */
    int64_t due_at;          /* INT64_MAX: none runs */
    struct loop_timer next_turn; /* there are more requests in the buffer than one turn takes */
    struct exchange *next, *prev;
    bool busy;      /* handed to the handler, not yet answered */
    bool advancing; /* server.c is on the stack */
    bool closing;   /* close once the answer is sent */
    bool continued; /* 100 Continue is sent */
    bool shaking;   /* TLS: in its handshake */
    bool told;      /* the answer is to be told to `answered` */
    int64_t begun;  /* when it was handed to the handler */
    int attempts;   /* gateway: made for it */
    const struct member *upstream; /* gateway: whose answer it is; lives until then. NULL: our own */
    bool named;                    /* gateway: that answer says where it comes from */
    /* Not NULL: the head of the answer is written, this sends its body and then
     * ends the exchange. Reset by that end. */
    void (*send_body)(struct exchange *x, const void *body, size_t len);
    void *sender; /* send_body's own */
};

struct server_limits {
    int64_t head_ms, body_ms, idle_ms, write_ms, handshake_ms;
    int connections;
};

struct server {
    struct loop *loop;
    struct acceptor acceptor;
    bool draining, held;
    const struct tls_identity *identity; /* NULL: plain; borrowed */
    int64_t handshakes, handshakes_failed;
    int open, busy; /* connections; exchanges being answered */
    struct exchange *head;
    struct server_limits limits;
    void (*handle)(void *ctx, struct exchange *x);
    /* NULL: nothing. Header lines of every answer, of those to requests that were not understood, too. */
    void (*sign)(void *ctx, const struct exchange *x, struct text *out);
    /* NULL: nobody. Of each exchange with `told`, while its request can still be read. */
    void (*answered)(void *ctx, struct exchange *x, int status, size_t len);
    void *ctx;
};

/* The limits every port uses: 5 s for a head, 5 s for a body, 30 s idle, 10 s to take an answer, 2 s for a
 * TLS handshake, 4096 connections. */
extern const struct server_limits server_defaults;

int server_open(struct server *s, struct loop *l, int port, const struct server_limits *limits,
                void (*handle)(void *ctx, struct exchange *x), void *ctx, struct err *e);
/* Newcomers speak TLS with this identity from now on; who is connected stays with what he has. */
void server_secure(struct server *s, const struct tls_identity *identity);
/* Leave newcomers waiting in the kernel's queue, or take them in. */
int server_hold(struct server *s, bool held, struct err *e);
void server_drain(struct server *s);          /* each answer is the last one of its connection from now on */
void server_stop_accepting(struct server *s); /* and close what is idle; what is still open then is unfinished */
void server_close(struct server *s);          /* everything, at once */

struct http_span exchange_method(const struct exchange *x);
struct http_span exchange_target(const struct exchange *x);
struct http_span exchange_path(const struct exchange *x); /* the target without its query */
struct http_span exchange_body(const struct exchange *x);
struct http_span exchange_field(const struct exchange *x, const char *name);

/*
 * Answer. `fields` are further header lines, each with its CRLF; a type of NULL leaves Content-Type to them. Of an
 * answer that has no body (to HEAD, or a 304) len is what Content-Length says of the one left out; LENGTH_UNTOLD: it
 * says nothing.
 */
#define LENGTH_UNTOLD SIZE_MAX
void exchange_answer(struct exchange *x, int status, const char *type, const char *fields, const void *body,
                     size_t len);
void exchange_end(struct exchange *x); /* for send_body: all that will be sent has been handed to conn */
void exchange_cut(struct exchange *x); /* end it without a word, or a further one: the connection is reset */
