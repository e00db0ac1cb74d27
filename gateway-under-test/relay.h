/* SPDX-License-Identifier: MIT */
/*
 * Passing a message on: the fields that concern both ends are copied, the rest is made anew. Used by the proxy and by
 * an origin without a store.
 */
#pragma once
#include "gateway-under-test/server.h"
#include "gateway-under-test/upstream.h"

/* Copy the fields of m but those about one connection and those named in skip (NULL-terminated, lower case). */
void relay_fields(struct text *out, const struct http_message *m, const char *bytes, const char *const *skip);
/* The len with which a response is passed on: of its body, or of the one that it says it has left out. */
size_t relay_length(const struct http_message *m);
/* The request of x as it goes to the next server, with further header lines. */
void relay_request(struct text *out, const struct exchange *x, const char *const *skip, const char *fields);
