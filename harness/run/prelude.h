/* SPDX-License-Identifier: MIT */
/* From an empty lab to a steady state: header, nodes, customers, baseline. Internal to harness/run. */
#pragma once
#include "harness/run/drill.h"

void prelude_header(struct drill *d);      /* first line, mechanisms, limits, self-test */
int prelude_nodes(struct drill *d, struct err *e);     /* every node started, answering, one store leading */
int prelude_customers(struct drill *d, struct err *e); /* workers ready, canaries flying, streams begun */
bool prelude_baseline(struct drill *d);    /* steady state reached in time */
