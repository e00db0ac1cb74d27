/* SPDX-License-Identifier: MIT */
/*
 * A process that hears of the course of a run by datagrams and is never waited for: the sender of --notify, the server
 * of --live (decision 0056). Forked before the conductor, outside of the lab's namespaces; ends when its channel
 * closes.
 */
#pragma once
#include "harness/base/child.h"
#include <jansson.h>

#define LISTENER_MESSAGE_MAX (128 * 1024) /* bytes of one message with its end */

struct err;

struct listener {
    int fd; /* to the process; -1: there is none, and telling does nothing */
    struct child process;
};

/* flag names the giver for messages. In the child returns 0, with its end of the channel in *theirs and the signals
 * of a terminal ignored: the end of the run is told, too. In the parent 1, -1 on failure. */
int listener_fork(struct listener *l, const char *flag, const char *name, int *theirs, struct err *e);
void listener_tell(struct listener *l, json_t *take_message); /* what does not fit the queue or the bound is lost */
void listener_close(struct listener *l);                      /* a process that is still at work is stopped */
