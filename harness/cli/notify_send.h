/* SPDX-License-Identifier: MIT */
/* The sending process of --notify. For notify.c. */
#pragma once
#include <stdint.h>

/* Read events from fd, one a datagram, until it is closed; post each to url; keep the record. Exits with the number of
 * events that nobody took, 125 at most. */
_Noreturn void notify_send_all(int fd, const char *url, const char *run_path);
int64_t notify_send_bound_ns(void); /* how long it may take from the close of fd on */
