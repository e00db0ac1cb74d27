/* SPDX-License-Identifier: MIT */
/*
 * The X-DR-* headers of an answer, read line by line (docs/protocol.md section 2). Pure; the bytes are hostile.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer_head {
    bool has_nonce, nonce_malformed;
    bool has_check, check_malformed;
    bool not_forwarded;
    uint64_t nonce;
    uint32_t check;
    char region[48], node[64];
    uint32_t epoch;
    uint64_t lsn;
    uint16_t attempts;
};

/* One line as received, line break included. A status line starts over (100-continue, then the answer proper). A
 * header whose value is not what the protocol says counts as present and wrong where it is a check, else as absent. */
void answer_head_line(struct answer_head *h, const char *line, size_t len);
