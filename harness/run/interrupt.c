/* SPDX-License-Identifier: MIT */
/*
 * The signals are blocked for the conductor and read as data, so that a heal is never torn apart. A virtual loop has no
 * descriptors: there a run lasts milliseconds and the default action is left in place.
 */
#include "harness/run/interrupt.h"
#include "harness/base/scoped.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static sigset_t interrupt_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    return set;
}

static void interrupt_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct interrupt *i = (struct interrupt *)io;
    struct signalfd_siginfo info;
    if (read(i->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (i->drill->signal) {
        dprintf(STDERR_FILENO, "drtest: second signal, leaving at once; the kernel takes the lab down\n"
                               "drtest: to see that nothing is left: drtest clean %s\n", i->drill->options->run_path);
        _exit(128 + (int)info.ssi_signo);
    }
    i->drill->signal = info.ssi_signo == SIGHUP ? SIGTERM : (int)info.ssi_signo;
    dprintf(STDERR_FILENO, "drtest: %s, %s (again: leave at once)\n",
            info.ssi_signo == SIGINT ? "interrupted" : "told to stop",
            i->drill->held ? "taking the lab down" : "healing the faults and finishing the evidence");
    drill_stop(i->drill, info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
}

int interrupt_init(struct interrupt *i, struct drill *d, struct err *e)
{
    *i = (struct interrupt){.io.ready = interrupt_ready, .drill = d, .fd = -1};
    if (loop_is_virtual(d->loop))
        return 0;
    sigset_t set = interrupt_set();
    sigprocmask(SIG_BLOCK, &set, NULL);
    i->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (i->fd < 0)
        return err_os(e, ERR_RUN, errno, "signalfd", "cannot watch for signals");
    return loop_io_set(d->loop, &i->io, i->fd, EPOLLIN, e);
}

void interrupt_deinit(struct interrupt *i)
{
    loop_io_stop(&i->io);
    fd_close(&i->fd);
}
