/* SPDX-License-Identifier: MIT */
/*
 * Messages between stores, on TCP:
 *
 *     u32 length of what follows the CRC · u32 CRC-32C of it · u8 type · u64 epoch of the sender · body
 *
 *     HELLO     leader    region, u64 last lsn, u16 n, n x (u64 epoch, u64 first lsn)   "I lead; this is my history"
 *     STATE     follower  region, u64 last lsn, u8 traits           "What differs is cut; ship what follows"
 *     RECORDS   leader    encoded records (record.h), consecutive
 *     BEAT      leader    u64 lsn of the newest revocation, 0 none; asks for an ACK
 *     ACK       follower  u64 last lsn, u8 traits
 *     REFUSE    follower  nothing; "your epoch is behind mine"
 *     TAKEOVER  leader    nothing; "the lease is yours, fetch it"
 *     VOUCH     leader    u64 stamp                    "the witness is silent: will you leave the lease to me?"
 *     VOUCHED   follower  u64 the same stamp           "for as long as one lasts, from now on"
 *
 * A region is u8 length and bytes. Traits: bit 0, this is the home region; bit 1, it drains and does not want to lead.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD 8
#define FRAME_MAX ((size_t)512 * 1024)
#define FRAME_HOME 1
#define FRAME_DRAINING 2

enum frame_type { FRAME_HELLO = 1, FRAME_STATE, FRAME_RECORDS, FRAME_BEAT, FRAME_ACK, FRAME_REFUSE, FRAME_TAKEOVER,
                  FRAME_VOUCH, FRAME_VOUCHED };

struct frame {
    enum frame_type type;
    int64_t epoch;
    const char *body;
    size_t len;
};

enum frame_read { FRAME_OK, FRAME_SHORT, FRAME_BAD };

struct text;
/* Begin a frame in out and return its place; the body is then added to out and frame_end seals it. */
size_t frame_begin(struct text *out, enum frame_type type, int64_t epoch);
void frame_end(struct text *out, size_t at);
void frame_add_u64(struct text *out, int64_t v);
void frame_add_region(struct text *out, const char *region);
enum frame_read frame_read(const char *bytes, size_t len, struct frame *f, size_t *used);
/* Take from the front of a body; -1 when it is too short or out of range. */
int frame_take_u64(struct frame *f, int64_t *out);
int frame_take_u8(struct frame *f, int *out);
int frame_take_region(struct frame *f, char out[64]);
