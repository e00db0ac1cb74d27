/* SPDX-License-Identifier: MIT */
/*
 * What the witness decides, apart from sockets and clocks: who holds the lease, which epoch counts, who may be granted
 * it next. The caller gives the time (ns, any clock that does not stop) and saves the book when told that it changed.
 *
 * Invariants: the epoch never falls and rises with every change of holder; unless an operator forces it, a lease is
 * granted to nobody else before it has run out, and in sync mode only to a region in sync.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define BOOK_REGIONS_MAX 99
#define BOOK_NAME 64

struct err;

struct book_region {
    char name[BOOK_NAME];
    bool in_sync;
    bool wants; /* asked lately as a candidate, and with what */
    int64_t asked_ns, log_epoch, lsn;
    bool behind; /* it asks with an epoch that others have left behind */
    int64_t behind_since_ns;
};

struct book {
    struct book_region regions[BOOK_REGIONS_MAX];
    int region_count;
    int prefer;  /* index: the home region */
    int holder;  /* index, -1: nobody yet */
    int stay;    /* index of the region that an operator ordered the leadership to, -1: none */
    bool passed; /* the holder has been named by a transfer and has not fetched the lease yet */
    int64_t epoch, until_ns, lease_ns;
    int64_t others_from_ns; /* before this only the holder and the home region are granted the lease */
};

struct book_question {
    int region;
    int64_t epoch, log_epoch, lsn;
    bool want, lead, sync, force;
};

void book_init(struct book *b, int64_t lease_ns);
int book_add_region(struct book *b, const char *name); /* all are in sync to begin with */
int book_find(const struct book *b, const char *name); /* -1: unknown */
/* After construction and loading. */
void book_start(struct book *b, int64_t now, int64_t grace_ns);
/* Grant, renew or refuse. *changed: the book must be saved before the answer is given. */
bool book_ask(struct book *b, const struct book_question *q, int64_t now, bool *changed);
/* The holder passes the lease on. sync: only to a region in sync. */
bool book_transfer(struct book *b, int from, int64_t epoch, int to, bool ordered, bool sync, int64_t now);
/* The holder says whether a peer has everything that was acknowledged. */
bool book_sync(struct book *b, int from, int64_t epoch, int peer, bool in_sync, bool *changed);
int64_t book_left_ms(const struct book *b, int64_t now);

json_t *book_save(const struct book *b);
int book_load(struct book *b, const json_t *doc, struct err *e);
