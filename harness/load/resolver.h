/* SPDX-License-Identifier: MIT */
/*
 * The name of the service as the clients of one vantage know it: asked of the traffic manager through c-ares, kept as
 * long as clients of that class keep it. One query at a time; whoever asks meanwhile shares its answer.
 */
#pragma once
#include "harness/base/loop.h"
#include "harness/spec/topology.h"

struct err;
struct resolver;

/* Somebody who waits for an address; embedded in its owner. */
struct naming {
    struct naming *next;
    /* Once, maybe within resolver_ask. address: dotted IPv4, borrowed; NULL: the name failed. */
    void (*named)(struct naming *n, const char *address);
};

/* server: dotted IPv4. A query is given up within limit_ns. Borrows the loop, which must be a real one. */
int resolver_new(struct resolver **out, struct loop *l, const char *server, uint16_t port, enum dns_class kept,
                 int64_t limit_ns, struct err *e);
void resolver_free(struct resolver *r); /* whoever still waits is told that the name failed; NULL is fine */
void resolver_ask(struct resolver *r, struct naming *n);
/* How many addresses of the answer come after this one, for clients who take several; the first of them in *next,
 * borrowed until the next answer. */
size_t resolver_after(const struct resolver *r, const char *address, const char **next);
