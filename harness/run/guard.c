/* SPDX-License-Identifier: MIT */
/*
 * Method: waits of a heal go through the lab's loop, whose limit calls them off (loop_limit), or have bounds of their
 * own (netlink, child processes). The last resort is a POSIX timer whose signal is SIGKILL: it needs no thread, no
 * handler and no turn of the loop, and children do not inherit it.
 */
#include "harness/run/guard.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/units.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct guard {
    struct loop *loop;
    int64_t until_ns; /* loop time by which a rollback must be over; INT64_MAX: there is none */
    int64_t last_resort_ns;
    timer_t timer;
};

int guard_new(struct guard **out, struct loop *l, int64_t last_resort_ns, struct err *e)
{
    struct guard *g = xcalloc(1, sizeof(*g));
    *g = (struct guard){.loop = l, .until_ns = INT64_MAX, .last_resort_ns = last_resort_ns};
    struct sigevent kill = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    if (!loop_is_virtual(l) && timer_create(CLOCK_MONOTONIC, &kill, &g->timer) != 0) {
        int os = errno;
        free(g);
        return err_os(e, ERR_RUN, os, "guard", "cannot make a timer");
    }
    *out = g;
    return 0;
}

void guard_free(struct guard *g)
{
    if (g && !loop_is_virtual(g->loop))
        timer_delete(g->timer);
    free(g);
}

static void arm(struct guard *g, int64_t in_ns)
{
    const struct itimerspec at = {.it_value = {in_ns / NS_PER_S, in_ns % NS_PER_S}};
    if (!loop_is_virtual(g->loop))
        timer_settime(g->timer, 0, &at, NULL);
}

void guard_rollback_begin(struct guard *g)
{
    g->until_ns = loop_tick(g->loop) + GUARD_ROLLBACK_NS;
    arm(g, g->last_resort_ns);
}

void guard_rollback_end(struct guard *g)
{
    g->until_ns = INT64_MAX;
    arm(g, 0);
}

int guard_heal_begin(struct guard *g, struct err *e)
{
    int64_t now = loop_tick(g->loop), limit = now + GUARD_HEAL_NS;
    if (now >= g->until_ns)
        return err_set(e, ERR_RUN, "heal", "not begun: the time for all heals has passed");
    if (g->until_ns == INT64_MAX)
        arm(g, g->last_resort_ns);
    loop_limit(g->loop, limit < g->until_ns ? limit : g->until_ns);
    return 0;
}

void guard_heal_end(struct guard *g)
{
    loop_limit(g->loop, INT64_MAX);
    if (g->until_ns == INT64_MAX)
        arm(g, 0);
}
