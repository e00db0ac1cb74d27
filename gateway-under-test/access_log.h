/* SPDX-License-Identifier: MIT */
/*
 * The access log of a gateway: one JSON object a line for each request on a service port, for whoever collects logs.
 *
 * Owned by gateway.c. Lines are gathered and written every 200 ms, or when there are many. A line that cannot be
 * written is counted and lost; requests do not wait for it. SIGHUP opens the file anew, so it can be rotated by
 * renaming. A file that may not grow further is closed, and the node's log says so.
 */
#pragma once
#include "harness/base/loop.h"
#include "harness/base/text.h"

struct config;
struct exchange;
struct node;

struct access_log {
    struct node *node;
    struct loop_timer timer;
    int fd;              /* -1: none */
    int64_t size, most;  /* of the file, bytes; most 0: however many */
    struct text lines;
    bool told; /* that it cannot be written */
};

void access_log_open(struct access_log *l, struct node *n, const struct config *c); /* again: anew */
void access_log_close(struct access_log *l);
void access_log_add(struct access_log *l, const struct exchange *x, int status, size_t len, int64_t took_ns);
