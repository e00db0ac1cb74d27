/* SPDX-License-Identifier: MIT */
/*
 * The roll call: which nodes run, are frozen, are dead, as the kernel says. One `node` line per change, so that the
 * timeline knows of every death, whether an injector caused it or a process fell over by itself.
 */
#pragma once
#include "harness/run/drill.h"

struct roll;
void roll_new(struct roll **out, struct drill *d); /* every node counts as down until it is seen up */
void roll_free(struct roll *r);
/* down_word: what to say of a node that is no longer there: "killed" right after an injector, else "exited". */
void roll_call(struct roll *r, const char *down_word);
