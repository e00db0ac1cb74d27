/* SPDX-License-Identifier: MIT */
/*
 * Slow clients of a surge: connections that send or read a byte at a time. For surge.c only. Real loops only.
 */
#pragma once
#include "harness/base/loop.h"
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct slow_clients;
/* n connections to the address, each made anew a tick after it ends. path is what they ask for. Copies both. */
struct slow_clients *slow_clients_new(struct loop *l, size_t n, const struct sockaddr_in *to, const char *path);
void slow_clients_free(struct slow_clients *s);
size_t slow_clients_held(const struct slow_clients *s);
uint64_t slow_clients_reopened(const struct slow_clients *s);
