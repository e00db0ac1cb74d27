/* SPDX-License-Identifier: MIT */
/*
 * The time that heals have: two seconds each, ten for all of a rollback. A heal that waits longer is called off with an
 * error, and the next has its turn. Should one hang where nothing can call it off, the last resort ends this process
 * after those ten seconds, and the kernel, which takes the lab down with it, heals the rest.
 */
#pragma once
#include "harness/base/loop.h"

#define GUARD_HEAL_NS INT64_C(2000000000)
#define GUARD_ROLLBACK_NS INT64_C(10000000000)

struct guard;
struct err;

/* last_resort_ns: GUARD_ROLLBACK_NS, but for tests. On a virtual loop there is
 * no last resort: nothing can hang there. */
int guard_new(struct guard **out, struct loop *l, int64_t last_resort_ns, struct err *e);
void guard_free(struct guard *g);

/* Several heals that share the ten seconds; without these two each has them alone. */
void guard_rollback_begin(struct guard *g);
void guard_rollback_end(struct guard *g);

/* Around one heal. -1: there is no time left to begin it. */
int guard_heal_begin(struct guard *g, struct err *e);
void guard_heal_end(struct guard *g);
