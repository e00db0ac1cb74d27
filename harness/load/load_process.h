/* SPDX-License-Identifier: MIT */
/*
 * What load processes have in common: a loop, a transport, the far end of the link to the conductor, and an hour-glass
 * to look at the state and tell it. For worker_process.c and surge_process.c, which embed one as their first member.
 *
 * The process ends when the conductor closes the link, be it on purpose or by dying. What fails before there is
 * anything to drive is told, too, and the process stays until the link closes, so that the reason arrives before the
 * end does.
 */
#pragma once
#include "harness/base/err.h"
#include "harness/base/loop.h"
#include "harness/load/client.h"
#include "harness/load/link_frame.h"
#include "harness/spec/plan.h"

struct load_process {
    int fd;
    struct loop *loop;
    struct transport *transport;
    struct loop_io link;
    struct loop_timer timer;
    bool told_failure, told_idle, over;
    /* what the one that embeds it does; at least a moment apart, and on every word of the conductor */
    int64_t tell_every_ns;
    void (*tell)(struct load_process *p);
    void (*obey)(void *p, const struct link_frame *f);
};

/* Name, signals, loop, link. What a terminal sends goes to the whole process group and is ignored: the conductor
 * decides when load ends and rolls back first. Does not return when even this fails. */
void load_process_begin(struct load_process *p, const char *name, int fd);
/* The transport, with the authority (NULL: none), and all addresses that the lab gave the vantage's client. */
int load_process_connect(struct load_process *p, size_t in_flight, const char *authority,
                         const struct topology *t, uint16_t vantage, struct err *e);
int load_process_ready(struct load_process *p, struct err *e); /* say so; from now on `tell` is called */
void load_process_fail(struct load_process *p, const struct err *e); /* once */
void load_process_idle(struct load_process *p);                      /* once */
int load_process_run(struct load_process *p); /* until the link closes; the exit code */
void load_process_end(struct load_process *p);
