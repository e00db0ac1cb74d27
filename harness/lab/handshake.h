/* SPDX-License-Identifier: MIT */
/*
 * One TLS handshake with a gateway, on the lab's loop, to see what customers are shown. It goes on whatever it finds
 * and tells what a customer would have said.
 *
 * Bounded in time (a timer) and in size (64 KiB from the peer); calls back exactly once, unless the list is closed
 * first.
 */
#pragma once
#include "harness/lab/lab.h"
#include <netinet/in.h>

struct ssl_ctx_st;
struct handshake;
struct handshake_list {
    struct handshake *first;
};

struct handshake_order {
    struct loop *loop;
    int64_t zero_ns; /* loop time of run time 0 */
    int64_t timeout_ns;
    struct sockaddr_in to;
    struct ssl_ctx_st *customer; /* what is believed; borrowed until the call back */
    lab_answer_fn *done;         /* status: an enum handshake_end; body as in lab.h */
    void *arg;
};

/* Takes the socket (non-blocking, not yet connected) whatever happens. */
int handshake_start(struct handshake_list *list, int take_fd, const struct handshake_order *o, struct err *e);
void handshake_list_close(struct handshake_list *list); /* drops what is under way without a word */
