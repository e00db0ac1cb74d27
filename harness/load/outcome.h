/* SPDX-License-Identifier: MIT */
/*
 * What one exchange amounts to: the table "outcome of one request" of the method, as a pure function.
 *
 * Called by the streams for every answer. The invariant: a write is called failed only when it is proven that
 * nothing was applied; in doubt it is unknown.
 */
#pragma once
#include "harness/evidence/sample.h"
#include "harness/load/client.h"

/* What the body says about whose answer this is. */
enum answer_content {
    CONTENT_SILENT,  /* nothing we could compare */
    CONTENT_OURS,    /* names our operation, key and value */
    CONTENT_FOREIGN, /* names another operation or key */
};

struct outcome_ruling {
    enum outcome outcome;
    enum write_outcome write; /* WRITE_NONE for reads */
    uint8_t flags;            /* enum sample_flag */
};

/* latency_ns: completion after the *planned* send; timeout_ns: T_req. */
struct outcome_ruling outcome_rule(const struct exchange_answer *a, bool is_write, enum answer_content content,
                                   int64_t latency_ns, int64_t timeout_ns);
/* A request whose server's name brought no address: nothing was sent. */
struct outcome_ruling outcome_unnamed(bool is_write);
/* A planned request that never left this process. */
struct outcome_ruling outcome_unsent(bool is_write);
/* Does it count against the endpoint (refused, tls, reset, timeout, 502, 503, 504)? */
bool outcome_blames_endpoint(enum outcome outcome, int status);
