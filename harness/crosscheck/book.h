/* SPDX-License-Identifier: MIT */
/*
 * The second prober's pen: lines of crosscheck.csv (harness/evidence/cross.h), chained by their checks.
 *
 * Lines are gathered and written whole on an O_APPEND descriptor, so those of several probers never tear each other.
 * The first failure stays; the owner looks at it after cross_book_flush.
 */
#pragma once
#include "harness/base/err.h"
#include "harness/evidence/cross.h"

struct cross_book {
    int fd;
    uint16_t vantage;
    uint32_t check; /* of the last line */
    uint64_t requests, changes;
    size_t len;
    char lines[64 * CROSS_LINE_MAX];
    struct err failure;
};

/* Writes the begin line, too. */
int cross_book_open(struct cross_book *b, const char *run_path, uint16_t vantage, struct err *e);
/* kind, outcome, node, status, number and instants of r count; vantage and check are the book's business, and so is the
 * number of a change and of the end. */
void cross_book_add(struct cross_book *b, const struct cross_record *r);
int cross_book_flush(struct cross_book *b, struct err *e);
void cross_book_close(struct cross_book *b); /* without an end line: add it before */
