/* SPDX-License-Identifier: MIT */
/*
 * The stall canary: a thread of this process that does nothing but notice when it was not run in time.
 *
 * The only thread in the harness (a loop cannot notice its own stalls while it is stalled). The worker owns it and
 * drains it every now and then. Real clock only.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct err;
struct stall;

struct stall_note {
    int64_t due_ns, woke_ns; /* CLOCK_MONOTONIC */
};

int stall_start(struct stall **out, struct err *e);
bool stall_take(struct stall *s, struct stall_note *note); /* false: none left */
void stall_stop(struct stall *s);                          /* joins the thread, within a tick; NULL is fine */
