/* SPDX-License-Identifier: MIT */
/*
 * One event loop per process: descriptors by epoll(7), timers in absolute nanoseconds by one timerfd, signals by
 * signalfd. `now` is read once per turn and stays the same until the next.
 *
 * A loop made with loop_new_virtual has no descriptors and a clock of its own: when nothing is due it jumps to the
 * next timer. The sim lab lives on it; code written against this header runs on either without knowing.
 *
 * Callbacks may add, change and remove any watch or timer, their own included. Watches and timers are embedded in
 * their owner (zeroed = idle) and must be stopped before the owner goes. Timers due at the same instant fire in the
 * order in which they were set, so that virtual runs replay exactly.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop;

struct loop_io {
    void (*ready)(struct loop_io *io, uint32_t events); /* EPOLLIN, EPOLLOUT, ... */
    int fd;
    struct loop *loop; /* NULL while idle */
};

struct loop_timer {
    void (*due)(struct loop_timer *t, int64_t now);
    int64_t at;  /* absolute, in the loop's clock */
    uint64_t order;
    struct loop *loop; /* NULL while idle */
    uint32_t slot;
};

struct loop *loop_new(struct err *e);
struct loop *loop_new_virtual(int64_t start_ns);
void loop_free(struct loop *l);
bool loop_is_virtual(const struct loop *l);

int64_t loop_now(const struct loop *l);  /* the instant this turn began */
int64_t loop_tick(struct loop *l);       /* read the clock again: brackets around a system call; also refreshes now */

int loop_io_set(struct loop *l, struct loop_io *io, int fd, uint32_t events, struct err *e); /* add, or change events */
void loop_io_stop(struct loop_io *io); /* before the descriptor is closed */
void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t at_ns); /* set, or move; a past instant fires next */
void loop_timer_stop(struct loop_timer *t);

/* Run turns until *stop is true (NULL: never) or the clock has reached deadline_ns (INT64_MAX: none). Returns 0 for
 * stop, 1 for the deadline, -1 on failure. A virtual loop with nothing left to do jumps to the deadline. */
int loop_run(struct loop *l, int64_t deadline_ns, const bool *stop, struct err *e);
/* From now on no loop_run goes beyond this instant, it fails there instead: so whoever lets others wait bounds them.
 * INT64_MAX lifts it. Holds at once, also for a loop_run under way. */
void loop_limit(struct loop *l, int64_t at_ns);
