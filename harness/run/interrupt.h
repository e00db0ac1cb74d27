/* SPDX-License-Identifier: MIT */
/*
 * SIGINT, SIGTERM and SIGHUP while a drill runs, turned into a readable descriptor by signalfd(2) and answered at once
 * on stderr. The first stops the drill (faults are healed, evidence is completed); the second ends the process, and
 * the kernel takes the lab away. While a lab is kept (--keep) a signal interrupts nothing: it is what was waited for.
 */
#pragma once
#include "harness/run/drill.h"

struct interrupt {
    struct loop_io io;
    struct drill *drill;
    int fd;
};
int interrupt_init(struct interrupt *i, struct drill *d, struct err *e);
void interrupt_deinit(struct interrupt *i);
