/* SPDX-License-Identifier: MIT */
/* What live tests see of the netns lab's inside, for measuring past everything that is under test. */
#pragma once
#include "harness/lab/lab.h"

#include <netinet/in.h>
#include <sys/types.h>

int inside_socket(struct lab *lab, uint16_t node); /* TCP, non-blocking, in the node's namespace; the caller's own */
struct sockaddr_in inside_address(struct lab *lab, uint16_t node); /* its serving port */
pid_t inside_pid(struct lab *lab, uint16_t node);
int64_t inside_processor_ns(struct lab *lab, uint16_t node); /* that its process has used so far */
/* One exchange over a fresh connection from one node to another's serving port: the status, 0 without an answer. */
int inside_ask(struct lab *lab, uint16_t from, uint16_t to, const char *request, int patience_ms);
int inside_get(struct lab *lab, uint16_t from, uint16_t to, const char *target, int patience_ms);
/* POST of a fresh order: the status. */
int inside_write_order(struct lab *lab, uint16_t from, uint16_t to, int patience_ms);
