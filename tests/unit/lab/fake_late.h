/* SPDX-License-Identifier: MIT */
/* The part of the fake lab that is late or has the wrong time: what its admin ports take and tell of that. */
#pragma once
#include "tests/unit/lab/fake_lab.h"

json_t *fake_lateness(const struct fake_lab *f, uint16_t node); /* for /status; new reference */
int fake_lag_order(struct fake_lab *f, uint16_t node, json_t *doc); /* HTTP status */
int64_t fake_wall_ns(const struct fake_lab *f, uint16_t node);
int fake_clock_order(struct fake_lab *f, uint16_t node, const json_t *doc);
