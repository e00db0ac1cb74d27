/* SPDX-License-Identifier: MIT */
/*
 * What the nodes say of themselves, asked at their admin ports from outside every 100 ms; the accused keeps no minutes.
 *
 * A change of what matters (role, epoch, readiness, configuration fingerprint, drift, health of upstreams) is one
 * `observed` line with the bracket in which it became visible. During the baseline the log position of the standbys is
 * asked every 20 ms, one `position` line per change: the replication lag comes from these.
 */
#pragma once
#include "harness/run/drill.h"

struct observer;
int observer_new(struct observer **o, struct drill *d, struct err *e);
void observer_free(struct observer *o);
void observer_positions(struct observer *o, bool on);
/* Every node that should be up has answered its admin port; *missing is one that has not. */
bool observer_all_up(const struct observer *o, const char **missing);
/* Some origin leads, as last seen. */
bool observer_has_leader(const struct observer *o);
/* No gateway reports drift. */
bool observer_in_sync(const struct observer *o);
/* Forget what was seen, e.g. before a cold restart. */
void observer_forget(struct observer *o);
