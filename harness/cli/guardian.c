/* SPDX-License-Identifier: MIT */
/*
 * A pipe of which only the command line holds the writing end tells of its death by end of file. The guardian is a
 * child subreaper (prctl(2) PR_SET_CHILD_SUBREAPER): the orphans of a killed conductor become its children. It must
 * outlive the command line for that, so it undoes the death signal that child_fork gave it; should it be killed itself,
 * the conductor's own death signal still ends the run, and the command line, a subreaper too, buries.
 */
#include "harness/cli/guardian.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define BURIAL_NS (3 * NS_PER_S)

static int watch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Until the conductor is dead: hand signals on; kill it when the command line is gone. */
static void keep_watch(struct child *conductor, int signals, int lifeline)
{
    while (!child_dead(conductor)) {
        struct pollfd fds[] = {{.fd = conductor->pidfd, .events = POLLIN},
                               {.fd = signals, .events = POLLIN},
                               {.fd = lifeline, .events = POLLIN}};
        if (poll(fds, array_len(fds), -1) < 0 && errno != EINTR) {
            child_signal(conductor, SIGKILL, NULL);
        }
        struct signalfd_siginfo info;
        if (fds[1].revents && read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
            child_signal(conductor, (int)info.ssi_signo, NULL);
        }
        if (fds[2].revents) {
            child_signal(conductor, SIGKILL, NULL);
            lifeline = -1;
        }
    }
}

/* The dead of the run: reaped as they come, until there are none or the bound has passed. */
void guardian_bury(void)
{
    int64_t until = clock_mono_ns() + BURIAL_NS;
    while (clock_mono_ns() < until) {
        pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);
        if (pid < 0 && errno == ECHILD) {
            return;
        }
        if (pid == 0) {
            poll(NULL, 0, 2);
        }
    }
}

/* Returns in the conductor only. */
static void guard(int lifeline)
{
    struct child conductor = {.pidfd = -1};
    prctl(PR_SET_PDEATHSIG, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    setpgid(0, 0);
    scoped_fd int signals = watch_signals();
    int side = child_fork(&conductor, NULL);
    if (side == 0) {
        return;
    }
    if (side < 0) {
        _exit(EXIT_FAILURE);
    }
    keep_watch(&conductor, signals, lifeline);
    guardian_bury();
    _exit(WIFEXITED(conductor.status) ? WEXITSTATUS(conductor.status) : 128 + WTERMSIG(conductor.status));
}

int guardian_fork(struct child *c, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_os(e, ERR_RUN, errno, "pipe", "cannot make the run's lifeline");
    }
    scoped_fd int lifeline = ends[0], held = ends[1];
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int side = child_fork(c, e);
    if (side == 0) {
        fd_close(&held);
        guard(lifeline);
        return 0;
    }
    if (side > 0) {
        steal_fd(&held); /* stays open as long as this process lives: that is its whole purpose */
    }
    return side;
}
