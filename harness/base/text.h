/* SPDX-License-Identifier: MIT */
/*
 * Text: a growing string, and the few string questions that several rooms ask.
 *
 * A zeroed struct text is empty and ready; text_str never returns NULL. Appending cannot fail (memory aborts).
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *at; /* NUL-terminated when not NULL */
    size_t len, cap;
};

void text_deinit(struct text *t);
void text_clear(struct text *t);
void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *s, size_t len);
void text_add_int(struct text *t, int64_t n); /* in decimal */
void text_room(struct text *t, size_t more);  /* that many bytes can be added without moving the text */
void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_vaddf(struct text *t, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
const char *text_str(const struct text *t);
char *text_steal(struct text *t); /* the heap string, never NULL; t is empty afterwards */
#define scoped_text __attribute__((cleanup(text_deinit)))

bool text_eq(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts(const char *s, const char *prefix);
const char *text_behind_bom(const char *s); /* without the byte order mark that some editors begin a file with */
bool text_is_name(const char *s); /* [a-z0-9]+(-[a-z0-9]+)*, at most 40 characters */

/* The candidate (of n) nearest to word by edit distance when it is near enough to be meant, else NULL. */
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

/* Decode one UTF-8 character at s (len bytes left). Returns its bytes, 0 for an invalid sequence; RFC 3629. */
size_t utf8_decode(const char *s, size_t len, uint32_t *codepoint);

/* Read a whole file of at most max bytes into t. Longer: -1 with ERR_READING and os
 * EFBIG. Never reads a directory or a FIFO. */
struct err;
int text_read_file(struct text *t, const char *path, size_t max, struct err *e);

/* All len bytes at an offset, whatever the kernel takes or gives at a time. Returns 0 or an errno; a file that ends
 * before is EIO, one that takes no more ENOSPC. */
int file_write_at(int fd, const char *bytes, size_t len, int64_t at);
int file_read_at(int fd, char *bytes, size_t len, int64_t at);

/* Write a file whole or not at all: temporary name in the same folder, fsync, rename(2). */
int file_replace(const char *path, const void *bytes, size_t len, struct err *e);

/* Make the folder and those above it that are not there yet (0777 less the umask); one that is there is fine. */
int folder_make(const char *path, struct err *e);
/* The same for the folder that this file is to lie in. */
int folder_make_above(const char *file, struct err *e);
