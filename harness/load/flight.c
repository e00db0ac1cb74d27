/* SPDX-License-Identifier: MIT */
/*
 * A doubly linked list per home. The transport knows only the flight; whether anyone still waits for it is seen when it
 * lands.
 */
#include "harness/load/flight.h"

#include <stdlib.h>

static void enter(struct flight *f, struct flights *home)
{
    f->home = home;
    f->previous = NULL;
    f->next = home->first;
    if (f->next) {
        f->next->previous = f;
    }
    home->first = f;
    home->count++;
}

static void leave(struct flights *home, struct flight *f)
{
    if (f->previous) {
        f->previous->next = f->next;
    } else {
        home->first = f->next;
    }
    if (f->next) {
        f->next->previous = f->previous;
    }
    home->count--;
    f->home = NULL;
}

static void on_answer(void *arg, const struct exchange_answer *a)
{
    struct flight *f = arg;
    struct flights *home = f->home;
    if (!home) {
        free(f);
        return;
    }
    leave(home, f);
    f->landed(f, a);
}

int flight_launch(struct flight *f, struct flights *home, struct transport *t, const struct exchange_request *r,
                  struct err *e)
{
    enter(f, home);
    if (t->ops->send(t, r, on_answer, f, e) != 0) {
        leave(home, f);
        return -1;
    }
    return 0;
}

void flights_abandon(struct flights *home)
{
    while (home->first) {
        leave(home, home->first);
    }
}
