/* SPDX-License-Identifier: MIT */
/* What passes between the lab (answerer.c) and the answerer's process
 * (answerer_loop.c): one message each way per question. */
#pragma once
#include "harness/lab/answerer.h"
#include "harness/lab/helper.h"

struct answerer_ask {
    bool set; /* else only: tell the order of order.path */
    struct answerer_order order;
};

struct answerer_answer {
    struct helper_answer head;
    struct answerer_order order;
    uint64_t answered;
};

/* The life of the process: answers once when it is ready (or why not), then until the other end is closed. */
_Noreturn void answerer_live(int control_fd, const struct answerer_options *o);
