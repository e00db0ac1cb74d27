/* SPDX-License-Identifier: MIT */
/*
 * The members of an order's answer that a customer looks at (docs/protocol.md section 2). Pure; the bytes are hostile.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer_word {
    const char *at; /* not terminated; NULL: no such member, or it is no text */
    size_t len;
};

struct answer_body {
    struct answer_word key, op, value;
    int64_t version, lsn; /* 0: no such member, or it is no integer */
    json_t *doc;          /* what the words point into, when that is not the body itself */
};

/* False: the body is no JSON object. Words point into body or doc. */
bool answer_body_read(struct answer_body *b, const char *body, size_t len);
void answer_body_deinit(struct answer_body *b);
#define scoped_answer __attribute__((cleanup(answer_body_deinit)))
