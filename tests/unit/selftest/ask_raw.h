/* SPDX-License-Identifier: MIT */
/* One request over a plain blocking socket: what the scripted servers are asked by in these tests. */
#pragma once
#include <stdint.h>

enum raw { RAW_ANSWER, RAW_RESET, RAW_CLOSED, RAW_SILENT, RAW_REFUSED };

/* Connects and sends; -1 when that fails. */
int raw_send(const char *address, uint16_t port, const char *request);
/* Waits for the end of the answer, closes the socket. text gets it, NUL-terminated. */
enum raw raw_take(int fd, int timeout_ms, char *text, unsigned long size);
enum raw raw_ask(const char *address, uint16_t port, const char *request, int timeout_ms, char *text,
                 unsigned long size);
