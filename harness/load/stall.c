/* SPDX-License-Identifier: MIT */
/*
 * A periodic absolute timerfd of 1 ms (10 ms under User-Mode Linux, whose clock is too coarse and too dear). read(2)
 * tells how many ticks have passed; the first of them is when the thread should have woken. Lateness of 1 ms and
 * more is noted.
 *
 * Notes travel through a ring with one writer and one reader: the writer publishes by a release store of `written`, the
 * reader acquires it, and the other way round for `taken`. When the ring is full the newest note is kept back and
 * stretched over what follows, so that lateness is never lost, only merged.
 *
 * Failure: no timerfd or no thread is ERR_MACHINE from stall_start. A read that fails ends the thread; the worst that
 * follows is a stall unnoticed, hence it is written down as one note as long as the clock goes.
 */
#include "harness/load/stall.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { RING = 4096 }; /* four seconds of being late at every tick */

struct stall {
    pthread_t thread;
    int timer_fd;
    int64_t first_ns, period_ns;
    atomic_bool stop;
    _Atomic uint32_t written, taken;
    struct stall_note ring[RING];
};

static bool put(struct stall *s, const struct stall_note *note)
{
    uint32_t written = atomic_load_explicit(&s->written, memory_order_relaxed);
    if (written - atomic_load_explicit(&s->taken, memory_order_acquire) == RING) {
        return false;
    }
    s->ring[written % RING] = *note;
    atomic_store_explicit(&s->written, written + 1, memory_order_release);
    return true;
}

bool stall_take(struct stall *s, struct stall_note *note)
{
    uint32_t taken = atomic_load_explicit(&s->taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&s->written, memory_order_acquire)) {
        return false;
    }
    *note = s->ring[taken % RING];
    atomic_store_explicit(&s->taken, taken + 1, memory_order_release);
    return true;
}

/* Add what was late to what could not be handed over yet, and try to hand it over. */
static void note_lateness(struct stall *s, struct stall_note *held, int64_t due, int64_t woke)
{
    if (woke - due >= NS_PER_MS) {
        held->due_ns = held->due_ns ? held->due_ns : due;
        held->woke_ns = woke;
    }
    if (held->due_ns && put(s, held)) {
        *held = (struct stall_note){0};
    }
}

static void *watch(void *arg)
{
    struct stall *s = arg;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    prctl(PR_SET_NAME, "stall-canary", 0UL, 0UL, 0UL);
    struct stall_note held = {0};
    int64_t due = s->first_ns;
    while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
        uint64_t ticks = 0;
        if (read(s->timer_fd, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks)) {
            if (errno == EINTR) {
                continue;
            }
            held = (struct stall_note){.due_ns = due, .woke_ns = INT64_MAX};
            put(s, &held);
            return NULL;
        }
        note_lateness(s, &held, due, clock_mono_ns());
        due += (int64_t)ticks * s->period_ns;
    }
    return NULL;
}

static bool is_user_mode_linux(void)
{
    char text[256] = "";
    scoped_fd int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, "User Mode Linux") != NULL;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

/* The thread takes no signals: they belong to the loop. */
static int start_thread(struct stall *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int os = pthread_create(&s->thread, NULL, watch, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return os;
}

int stall_start(struct stall **out, struct err *e)
{
    struct stall *s = xcalloc(1, sizeof(*s));
    s->period_ns = is_user_mode_linux() ? 10 * NS_PER_MS : NS_PER_MS;
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    s->first_ns = clock_mono_ns() + s->period_ns;
    struct itimerspec spec = {.it_interval = timespec_of(s->period_ns), .it_value = timespec_of(s->first_ns)};
    int os = 0;
    if (s->timer_fd < 0 || timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) != 0) {
        os = errno;
    } else {
        os = start_thread(s);
    }
    if (os != 0) {
        fd_close(&s->timer_fd);
        free(s);
        return err_os(e, ERR_MACHINE, os, "stall canary", "cannot start");
    }
    *out = s;
    return 0;
}

void stall_stop(struct stall *s)
{
    if (!s) {
        return;
    }
    atomic_store_explicit(&s->stop, true, memory_order_relaxed);
    pthread_join(s->thread, NULL);
    fd_close(&s->timer_fd);
    free(s);
}
