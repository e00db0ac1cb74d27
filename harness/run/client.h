/* SPDX-License-Identifier: MIT */
/*
 * A process of customers: forked in the network of a vantage's client, with a SOCK_SEQPACKET channel between it and us.
 * Called by crowd, shadow and swell, each for processes of its own kind; they own the process and its channel.
 *
 * The child has inherited the channels of all processes before it and must close those that would keep them alive.
 */
#pragma once
#include "harness/run/drill.h"

/* As fork(2): 0 in the child, 1 with us, -1. *channel is the end of who is told 0 or 1, and -1 on failure. */
int client_fork(struct drill *d, uint16_t vantage, struct child *process, int *channel, struct err *e);
