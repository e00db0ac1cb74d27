/* SPDX-License-Identifier: MIT */
/*
 * A worker as a process of its own, and the far end of the link. Every 20 ms the state is looked at and told: a failure
 * once, idle once.
 */
#include "harness/load/load.h"
#include "harness/load/load_process.h"
#include "harness/load/needs.h"

#include "harness/base/units.h"

#include <unistd.h>

#define TELL_EVERY_NS (20 * NS_PER_MS)

struct process {
    struct load_process frame; /* the first member */
    struct worker *worker;
};

static void tell(struct load_process *frame)
{
    struct process *p = (struct process *)frame;
    const struct err *e = worker_failure(p->worker);
    if (e) {
        load_process_fail(frame, e);
    }
    if (worker_idle(p->worker)) {
        load_process_idle(frame);
    }
}

static void obey(void *arg, const struct link_frame *f)
{
    struct process *p = arg;
    if (!p->worker) {
        return;
    }
    if (f->word == LINK_START) {
        worker_start(p->worker, f->number);
    } else if (f->word == LINK_STOP_WRITES) {
        worker_stop_writes(p->worker);
    } else if (f->word == LINK_STOP) {
        worker_stop(p->worker);
    }
}

static int start(struct process *p, const struct worker_config *c, struct err *e)
{
    struct load_process *frame = &p->frame;
    if (load_needs_check_ports(c->plan, c->vantage, e) != 0 ||
        load_process_connect(frame, worker_max_in_flight(c->plan, c->vantage), c->authority, c->plan->topology,
                             c->vantage, e) != 0 ||
        worker_new(&p->worker, c, frame->loop, frame->transport, e) != 0) {
        return -1;
    }
    return load_process_ready(frame, e);
}

_Noreturn void worker_main(const struct worker_config *c, int fd)
{
    struct err e = {0};
    struct process p = {.frame = {.tell = tell, .obey = obey, .tell_every_ns = TELL_EVERY_NS}};
    load_process_begin(&p.frame, "drtest-load", fd);
    if (start(&p, c, &e) != 0) {
        load_process_fail(&p.frame, &e);
    }
    int code = load_process_run(&p.frame);
    worker_free(p.worker);
    load_process_end(&p.frame);
    _exit(code);
}
