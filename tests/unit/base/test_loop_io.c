/* SPDX-License-Identifier: MIT */
/* Descriptors on a real loop: pipes and event descriptors. */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/loop.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct watch {
    struct loop_io io; /* first: the callback casts back */
    int calls;
    uint32_t events;
    bool *stop;
    struct watch *kill; /* stopped and freed when this one is ready */
};

static struct loop *loop;
static int ends[2][2]; /* two pipes: reading end, writing end */

static int set_up(void)
{
    loop = loop_new(NULL);
    for (int i = 0; i < 2; i++) {
        if (pipe2(ends[i], O_CLOEXEC | O_NONBLOCK) != 0) {
            return -1;
        }
    }
    return loop ? 0 : -1;
}

static int tear_down(void)
{
    loop_free(loop);
    for (int i = 0; i < 2; i++) {
        fd_close(&ends[i][0]);
        fd_close(&ends[i][1]);
    }
    return 0;
}

static void swallow(struct loop_io *io, uint32_t events)
{
    struct watch *w = (struct watch *)io;
    char bytes[16];
    w->calls++;
    w->events = events;
    CU_ASSERT(read(io->fd, bytes, sizeof(bytes)) >= 0);
    if (w->stop) {
        *w->stop = true;
    }
    if (w->kill) {
        loop_io_stop(&w->kill->io);
        free(w->kill);
        w->kill = NULL;
    }
}

static int run_for_ms(int64_t ms, const bool *stop)
{
    struct err e = {0};
    int rc = loop_run(loop, clock_mono_ns() + ms * NS_PER_MS, stop, &e);
    CU_ASSERT_EQUAL(e.kind, ERR_NONE);
    return rc;
}

static void tell(int pipe)
{
    CU_ASSERT_EQUAL(write(ends[pipe][1], "x", 1), 1);
}

static void ready_descriptor_is_called(void)
{
    bool stop = false;
    struct watch w = {.io = {.ready = swallow}, .stop = &stop};
    CU_ASSERT_EQUAL(loop_io_set(loop, &w.io, ends[0][0], EPOLLIN, NULL), 0);
    CU_ASSERT_EQUAL(run_for_ms(1, &stop), 1);
    CU_ASSERT_EQUAL(w.calls, 0);
    tell(0);
    CU_ASSERT_EQUAL(run_for_ms(5000, &stop), 0);
    CU_ASSERT_EQUAL(w.calls, 1);
    CU_ASSERT_EQUAL(w.events, EPOLLIN);
    loop_io_stop(&w.io);
    CU_ASSERT_PTR_NULL(w.io.loop);
    tell(0);
    CU_ASSERT_EQUAL(run_for_ms(1, NULL), 1);
    CU_ASSERT_EQUAL(w.calls, 1);
    loop_io_stop(&w.io);
    char drop;
    CU_ASSERT_EQUAL(read(ends[0][0], &drop, 1), 1);
}

static void events_and_descriptor_can_change(void)
{
    bool stop = false;
    struct watch w = {.io = {.ready = swallow}, .stop = &stop};
    CU_ASSERT_EQUAL(loop_io_set(loop, &w.io, ends[0][0], 0, NULL), 0);
    tell(0);
    CU_ASSERT_EQUAL(run_for_ms(1, &stop), 1); /* not interested */
    CU_ASSERT_EQUAL(loop_io_set(loop, &w.io, ends[0][0], EPOLLIN, NULL), 0);
    CU_ASSERT_EQUAL(run_for_ms(5000, &stop), 0);
    CU_ASSERT_EQUAL(w.calls, 1);
    stop = false;
    CU_ASSERT_EQUAL(loop_io_set(loop, &w.io, ends[1][0], EPOLLIN, NULL), 0);
    tell(0);
    CU_ASSERT_EQUAL(run_for_ms(1, &stop), 1); /* the old descriptor is not watched any more */
    tell(1);
    CU_ASSERT_EQUAL(run_for_ms(5000, &stop), 0);
    CU_ASSERT_EQUAL(w.calls, 2);
    loop_io_stop(&w.io);
    char drop;
    CU_ASSERT_EQUAL(read(ends[0][0], &drop, 1), 1);
}

/* Both are ready in the same turn; whoever comes first frees the other, which must not be called then. */
static void stopped_in_the_same_turn_is_not_called(void)
{
    struct watch *first = calloc(1, sizeof(*first)), *second = calloc(1, sizeof(*second));
    first->io.ready = second->io.ready = swallow;
    first->kill = second;
    second->kill = first;
    CU_ASSERT_EQUAL(loop_io_set(loop, &first->io, ends[0][0], EPOLLIN, NULL), 0);
    CU_ASSERT_EQUAL(loop_io_set(loop, &second->io, ends[1][0], EPOLLIN, NULL), 0);
    tell(0);
    tell(1);
    CU_ASSERT_EQUAL(run_for_ms(2, NULL), 1);
    char left[4];
    ssize_t in_first = read(ends[0][0], left, sizeof(left));
    ssize_t in_second = read(ends[1][0], left, sizeof(left));
    CU_ASSERT((in_first == 1) != (in_second == 1)); /* exactly one was read by its watch */
    struct watch *survivor = in_first == 1 ? second : first;
    CU_ASSERT_EQUAL(survivor->calls, 1);
    loop_io_stop(&survivor->io);
    free(survivor);
}

static void events_behind_a_stop_are_delivered_later(void)
{
    bool stop = false;
    struct watch a = {.io = {.ready = swallow}, .stop = &stop}, b = {.io = {.ready = swallow}, .stop = &stop};
    CU_ASSERT_EQUAL(loop_io_set(loop, &a.io, ends[0][0], EPOLLIN | EPOLLET, NULL), 0);
    CU_ASSERT_EQUAL(loop_io_set(loop, &b.io, ends[1][0], EPOLLIN | EPOLLET, NULL), 0);
    tell(0);
    tell(1);
    CU_ASSERT_EQUAL(run_for_ms(5000, &stop), 0);
    CU_ASSERT_EQUAL(a.calls + b.calls, 1);
    stop = false;
    CU_ASSERT_EQUAL(run_for_ms(5000, &stop), 0);
    CU_ASSERT_EQUAL(a.calls + b.calls, 2);
    CU_ASSERT_EQUAL(a.calls, 1);
    loop_io_stop(&a.io);
    loop_io_stop(&b.io);
}

/* The pidfd of a reaped child is closed before its watch is stopped, and its number may be in use again by then. */
static void stopping_a_closed_descriptor_spares_its_successor(void)
{
    bool stop = false;
    struct watch old = {.io = {.ready = swallow}}, new = {.io = {.ready = swallow}, .stop = &stop};
    int fd = dup(ends[0][1]);
    CU_ASSERT_EQUAL(loop_io_set(loop, &old.io, fd, EPOLLERR, NULL), 0);
    close(fd);
    /* The open file of ends[0][1] lives on, so epoll still has (fd, file); the new file on fd is another key. */
    CU_ASSERT_EQUAL(dup3(ends[1][0], fd, O_CLOEXEC), fd);
    CU_ASSERT_EQUAL(loop_io_set(loop, &new.io, fd, EPOLLIN, NULL), 0);
    loop_io_stop(&old.io);
    tell(1);
    CU_ASSERT_EQUAL(run_for_ms(5000, &stop), 0);
    CU_ASSERT_EQUAL(new.calls, 1);
    loop_io_stop(&new.io);
    close(fd);
}

struct greedy {
    struct loop_timer timer;
    int left;
};

static void greedy_due(struct loop_timer *t, int64_t now)
{
    struct greedy *g = (struct greedy *)t;
    if (g->left-- > 0) {
        loop_timer_set(loop, t, now - NS_PER_S);
    }
}

static void a_greedy_timer_does_not_starve_descriptors(void)
{
    bool stop = false;
    struct watch w = {.io = {.ready = swallow}, .stop = &stop};
    struct greedy g = {.timer = {.due = greedy_due}, .left = 1000000};
    CU_ASSERT_EQUAL(loop_io_set(loop, &w.io, ends[0][0], EPOLLIN, NULL), 0);
    loop_timer_set(loop, &g.timer, 0);
    tell(0);
    CU_ASSERT_EQUAL(run_for_ms(5000, &stop), 0);
    CU_ASSERT(g.left > 999000);
    loop_timer_stop(&g.timer);
    loop_io_stop(&w.io);
}

static void unwatchable_descriptors_are_errors(void)
{
    struct watch w = {.io = {.ready = swallow}};
    struct err file = {0}, none = {0}, closed = {0};
    CU_ASSERT_EQUAL(loop_io_set(loop, &w.io, -1, EPOLLIN, &none), -1);
    CU_ASSERT_EQUAL(none.kind, ERR_DEFECT);
    CU_ASSERT_EQUAL(loop_io_set(loop, &w.io, 1 << 20, EPOLLIN, &closed), -1);
    CU_ASSERT_EQUAL(closed.os, EBADF);
    scoped_fd int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CU_ASSERT_EQUAL(loop_io_set(loop, &w.io, folder, EPOLLIN, &file), -1);
    CU_ASSERT_EQUAL(file.os, EPERM);
    CU_ASSERT_PTR_NULL(w.io.loop);
}

static void freeing_the_loop_makes_watches_idle(void)
{
    struct loop *other = loop_new(NULL);
    struct watch w = {.io = {.ready = swallow}};
    CU_ASSERT_EQUAL(loop_io_set(other, &w.io, ends[0][0], EPOLLIN, NULL), 0);
    loop_free(other);
    CU_ASSERT_PTR_NULL(w.io.loop);
    loop_io_stop(&w.io);
}

void suite_loop_io(void)
{
    runner_suite(set_up, tear_down);
    runner_test(ready_descriptor_is_called);
    runner_test(events_and_descriptor_can_change);
    runner_test(stopped_in_the_same_turn_is_not_called);
    runner_test(events_behind_a_stop_are_delivered_later);
    runner_test(stopping_a_closed_descriptor_spares_its_successor);
    runner_test(a_greedy_timer_does_not_starve_descriptors);
    runner_test(unwatchable_descriptors_are_errors);
    runner_test(freeing_the_loop_makes_watches_idle);
}
