/* SPDX-License-Identifier: MIT */
/*
 * One non-blocking TCP connection with a buffer each way, on the loop.
 *
 * Embedded in its owner (server.c, upstream.c, the replication links). `event` is called after every arrival, after the
 * end of connecting, and after a failure, and is the last thing conn does: it may close and free the owner. The owner
 * reads `in` and takes from it with conn_take. A zeroed struct conn is closed. fd is -1 or 0 while closed.
 *
 * A secured connection speaks TLS on the network and plain bytes to its owner, who need not know.
 */
#pragma once
#include "harness/base/loop.h"
#include "harness/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr_in;
struct tls;

struct conn {
    struct loop_io io;
    struct loop *loop;
    int fd;
    struct text in, out;
    struct tls *tls;  /* NULL: plain */
    struct text wire; /* out as TLS made it */
    size_t out_at;    /* bytes of out, or of wire, that are sent */
    int64_t user_timeout_ms; /* of a dialled one */
    size_t in_limit; /* reading stops when in holds this many */
    bool open, connecting, paused;
    uint32_t watched; /* events asked of the loop */
    bool eof;         /* the peer has sent all it will */
    int error;        /* errno of what broke the connection, 0 while well */
    void (*event)(struct conn *c);
};

/* Take over a connected, non-blocking descriptor. Clears the buffers but keeps their memory. */
int conn_adopt(struct conn *c, struct loop *l, int fd, size_t in_limit, void (*event)(struct conn *c));
/* Speak TLS from now on, as the server; takes t. Before anything was read or sent. */
void conn_secure(struct conn *c, struct tls *t);
bool conn_shaken(const struct conn *c); /* plain, or through with its handshake */
/* Begin to connect; `event` tells the outcome. -1 with c->error set when it fails at once. */
int conn_dial(struct conn *c, struct loop *l, const struct sockaddr_in *to, int64_t user_timeout_ms, size_t in_limit,
              void (*event)(struct conn *c));
/* How long a dialled one may wait for the peer to acknowledge what was sent; as it was when it was dialled, else. */
void conn_set_user_timeout(struct conn *c, int64_t ms);
void conn_send(struct conn *c, const void *bytes, size_t len); /* failure shows in c->error, without an event */
bool conn_idle(const struct conn *c);                          /* nothing left to send */
bool conn_waiting(const struct conn *c);                       /* bytes have come that are not read yet */
void conn_take(struct conn *c, size_t n);                      /* drop n bytes from the front of in */
void conn_pause(struct conn *c, bool pause);                   /* stop or go on reading */
void conn_reset(struct conn *c); /* the peer is to see a reset when it is closed; until then it counts as broken */
void conn_close(struct conn *c);
void conn_deinit(struct conn *c); /* close and free the buffers */

/* Listen on a TCP port of all addresses, SO_REUSEADDR, non-blocking. -1 with e set. */
struct err;
int tcp_listen(int port, struct err *e);
/* Accept one; -1 when none is waiting. TCP_NODELAY is set. */
int tcp_accept(int listener);
bool tcp_address(const char *ip, int port, struct sockaddr_in *out);
