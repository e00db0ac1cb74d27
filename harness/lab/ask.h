/* SPDX-License-Identifier: MIT */
/*
 * One small HTTP/1.1 question to a node and its answer, on the lab's loop: admin calls and knocks alike.
 *
 * Bounded in time (a timer) and in size (64 KiB of answer); calls back exactly once, unless the list is closed first.
 * The answer comes from the system under test and is treated as hostile.
 */
#pragma once
#include "harness/lab/lab.h"
#include <netinet/in.h>

struct ask;
struct ask_list {
    struct ask *first;
};

struct ask_order {
    struct loop *loop;
    int64_t zero_ns;         /* loop time of run time 0 */
    int64_t timeout_ns;
    struct sockaddr_in to;
    const char *method, *target, *body; /* target NULL: a connection is all that is asked for */
    bool knock;              /* the answer's status is an enum knock */
    bool dns;                /* a datagram: target is the name to ask for */
    lab_answer_fn *done;
    void *arg;
};

/* Takes the socket (non-blocking, not yet connected) whatever happens. */
int ask_start(struct ask_list *list, int take_fd, const struct ask_order *o, struct err *e);
void ask_list_close(struct ask_list *list); /* drops what is under way without a word */
