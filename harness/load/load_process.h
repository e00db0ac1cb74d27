/* SPDX-License-Identifier: MIT */
/* What load processes have in common. For worker_process.c and surge_process.c. */
#pragma once
#include "harness/load/client.h"
#include "harness/spec/plan.h"

/* Those of a terminal go to the whole process group; the conductor decides when load ends. */
void load_ignore_signals(void);
/* Connections leave from all addresses that the lab gave the vantage's client. */
void load_use_sources(struct transport *t, const struct topology *topology, uint16_t vantage);
