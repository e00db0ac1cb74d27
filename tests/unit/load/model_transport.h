/* SPDX-License-Identifier: MIT */
/*
 * A transport that is a function of the request: for a virtual clock, where all that counts is when and what.
 */
#pragma once
#include "harness/load/client.h"

#define MODEL_NOT_SENT INT64_MIN /* as latency: send fails */

/* Fill the answer and say how long it takes. Called at the instant of sending. */
typedef void model_answer(const struct exchange_request *r, struct exchange_answer *a, int64_t *latency_ns);

struct transport *model_transport_new(struct loop *l, model_answer *answer);
/* A sound 200: version 9, lsn 77, epoch 5, region "here". */
void model_good(const struct exchange_request *r, struct exchange_answer *a);
