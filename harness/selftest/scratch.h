/* SPDX-License-Identifier: MIT */
/*
 * A folder that is gone when its owner is, however the owner dies: a child of ours holds nothing but the reading end of
 * a pipe, and removes the folder when the writing end is closed, by us or by the kernel.
 */
#pragma once
#include "harness/base/child.h"

struct err;

struct selftest_scratch {
    char path[128];
    struct child keeper;
    int lifeline;
};
int scratch_open(struct selftest_scratch *s, struct err *e); /* in $TMPDIR, else /tmp */
void scratch_close(struct selftest_scratch *s);              /* waits until it is gone, 2 s at most */
