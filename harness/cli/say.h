/* SPDX-License-Identifier: MIT */
/*
 * How drtest looks on a stream, and the house form of its errors.
 *
 * A face is decided once per stream: whether it is a terminal, shows colour, takes UTF-8, how wide it is. Colour:
 * --color, then NO_COLOR (non-empty: off), FORCE_COLOR (non-empty and not 0: on), then terminal or not.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct err;
struct text;

struct face {
    bool terminal; /* may move the cursor: a terminal, TERM is not dumb, CI is not set */
    bool colour, utf8;
    int width; /* 0 where lines are not to be wrapped */
};

/* color: auto, always or never. */
struct face face_of(int fd, const char *color);

/* error[DR0401]: message / --> place / = help: remedy, on standard error. Returns the exit code of the error. */
int say_error(const struct face *face, const struct err *e);
void say_warning(const struct face *face, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_error_text(struct text *out, const struct err *e, bool colour);

/* The stable code of an error, e.g. 401 for DR0401. */
int say_code(const struct err *e);
const char *say_code_text(int code); /* what a general code means, NULL for any other */

/* That nothing of what was looked at was wanted. Returns the exit code, 6. */
int say_no_match(size_t looked_at);

/* Age for people: "3 d", "2 h". */
void say_age(char out[32], double seconds);
