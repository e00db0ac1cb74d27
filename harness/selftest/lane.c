/* SPDX-License-Identifier: MIT */
/*
 * Outages of one gap that stand next to each other in the list share a rehearsal. What a gate voided is put on the list
 * again, behind the rest; a machine on which that happens too often cannot be told anything, and the lane gives up.
 *
 * Each rehearsal has an address of its own in 127.0.0.0/8, so that a thousand fresh connections a second do not run out
 * of ports while those of the rehearsal before are in TIME_WAIT.
 */
#include "harness/selftest/lane.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/selftest/second_watch.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_NS (250 * NS_PER_MS)
#define HOSTS_PER_LANE 60u
#define VOIDS_FREE 8

_Static_assert(sizeof(struct lane_message) <= PIPE_BUF, "a message must not be torn");

struct lane_run {
    struct lane *lane;
    const char *scratch;
    int to;
    size_t rehearsals, voids, planned;
    char last_void[160];
};

static void tell(struct lane_run *r, struct lane_message *m)
{
    m->lane = r->lane->number;
    if (write(r->to, m, sizeof(*m)) != (ssize_t)sizeof(*m))
        _exit(1); /* nobody listens any more */
}

static uint8_t next_host(struct lane_run *r)
{
    return (uint8_t)(1u + r->lane->number * HOSTS_PER_LANE + r->rehearsals++ % HOSTS_PER_LANE);
}

static int again(struct lane_run *r, const struct lane_task *task, const char *why, struct err *e)
{
    snprintf(r->last_void, sizeof(r->last_void), "%s", why);
    if (++r->voids > VOIDS_FREE + r->planned) {
        err_set(e, ERR_MACHINE, "selftest", "this machine is too busy to tell: %zu rehearsals were void (%s)", r->voids,
                r->last_void);
        return err_help(e, "try again when less else is running");
    }
    *vec_push(&r->lane->tasks) = *task;
    return 0;
}

static size_t outages_from(const struct lane *l, size_t first)
{
    size_t n = 0;
    while (first + n < l->tasks.len && n < REHEARSAL_OUTAGES) {
        const struct lane_task *t = &l->tasks.at[first + n];
        if (t->writes || t->gap_ns != l->tasks.at[first].gap_ns || t->second != l->tasks.at[first].second)
            break;
        n++;
        if (t->script.never)
            break; /* nothing can follow */
    }
    return n;
}

static int do_outages(struct lane_run *r, size_t first, size_t n, struct err *e)
{
    struct outage_script scripts[REHEARSAL_OUTAGES];
    struct lane_task tasks[REHEARSAL_OUTAGES] = {0}; /* a copy: the list may grow */
    struct outage_record records[REHEARSAL_OUTAGES];
    char name[32];
    for (size_t i = 0; i < n; i++) {
        tasks[i] = r->lane->tasks.at[first + i];
        scripts[i] = tasks[i].script;
    }
    snprintf(name, sizeof(name), "%u-%zu", (unsigned)r->lane->number, r->rehearsals);
    struct rehearsal_config c = {.seed = r->lane->seed + r->rehearsals, .gap_ns = tasks[0].gap_ns,
                                 .timeout_ns = TIMEOUT_NS, .host = next_host(r), .scratch = r->scratch, .name = name,
                                 .scripts = scripts, .script_count = n};
    struct second_watch second;
    second_watch_init(&second, r->scratch, name, c.seed);
    c.watcher = tasks[0].second ? &second.watcher : NULL;
    int failed = rehearsal_perform(&c, records, e);
    second_watch_deinit(&second);
    if (failed)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct lane_message m = {.word = LANE_OUTAGE};
        m.of.outage = records[i];
        tell(r, &m);
        if (!records[i].valid && again(r, &tasks[i], records[i].why, e) < 0)
            return -1;
    }
    return 0;
}

static int do_writes(struct lane_run *r, size_t at, struct err *e)
{
    struct lane_task task = r->lane->tasks.at[at];
    struct lane_message m = {.word = LANE_WRITES};
    char name[32];
    snprintf(name, sizeof(name), "%u-%zu", (unsigned)r->lane->number, r->rehearsals);
    struct write_rehearsal_config c = {.seed = r->lane->seed + r->rehearsals, .lie = task.lie,
                                       .null_drill = task.null_drill, .host = next_host(r), .scratch = r->scratch,
                                       .name = name};
    if (write_rehearsal_perform(&c, &m.of.writes, e) < 0)
        return -1;
    tell(r, &m);
    return m.of.writes.valid ? 0 : again(r, &task, m.of.writes.why, e);
}

static _Noreturn void lane_main(struct lane *l, const char *scratch, int to)
{
    struct lane_run r = {.lane = l, .scratch = scratch, .to = to, .planned = l->tasks.len};
    struct err e = {0};
    size_t done = 0;
    while (done < l->tasks.len && e.kind == ERR_NONE) {
        size_t n = outages_from(l, done);
        int failed = n ? do_outages(&r, done, n, &e) : do_writes(&r, done, &e);
        if (failed && e.kind == ERR_NONE)
            err_set(&e, ERR_DEFECT, "selftest", "a rehearsal failed without a word");
        done += n ? n : 1;
    }
    struct lane_message m = {.word = e.kind == ERR_NONE ? LANE_DONE : LANE_FAILED};
    m.of.err = e;
    tell(&r, &m);
    vec_deinit(&l->tasks);
    _exit(0);
}

int lane_start(struct lane *l, const char *scratch, int to, struct err *e)
{
    int side = child_fork(&l->process, e);
    if (side == 0)
        lane_main(l, scratch, to);
    return side > 0 ? 0 : -1;
}

void lane_stop(struct lane *l)
{
    if (l->process.pid)
        child_stop(&l->process, 0, NULL);
    vec_deinit(&l->tasks);
}
