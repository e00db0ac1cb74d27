/* SPDX-License-Identifier: MIT */
/* The serving process of --live. For live.c. */
#pragma once
#include "harness/spec/plan.h"

/* Listens on a port of 127.0.0.1 that the kernel chooses, writes it to fd as eight digits or fewer with a line
 * break, or a text that is no number on failure; then takes messages from fd, one a datagram, and serves until it is
 * closed. */
_Noreturn void live_serve(int fd, const struct plan *plan, const char *run_path);
