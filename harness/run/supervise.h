/* SPDX-License-Identifier: MIT */
/*
 * The supervisor of the gateways' processes (topology.liveness), as a container platform has one: who fails its probe
 * so many times in a row is killed and, after a pause, started again.
 *
 * Made and freed by the conductor, between the nodes' start and the end of the lab. What it does goes through the
 * fabric, so that it cannot bring back a node that a fault holds down. Invariant: it acts on processes that run and no
 * others; a machine that is dead or frozen has no supervisor that could act.
 */
#pragma once
#include "harness/run/drill.h"

struct supervisor;
void supervisor_new(struct supervisor **out, struct drill *d); /* NULL in a world without one */
void supervisor_free(struct supervisor *s);
