/* SPDX-License-Identifier: MIT */
/* What the faults about connections have in common: asking tethers. Private to this room. */
#pragma once
#include "injectors/link.h"

/* Does nothing pass between the ends of a tether, for another fault's sake, or is there no saying? */
bool tied_hidden(const struct injection *in, const struct tether *t);
/* How a connection begun since the instant fares: PENDING until one has been tried. *how is what became of it. */
enum proof tied_try(struct injection *in, struct tether *t, int64_t since_ns, enum tether_trial *how);
/* The connection between places that no fault hits stands as before and, where
 * new ones are in question, lets one in. */
enum proof tied_control(struct injection *in, bool new_ones);
const char *tied_word(enum tether_trial how);
