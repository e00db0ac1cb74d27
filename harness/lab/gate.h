/* SPDX-License-Identifier: MIT */
/*
 * The gates of a path (struct path_gate) as a set: how wishes merge. Pure. There is one gate per port, the strongest
 * that anybody wants; gates of ports are tried before the one of all packets; a cut hides those that would answer.
 */
#pragma once
#include "harness/spec/topology.h"

/* False: no room for all of them; those that found room are there. */
bool gates_add(struct path_state *sum, const struct path_state *wish);
void gates_hide(struct path_state *s); /* under a cut */
bool gates_same(const struct path_state *a, const struct path_state *b);
/* Those that both have. */
void gates_common(const struct path_state *a, const struct path_state *b, struct path_state *both);
/* The gate that meets a packet of these ports, NULL if none. Other packets than TCP have ports 0 0. */
const struct path_gate *gate_met(const struct path_gate *gates, size_t n, uint16_t from_port, uint16_t to_port);
