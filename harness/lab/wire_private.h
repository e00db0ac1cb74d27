/* SPDX-License-Identifier: MIT */
/* What passes between the lab (wire.c) and the wire's process (wire_loop.c): one message each way per question. */
#pragma once
#include "harness/lab/helper.h"
#include "harness/lab/wire.h"

enum wire_what { WIRE_SET, WIRE_GET, WIRE_TOTALS };

struct wire_ask {
    enum wire_what what;
    uint16_t path;
    struct path_state shape;
};

struct wire_answer {
    struct helper_answer head;
    struct path_state shape;
    struct wire_counts counts;
};

/* The life of the process: answers once when it is ready (or why not), then until the other end is closed. */
_Noreturn void wire_live(int control_fd, const struct wire_options *o);
