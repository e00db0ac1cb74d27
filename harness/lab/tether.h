/* SPDX-License-Identifier: MIT */
/*
 * A TCP connection of ours from one node's namespace to another's, to see from outside what becomes of connections:
 * does one that stands go on carrying data, when did it break, is a new one let in? Both ends stand in this process;
 * the listening end is a socket of our own, so it answers whatever the node's processes do.
 *
 * Made before the baseline, on the lab's loop. Twenty small messages a second go one way; a connection that broke is
 * made anew at once. New ones are tried on request only.
 */
#pragma once
#include "harness/lab/lab.h"

struct tether;
int tether_new(struct tether **out, struct lab *lab, const struct topology *t, uint16_t from, uint16_t to,
               struct err *e);
void tether_free(struct tether *t);
uint16_t tether_from(const struct tether *t);
uint16_t tether_to(const struct tether *t);

/* Try a connection beside the standing one; nothing happens while one is being tried. */
void tether_try(struct tether *t, int64_t patience_ns);

enum tether_trial { TRIAL_NONE, TRIAL_LET_IN, TRIAL_REFUSED, TRIAL_SILENT };
struct tether_view { /* instants in run time; -1: never */
    int64_t up_ns;     /* since when it stands; -1: it does not */
    int64_t carried_ns; /* when the newest message that has arrived was sent */
    int64_t broke_ns;  /* when one last broke */
    int64_t stood_ns;  /* and since when that one had stood */
    enum tether_trial trial; /* how the newest trial ended that has */
    int64_t tried_ns;        /* when that one began */
};
struct tether_view tether_look(const struct tether *t);
