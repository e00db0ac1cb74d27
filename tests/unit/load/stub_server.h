/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP/1.1 server on the test's own loop that does to each request what the test says: answer, delay, hold, cut
 * short, lie, reset. Its answers are those of docs/protocol.md unless told otherwise.
 */
#pragma once
#include "harness/base/loop.h"
#include "harness/base/text.h"

enum stub_fate {
    STUB_ANSWER,
    STUB_HOLD,  /* read it, never answer */
    STUB_CLOSE, /* close without a byte */
    STUB_RESET, /* the same with a reset */
    STUB_CUT,   /* announce the whole body, send half of it, close */
};

struct stub_request {
    bool post;
    char target[256], nonce[64], idempotency_key[128], body[1024];
    char raw[4096];         /* the head as it came */
    unsigned on_connection; /* 1..: its number on its connection */
};

struct stub_reply {
    enum stub_fate fate;
    int status;
    int64_t delay_ns;
    struct text body;
    const char *nonce;  /* instead of the request's */
    const char *region; /* "here" */
    bool wrong_check, bare; /* bare: no X-DR headers at all */
    bool not_forwarded, close_after;
};

struct stub_server {
    struct loop *loop;
    struct loop_io listener;
    char address[16];
    uint16_t port;
    struct stub_connection *connections;
    unsigned accepted, requests; /* so far; probes of /readyz not among the requests */
    unsigned probes;
    uint32_t version;
    /* Change the reply before it goes out; NULL: leave it. */
    void (*serve)(struct stub_server *s, const struct stub_request *rq, struct stub_reply *rp);
    void *arg;
    enum stub_fate probe_fate;
    int probe_status; /* 0: 200 */
};

/* port 0: any. Ends the program when it cannot listen. */
void stub_start(struct stub_server *s, struct loop *l, const char *address, uint16_t port);
void stub_refuse(struct stub_server *s);       /* listen no more, connections go on */
void stub_drop_connections(struct stub_server *s);
void stub_stop(struct stub_server *s);
