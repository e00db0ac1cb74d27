/* SPDX-License-Identifier: MIT */
/*
 * A question to the traffic manager on the wire, and its answer read: one name, its addresses. Called by ask.c. Pure;
 * the bytes of the answer come from the system under test and are hostile.
 */
#pragma once
#include "harness/base/text.h"
#include <jansson.h>

void ask_dns_query(struct text *out, const char *name); /* a name of the zone, without it */
/* {"rcode", "answer", "ttl"} as in lab.h; NULL: no answer to such a query. New reference. */
json_t *ask_dns_body(const struct text *answer);
