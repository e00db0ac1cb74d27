/* SPDX-License-Identifier: MIT */
/*
 * Method: the deeds of the schedule in their order; those due at one instant make one moment. Time itself does not
 * pass in the model between them, for what faults do to paths and nodes does not depend on it, save that of a staggered
 * one: while such a step has nodes left, its own timers run, and each node that it takes makes a moment.
 */
#include "harness/run/rehearse.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/run/schedule.h"
#include "harness/spec/plan_compile.h"
#include "injectors/injector.h"
#include <string.h>

#define ELECTION_NS (5 * NS_PER_S)

struct rehearsal {
    const struct plan *plan;
    struct lab *lab;
    struct fabric *fabric;
    struct injection *injections; /* by index of the step */
    const struct plan_step **open, **unseen;
    size_t open_count, unseen_count;
    int64_t now_ns; /* scenario time */
};

static void take_out(const struct plan_step **list, size_t *n, const struct plan_step *step)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (list[i] != step)
            list[kept++] = list[i];
    *n = kept;
}

static void begin(struct rehearsal *r, const struct plan_step *step)
{
    const struct injector *injector = injector_find(step->action.type->verb);
    struct injection *in = &r->injections[step - r->plan->steps];
    bool lasts = step->action.type->class == ACTION_FAULT || step->action.ready_after_ns > 0;
    if (!lasts && step->action.type->class != ACTION_RESTORE)
        return;
    *in = (struct injection){.fault = step->id, .action = &step->action, .fabric = r->fabric};
    if (lasts)
        r->open[r->open_count++] = step;
    if (injector->apply(in, NULL) < 0 && lasts)
        r->unseen[r->unseen_count++] = step;
}

static void end(struct rehearsal *r, const struct plan_step *step)
{
    injector_find(step->action.type->verb)->heal(&r->injections[step - r->plan->steps], NULL);
    take_out(r->open, &r->open_count, step);
    take_out(r->unseen, &r->unseen_count, step);
}

static void do_deed(struct rehearsal *r, const struct deed *d)
{
    if (d->kind == DEED_APPLY || d->kind == DEED_RESTORE) /* a slow start is open until its time has come */
        begin(r, d->step);
    else if (d->kind == DEED_HEAL)
        end(r, d->step);
    for (size_t i = r->open_count; d->kind == DEED_RESTORE && i-- > 0;)
        if (r->open[i]->ended_by == d->step->id)
            end(r, r->open[i]);
}

static struct moment moment_of(const struct rehearsal *r, int64_t at_ns, const struct deed *deeds, size_t n)
{
    return (struct moment){.at_ns = at_ns, .deeds = deeds, .deed_count = n, .fabric = r->fabric, .open = r->open,
                           .open_count = r->open_count, .unseen = r->unseen, .unseen_count = r->unseen_count};
}

/* When a staggered step takes its next node after an instant; INT64_MAX: none is left, or it takes all at once. */
static int64_t next_of(const struct rehearsal *r, const struct plan_step *step, int64_t after_ns)
{
    int64_t every_ns = step->action.stagger_ns, nodes = 0;
    for (uint16_t i = 0; every_ns && i < r->plan->topology->node_count; i++)
        nodes += step_hits_node(r->plan->topology, step, i);
    int64_t taken = every_ns ? (after_ns - step->at_ns) / every_ns + 1 : nodes;
    return taken < nodes ? step->at_ns + taken * every_ns : INT64_MAX;
}

/* The open step that is the next to go on by itself before an instant; NULL if none. */
static const struct plan_step *next_to_go_on(const struct rehearsal *r, int64_t before_ns)
{
    const struct plan_step *next = NULL;
    for (size_t i = 0; i < r->open_count; i++) {
        int64_t at_ns = next_of(r, r->open[i], r->now_ns);
        if (at_ns < before_ns) {
            before_ns = at_ns;
            next = r->open[i];
        }
    }
    return next;
}

static bool goes_on(const struct rehearsal *r)
{
    return next_to_go_on(r, INT64_MAX) != NULL;
}

/* Time passes in the model, and with it the timers of who staggers. */
static void pass(struct rehearsal *r, int64_t to_ns)
{
    struct loop *loop = lab_sim.loop(r->lab);
    if (goes_on(r))
        loop_run(loop, loop_now(loop) + to_ns - r->now_ns, NULL, NULL);
    r->now_ns = to_ns;
}

/* What happens of itself before the next deed. */
static void wait_until(struct rehearsal *r, int64_t ns, moment_fn *each, void *arg)
{
    const struct plan_step *step;
    while ((step = next_to_go_on(r, ns)) != NULL) {
        pass(r, next_of(r, step, r->now_ns));
        struct moment m = moment_of(r, r->now_ns, NULL, 0);
        m.goes_on = step;
        each(arg, &m);
    }
    pass(r, ns);
}

static void go_through(struct rehearsal *r, moment_fn *each, void *arg)
{
    scoped_free struct deed *deeds = xcalloc(2 * r->plan->step_count + 1, sizeof(*deeds));
    size_t n = schedule_of(r->plan, deeds), first = 0;
    for (size_t i = 0; i < n; i++) {
        wait_until(r, deeds[i].at_ns, each, arg);
        do_deed(r, &deeds[i]);
        if (i + 1 < n && deeds[i + 1].at_ns == deeds[i].at_ns)
            continue;
        struct moment m = moment_of(r, deeds[i].at_ns, &deeds[first], i + 1 - first);
        each(arg, &m);
        first = i + 1;
    }
    if (r->open_count == 0)
        return;
    wait_until(r, r->plan->observe_ns, each, arg);
    while (r->open_count)
        end(r, r->open[r->open_count - 1]);
    struct moment last = moment_of(r, r->plan->observe_ns, NULL, 0);
    each(arg, &last);
}

static int people(struct rehearsal *r, struct err *e)
{
    const struct topology *t = r->plan->topology;
    for (uint16_t node = 0; node < t->node_count; node++)
        if (t->nodes[node].role != NODE_CLIENT && lab_sim.node_start(r->lab, node, 0, e) < 0)
            return -1;
    struct loop *loop = lab_sim.loop(r->lab);
    return loop_run(loop, loop_now(loop) + ELECTION_NS, NULL, e) < 0 ? -1 : 0;
}

int rehearse(const struct plan *p, moment_fn *each, void *arg, struct err *e)
{
    const struct lab_options options = {.seed = p->seed};
    scoped_free struct injection *injections = xcalloc(p->step_count + 1, sizeof(*injections));
    scoped_free const struct plan_step **open = xcalloc(p->step_count + 1, sizeof(*open));
    scoped_free const struct plan_step **unseen = xcalloc(p->step_count + 1, sizeof(*unseen));
    struct rehearsal r = {.plan = p, .injections = injections, .open = open, .unseen = unseen};
    if (lab_sim.open(&r.lab, p->topology, &options, e) < 0)
        return -1;
    int rc = people(&r, e) < 0 || fabric_new(&r.fabric, r.lab, p->topology, e) < 0 ? -1 : 0;
    if (rc == 0)
        go_through(&r, each, arg);
    fabric_free(r.fabric);
    lab_sim.close(r.lab);
    for (size_t i = 0; i < p->step_count; i++)
        free(injections[i].state);
    return rc;
}
