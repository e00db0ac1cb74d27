/* SPDX-License-Identifier: MIT */
/*
 * Names and bodies of the orders API (docs/protocol.md section 2): what streams send and final reads find. Pure.
 */
#pragma once
#include "harness/load/outcome.h"

struct order {
    uint16_t client, key;
    uint64_t seq, value;
};

#define ORDER_NAME 40
#define ORDER_BODY 160
char *order_name(const struct order *o, char out[ORDER_NAME]); /* c0-351 */
char *order_body(const struct order *o, char out[ORDER_BODY]);
/* The op id back into client and seq, the key's number, the value's digest. False: none that we would write. */
bool order_read_name(const char *op, uint16_t *client, uint64_t *seq);
bool order_read_key(const char *key, uint16_t *number);
bool order_read_value(const char *value, uint64_t *digest);

struct order_answer {
    enum answer_content content;
    uint32_t version;
    uint64_t lsn;
};
/* Whose answer is this body? Writes compare op, key and (where given) value, reads the key alone. */
struct order_answer order_read_answer(const char *body, size_t len, const struct order *asked, bool is_write);
