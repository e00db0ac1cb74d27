/* SPDX-License-Identifier: MIT */
/*
 * One HTTP/1.1 answer, read from a stream of bytes that may say anything: status, length of the body, our nonce.
 *
 * Pure and bounded: a head of at most CROSS_HEAD_MAX bytes, a body of at most CROSS_BODY_MAX that is counted and thrown
 * away. RFC 9112; what is not needed here (chunked bodies, folded lines) is an answer we cannot read.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CROSS_HEAD_MAX = 8192, CROSS_BODY_MAX = 1 << 20 };

enum cross_reply_state {
    CROSS_REPLY_MORE,  /* not all there yet */
    CROSS_REPLY_WHOLE, /* head and body are there */
    CROSS_REPLY_BAD,   /* this is no answer, or none that can be read here */
    CROSS_REPLY_SHORT, /* the stream ended within it */
};

/* Zeroed is ready for the first byte. */
struct cross_reply {
    char head[CROSS_HEAD_MAX];
    size_t head_len, seen; /* seen: bytes of the head already searched for its end */
    bool head_done;
    unsigned interim;           /* 1xx answers skipped so far */
    int status;                 /* 100..999 once head_done */
    bool has_length, has_nonce; /* has_nonce: exactly one, of 16 hex digits; else see bad_nonce */
    bool bad_nonce;             /* there is one that is none, or two that differ */
    uint64_t length, nonce, body;
};

/* Hand over the next bytes; at the end of the stream call once more with eof and no bytes. Once it is not MORE, the
 * answer is over and nothing more may be handed over. */
enum cross_reply_state cross_reply_take(struct cross_reply *r, const char *bytes, size_t len, bool eof);
