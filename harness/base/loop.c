/* SPDX-License-Identifier: MIT */
/*
 * One turn of the loop:
 *
 *     wait    real: until a descriptor is ready or the earliest timer is due; virtual: jump the clock there
 *     now     read the clock once
 *     timers  every timer that is due, earliest first
 *     events  every descriptor that was ready
 *
 * Timers are a binary heap keyed by (at, order); order counts calls of loop_timer_set, so equal instants fire in that
 * order. A timer set during a turn waits for the next one, so one that sets itself to a past instant cannot starve
 * the descriptors. One timerfd (TFD_TIMER_ABSTIME) is armed for the earliest timer or the deadline of loop_run; it is
 * touched only when that instant changed. Timer slack is turned down to 1 ns for this thread.
 *
 * Callbacks may stop any watch and free its owner. Events that were fetched but not delivered yet are searched then
 * and struck out. When *stop becomes true nothing more is called; undelivered events stay in the loop and come first
 * in the next loop_run, so none is lost.
 *
 * Failure paths: a machine that gives no epoll or timerfd is ERR_MACHINE from loop_new. A real loop without timers,
 * descriptors and deadline would hang for ever and is reported as a defect; a virtual one returns 1 at once.
 */
#include "harness/base/loop.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/base/vec.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BATCH = 64 };

struct loop {
    bool is_virtual;
    int epoll_fd, timer_fd;
    int64_t now;
    int64_t limit; /* see loop_limit; INT64_MAX: none */
    int64_t armed_at; /* what the timerfd is armed for; INT64_MAX: not armed, INT64_MIN: expired and still readable */
    uint64_t next_order;
    vec_of(struct loop_timer *) heap;
    vec_of(struct loop_io *) watches; /* by descriptor */
    size_t watching;
    struct epoll_event batch[BATCH];
    int batch_len, batch_next;
};

struct loop *loop_new(struct err *e)
{
    struct loop *l = xcalloc(1, sizeof(*l));
    l->armed_at = l->limit = INT64_MAX;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN};
    if (l->epoll_fd < 0 || l->timer_fd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->timer_fd, &ev) != 0) {
        err_os(e, ERR_MACHINE, errno, "event loop", "cannot make an epoll and a timer descriptor");
        loop_free(l);
        return NULL;
    }
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    l->now = clock_mono_ns();
    return l;
}

struct loop *loop_new_virtual(int64_t start_ns)
{
    struct loop *l = xcalloc(1, sizeof(*l));
    l->is_virtual = true;
    l->epoll_fd = l->timer_fd = -1;
    l->now = start_ns;
    l->limit = INT64_MAX;
    return l;
}

/* Watches and timers that are still set become idle, so that their owners may stop them later without harm. */
void loop_free(struct loop *l)
{
    if (!l) {
        return;
    }
    for (size_t i = 0; i < l->heap.len; i++) {
        l->heap.at[i]->loop = NULL;
    }
    for (size_t i = 0; i < l->watches.len; i++) {
        if (l->watches.at[i]) {
            l->watches.at[i]->loop = NULL;
        }
    }
    vec_deinit(&l->heap);
    vec_deinit(&l->watches);
    fd_close(&l->epoll_fd);
    fd_close(&l->timer_fd);
    free(l);
}

bool loop_is_virtual(const struct loop *l)
{
    return l->is_virtual;
}

int64_t loop_now(const struct loop *l)
{
    return l->now;
}

int64_t loop_tick(struct loop *l)
{
    if (!l->is_virtual) {
        l->now = clock_mono_ns();
    }
    return l->now;
}

/* Descriptors. */

static void strike_out(struct loop *l, const struct loop_io *io)
{
    for (int i = l->batch_next; i < l->batch_len; i++) {
        if (l->batch[i].data.ptr == io) {
            l->batch[i].data.ptr = NULL;
            l->batch[i].events = 0;
        }
    }
}

int loop_io_set(struct loop *l, struct loop_io *io, int fd, uint32_t events, struct err *e)
{
    if (l->is_virtual) {
        return err_set(e, ERR_DEFECT, "event loop", "a virtual loop cannot watch descriptor %d", fd);
    }
    if (fd < 0) {
        return err_set(e, ERR_DEFECT, "event loop", "cannot watch descriptor %d", fd);
    }
    bool same = io->loop == l && io->fd == fd;
    if (!same) {
        loop_io_stop(io);
    }
    struct epoll_event ev = {.events = events, .data = {.ptr = io}};
    if (epoll_ctl(l->epoll_fd, same ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) != 0) {
        return err_os(e, ERR_RUN, errno, "event loop", "cannot watch descriptor %d", fd);
    }
    while (l->watches.len <= (size_t)fd) {
        *vec_push(&l->watches) = NULL;
    }
    if (!l->watches.at[fd]) {
        l->watching++;
    }
    l->watches.at[fd] = io;
    io->loop = l;
    io->fd = fd;
    return 0;
}

void loop_io_stop(struct loop_io *io)
{
    struct loop *l = io->loop;
    if (!l) {
        return;
    }
    strike_out(l, io);
    /* An owner that closed its descriptor first may find it in the hands of another watch: that one stays. */
    if (l->watches.at[io->fd] == io) {
        epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
        l->watches.at[io->fd] = NULL;
        l->watching--;
    }
    io->loop = NULL;
}

/* Timers. */

static bool earlier(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void place(struct loop *l, size_t slot, struct loop_timer *t)
{
    l->heap.at[slot] = t;
    t->slot = (uint32_t)slot;
}

static void sift_up(struct loop *l, size_t slot)
{
    struct loop_timer *t = l->heap.at[slot];
    while (slot > 0 && earlier(t, l->heap.at[(slot - 1) / 2])) {
        place(l, slot, l->heap.at[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    place(l, slot, t);
}

static void sift_down(struct loop *l, size_t slot)
{
    struct loop_timer *t = l->heap.at[slot];
    for (;;) {
        size_t child = 2 * slot + 1;
        if (child >= l->heap.len) {
            break;
        }
        if (child + 1 < l->heap.len && earlier(l->heap.at[child + 1], l->heap.at[child])) {
            child++;
        }
        if (!earlier(l->heap.at[child], t)) {
            break;
        }
        place(l, slot, l->heap.at[child]);
        slot = child;
    }
    place(l, slot, t);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_ns)
{
    loop_timer_stop(t);
    t->at = at_ns;
    t->order = l->next_order++;
    t->loop = l;
    *vec_push(&l->heap) = t;
    sift_up(l, l->heap.len - 1);
}

void loop_timer_stop(struct loop_timer *t)
{
    struct loop *l = t->loop;
    if (!l) {
        return;
    }
    t->loop = NULL;
    struct loop_timer *last = l->heap.at[--l->heap.len];
    if (last != t) {
        size_t slot = t->slot;
        place(l, slot, last);
        sift_up(l, slot);
        sift_down(l, last->slot);
    }
}

/* Turns. */

static bool stopped(const bool *stop)
{
    return stop && *(const volatile bool *)stop;
}

static void fire_timers(struct loop *l, const bool *stop)
{
    uint64_t first_of_next_turn = l->next_order;
    while (l->heap.len > 0 && !stopped(stop)) {
        struct loop_timer *t = l->heap.at[0];
        if (t->at > l->now || t->order >= first_of_next_turn) {
            return;
        }
        loop_timer_stop(t);
        t->due(t, l->now);
    }
}

static void deliver_events(struct loop *l, const bool *stop)
{
    while (l->batch_next < l->batch_len && !stopped(stop)) {
        struct epoll_event ev = l->batch[l->batch_next++];
        struct loop_io *io = ev.data.ptr;
        if (io) {
            io->ready(io, ev.events);
        }
    }
}

/* The instant the loop must wake up by itself. */
static int64_t wake_at(const struct loop *l, int64_t deadline_ns)
{
    return l->heap.len > 0 && l->heap.at[0]->at < deadline_ns ? l->heap.at[0]->at : deadline_ns;
}

static int arm(struct loop *l, int64_t at, struct err *e)
{
    if (at == l->armed_at) {
        return 0;
    }
    struct itimerspec spec = {0}; /* all zeros disarm */
    if (at != INT64_MAX) {
        spec.it_value.tv_sec = (time_t)(at / NS_PER_S);
        spec.it_value.tv_nsec = (long)(at % NS_PER_S);
    }
    if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0) {
        return err_os(e, ERR_RUN, errno, "event loop", "cannot arm the timer");
    }
    l->armed_at = at;
    return 0;
}

/* The timerfd in the batch only meant to wake us up. It is not read: arming it anew, or disarming it, takes the
 * expiration back as well, and one of them comes before the next wait that may last. */
static void note_expiry(struct loop *l)
{
    for (int i = 0; i < l->batch_len; i++) {
        if (!l->batch[i].data.ptr) {
            l->armed_at = INT64_MIN;
        }
    }
}

static int wait_real(struct loop *l, int64_t deadline_ns, struct err *e)
{
    int64_t at = wake_at(l, deadline_ns);
    bool at_once = at <= clock_mono_ns();
    if (!at_once && arm(l, at, e) != 0) {
        return -1;
    }
    if (at == INT64_MAX && l->watching == 0) {
        return err_set(e, ERR_DEFECT, "event loop", "nothing to wait for");
    }
    int n = epoll_wait(l->epoll_fd, l->batch, BATCH, at_once ? 0 : -1);
    if (n < 0 && errno != EINTR) {
        return err_os(e, ERR_RUN, errno, "event loop", "cannot wait for events");
    }
    l->batch_next = 0;
    l->batch_len = n < 0 ? 0 : n;
    note_expiry(l);
    return 0;
}

/* False when there is nothing left to do, now or at any deadline. */
static bool jump_virtual(struct loop *l, int64_t deadline_ns)
{
    int64_t at = wake_at(l, deadline_ns);
    if (at == INT64_MAX) {
        return false;
    }
    if (at > l->now) {
        l->now = at;
    }
    return true;
}

void loop_limit(struct loop *l, int64_t at_ns)
{
    l->limit = at_ns;
}

static int64_t nearest(const struct loop *l, int64_t deadline_ns)
{
    return l->limit < deadline_ns ? l->limit : deadline_ns;
}

static int time_is_up(const struct loop *l, int64_t deadline_ns, struct err *e)
{
    bool limited = l->now >= l->limit && l->now < deadline_ns;
    return limited ? err_set(e, ERR_RUN, "time", "it was not done within the time it had") : 1;
}

int loop_run(struct loop *l, int64_t deadline_ns, const bool *stop, struct err *e)
{
    loop_tick(l);
    deliver_events(l, stop);
    while (!stopped(stop)) {
        if (l->is_virtual) {
            if (!jump_virtual(l, nearest(l, deadline_ns))) {
                return 1;
            }
        } else if (wait_real(l, nearest(l, deadline_ns), e) != 0) {
            return -1;
        }
        int64_t now = loop_tick(l);
        fire_timers(l, stop);
        deliver_events(l, stop);
        if (now >= nearest(l, deadline_ns) && !stopped(stop)) {
            return time_is_up(l, deadline_ns, e);
        }
    }
    return 0;
}
