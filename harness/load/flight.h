/* SPDX-License-Identifier: MIT */
/*
 * Requests under way, so that their owner may go before they land.
 *
 * A struct flight is the first member of a heap object that describes one request. Launched, it belongs to its home
 * until the transport answers: landed is called, which owns the object from then on. If the home was abandoned
 * meanwhile, the object is freed instead and nobody is called.
 */
#pragma once
#include "harness/load/client.h"

struct flights {
    struct flight *first;
    size_t count;
};

struct flight {
    struct flights *home;
    struct flight *previous, *next;
    void (*landed)(struct flight *f, const struct exchange_answer *a);
};

/* -1: not handed over; the object is still the caller's. */
int flight_launch(struct flight *f, struct flights *home, struct transport *t, const struct exchange_request *r,
                  struct err *e);
void flights_abandon(struct flights *home);
