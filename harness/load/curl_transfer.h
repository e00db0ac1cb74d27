/* SPDX-License-Identifier: MIT */
/*
 * One easy handle of libcurl, made once and used for many exchanges. For transport_curl.c only, which starts and
 * ends it.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/load/answer_head.h"
#include "harness/load/client.h"
#include "harness/load/curl_sockets.h"

enum { TRANSFER_HEADERS = 4, TRANSFER_HEADER_MAX = 320 };

struct transfer {
    struct curl_transport *home;
    struct curl_sockets *sockets;
    CURL *easy;
    CURLU *url;
    char address[16]; /* what url and easy are set to: */
    uint16_t port;
    long limit_ms, connect_ms;
    bool post, fresh;
    struct curl_slist headers[TRANSFER_HEADERS];
    char header_text[TRANSFER_HEADERS][TRANSFER_HEADER_MAX];
    struct text request_body, body;
    struct answer_head head;
    struct exchange_answer answer;
    struct loop_timer timeout; /* the owner's */
    struct curl_peer *peer;    /* kept-alive requests only */
    bool active;               /* in the multi handle; the owner's */
    bool had_idle;             /* an idle connection was there when it began */
    size_t request_size;       /* about: what one request comes to */
    int fd;                    /* opened last, -1 none */
    int watched_fd;            /* the owner's: whose news this request waits for, -1 none */
    bool ended;                /* the owner's: libcurl is through with it, its owner was not told yet */
    CURLcode code;             /* how it ended, */
    int64_t ended_ns;          /* and when that was seen */
    int socket_errno;          /* why no socket could be opened, 0 */
    uint64_t nonce;
    exchange_done *done;
    void *arg;
};

/* authority: file with the root that servers are believed by, over https; NULL: http. NULL when libcurl refuses. */
struct transfer *transfer_new(struct curl_transport *home, struct curl_sockets *sockets, const char *authority);
void transfer_free(struct transfer *x); /* not in a multi handle any more */
/* Everything that differs from request to request; false when it cannot be a request. */
bool transfer_prepare(struct transfer *x, const struct exchange_request *r);
/* Fill x->answer; the body is borrowed from x. */
void transfer_read(struct transfer *x, CURLcode code, int64_t now_ns);
