/* SPDX-License-Identifier: MIT */
/*
 * The least one can do: timerfd_create(2) set to each absolute instant, a blocking read(2), a look at the clock.
 * Whatever is due by then counts, as in the worker. Its lateness is the kernel's and the machine's, not ours.
 */
#include "bench/slip.h"

#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int await(int fd, int64_t at_ns)
{
    struct itimerspec at = {.it_value = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S}};
    uint64_t expired;
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) == 0 && read(fd, &expired, sizeof(expired)) > 0 ? 0 : -1;
}

void slip_bare(const struct slip_order *o, struct slip_side *out)
{
    scoped_fd int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (fd < 0) {
        err_os(&out->e, ERR_MACHINE, errno, "timerfd", "cannot make one");
        return;
    }
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    int64_t rate = slip_rate(&o->mix), interval_ns = NS_PER_S / rate;
    for (int64_t k = 0; k < rate * o->seconds;) {
        if (await(fd, o->start_ns + k * interval_ns) != 0) {
            err_os(&out->e, ERR_RUN, errno, "timerfd", "cannot wait");
            return;
        }
        int64_t now = clock_mono_ns();
        for (; k < rate * o->seconds && o->start_ns + k * interval_ns <= now; k++) {
            out->late_us[out->count++] = (double)(now - o->start_ns - k * interval_ns) / (double)NS_PER_US;
        }
    }
    out->done = true;
}
