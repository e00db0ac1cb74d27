/* SPDX-License-Identifier: MIT */
/*
 * Children with a leash at both ends: the parent holds a pidfd, so a signal can never hit a stranger with the same
 * pid; the child asks the kernel for SIGKILL at its parent's death.
 *
 * Three races are closed here. A signal between fork and the reset of handlers would run the parent's handler in the
 * child: all signals are blocked across fork. A parent that dies before prctl(2) would never be noticed: the child
 * holds a pidfd of its parent and looks at it afterwards (getppid(2) cannot tell, it is 0 across pid namespaces).
 * A change of user or group clears the death signal: child_exec asks again after `before`.
 *
 * Failure paths of child_exec: whatever goes wrong in the child before exec is written as (step, errno) into a
 * close-on-exec pipe. The parent reads it with a bound; end of file means that exec went well. A child that neither
 * execs nor fails in time is killed. In every failing case the child is reaped and *c is "no child" again.
 *
 * A child that somebody else reaped (a waitpid(-1) elsewhere) counts as dead with status -1.
 */
#include "harness/base/child.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXEC_BOUND_NS (10 * NS_PER_S)
#define KILL_BOUND_NS (2 * NS_PER_S)

/* In the child: die with the parent, also when it is dead already. */
static void die_with(int parent_pidfd)
{
    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL);
    struct pollfd dead = {.fd = parent_pidfd, .events = POLLIN};
    if (poll(&dead, 1, 0) != 0) {
        _exit(127);
    }
}

static void default_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig <= SIGRTMAX; sig++) {
        sigaction(sig, &dfl, NULL); /* refused for SIGKILL, SIGSTOP and those of libc, which have no handler */
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Fork with all signals blocked in the child; errno is of fork. */
static pid_t fork_blocked(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, before);
    return fork();
}

static int fork_with(struct child *c, int parent_pidfd, struct err *e)
{
    *c = (struct child){.pidfd = -1};
    sigset_t before;
    pid_t pid = fork_blocked(&before);
    if (pid == 0) {
        die_with(parent_pidfd);
        default_signals();
        return 0;
    }
    int os = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        return err_os(e, ERR_RUN, os, "child process", "cannot fork");
    }
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        os = errno;
        kill(pid, SIGKILL); /* not reaped yet, so the pid is still ours */
        waitpid(pid, NULL, 0);
        return err_os(e, ERR_MACHINE, os, "child process", "cannot open a pidfd");
    }
    c->pid = pid;
    c->pidfd = pidfd;
    return 1;
}

int child_fork(struct child *c, struct err *e)
{
    scoped_fd int self = pidfd_open(getpid(), 0);
    if (self < 0) {
        return err_os(e, ERR_MACHINE, errno, "child process", "cannot open a pidfd");
    }
    return fork_with(c, self, e);
}

enum step { STEP_BEFORE = 1, STEP_STDIO, STEP_EXEC };

struct failure {
    int step, os;
};

struct exec_plan {
    const char *const *argv;
    const char *const *envp;
    int log_fd, report_fd, parent_pidfd;
    int (*before)(void *arg);
    void *arg;
};

/* stdin from /dev/null, the log, the report pipe as 3, and nothing else. */
static int arrange_descriptors(const struct exec_plan *p)
{
    if (p->log_fd >= 0 && (dup2(p->log_fd, 1) < 0 || dup2(p->log_fd, 2) < 0)) {
        return -1;
    }
    if (p->report_fd != 3 && dup3(p->report_fd, 3, O_CLOEXEC) < 0) {
        return -1;
    }
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0) {
        return -1;
    }
    return close_range(4, ~0U, 0);
}

static _Noreturn void exec_in_child(const struct exec_plan *p)
{
    int report_fd = p->report_fd;
    struct failure f = {.step = STEP_BEFORE};
    errno = 0;
    if (!p->before || p->before(p->arg) == 0) {
        die_with(p->parent_pidfd);
        f.step = STEP_STDIO;
        if (arrange_descriptors(p) == 0) {
            f.step = STEP_EXEC;
            report_fd = 3;
            /* execve(2) takes char *const[] for history's sake and does not write to it. */
            union {
                const char *const *in;
                char *const *out;
            } argv = {.in = p->argv}, envp = {.in = p->envp};
            execve(argv.out[0], argv.out, envp.in ? envp.out : environ);
        }
    }
    f.os = errno;
    ssize_t told = write(report_fd, &f, sizeof(f));
    _exit(told == (ssize_t)sizeof(f) ? 127 : 126);
}

/* Poll one descriptor until an instant. 1 ready, 0 not, -1 on failure. */
static int poll_until(int fd, int64_t until_ns)
{
    for (;;) {
        int64_t left = until_ns - clock_mono_ns();
        left = left < 0 ? 0 : left;
        struct timespec ts = {.tv_sec = (time_t)(left / NS_PER_S), .tv_nsec = (long)(left % NS_PER_S)};
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n = ppoll(&p, 1, &ts, NULL);
        if (n >= 0 || errno != EINTR) {
            return n;
        }
    }
}

static int exec_failed(const struct failure *f, const char *program, struct err *e)
{
    if (f->step == STEP_BEFORE && f->os == 0) {
        return err_set(e, ERR_RUN, program, "preparing the process failed");
    }
    static const char *const doing[] = {
        [STEP_BEFORE] = "preparing the process failed",
        [STEP_STDIO] = "cannot arrange the descriptors of the process",
        [STEP_EXEC] = "cannot execute the program",
    };
    return err_os(e, ERR_RUN, f->os, program, "%s", doing[f->step]);
}

/* Read how the child got on. 0: it runs the program now. */
static int await_exec(int report_fd, const char *program, struct err *e)
{
    int ready = poll_until(report_fd, clock_mono_ns() + EXEC_BOUND_NS);
    if (ready < 0) {
        return err_os(e, ERR_RUN, errno, program, "cannot wait for the process to start");
    }
    if (ready == 0) {
        return err_set(e, ERR_RUN, program, "the process did not start within %d s", (int)(EXEC_BOUND_NS / NS_PER_S));
    }
    struct failure f;
    ssize_t n = read(report_fd, &f, sizeof(f));
    if (n == 0) {
        return 0;
    }
    if (n != (ssize_t)sizeof(f) || f.step < STEP_BEFORE || f.step > STEP_EXEC) {
        return err_set(e, ERR_RUN, program, "the process could not say why it did not start");
    }
    return exec_failed(&f, program, e);
}

int child_exec(struct child *c, const char *const argv[], const char *const envp[], int log_fd,
               int (*before)(void *arg), void *arg, struct err *e)
{
    *c = (struct child){.pidfd = -1};
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) {
        return err_os(e, ERR_RUN, errno, argv[0], "cannot make a pipe");
    }
    scoped_fd int in = report[0];
    scoped_fd int out = report[1];
    scoped_fd int self = pidfd_open(getpid(), 0);
    if (self < 0) {
        return err_os(e, ERR_MACHINE, errno, argv[0], "cannot open a pidfd");
    }
    int side = fork_with(c, self, e);
    if (side == 0) {
        struct exec_plan p = {argv, envp, log_fd, out, self, before, arg};
        exec_in_child(&p);
    }
    if (side < 0) {
        return -1;
    }
    fd_close(&out);
    if (await_exec(in, argv[0], e) != 0) {
        child_stop(c, 0, NULL);
        *c = (struct child){.pidfd = -1};
        return -1;
    }
    return 0;
}

int child_signal(const struct child *c, int sig, struct err *e)
{
    if (c->pid == 0 || c->reaped || pidfd_send_signal(c->pidfd, sig, NULL, 0) == 0 || errno == ESRCH) {
        return 0;
    }
    return err_os(e, ERR_RUN, errno, "child process", "cannot send signal %d to process %d", sig, (int)c->pid);
}

static int wait_status(const siginfo_t *si)
{
    switch (si->si_code) {
    case CLD_EXITED:
        return W_EXITCODE(si->si_status & 0xff, 0);
    case CLD_DUMPED:
        return W_EXITCODE(0, si->si_status) | WCOREFLAG;
    default:
        return W_EXITCODE(0, si->si_status);
    }
}

bool child_dead(struct child *c)
{
    if (c->pid == 0 || c->reaped) {
        return true;
    }
    siginfo_t si = {0};
    int rc;
    do {
        rc = waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0 && si.si_pid == 0) {
        return false;
    }
    c->status = rc == 0 ? wait_status(&si) : -1;
    c->reaped = true;
    fd_close(&c->pidfd);
    return true;
}

int child_wait(struct child *c, int64_t timeout_ns, struct err *e)
{
    if (child_dead(c)) {
        return 0;
    }
    int64_t now = clock_mono_ns();
    int64_t until = timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
    if (poll_until(c->pidfd, until) < 0) {
        return err_os(e, ERR_RUN, errno, "child process", "cannot wait for process %d", (int)c->pid);
    }
    return child_dead(c) ? 0 : 1;
}

int child_stop(struct child *c, int64_t grace_ns, struct err *e)
{
    if (child_dead(c)) {
        return 0;
    }
    if (grace_ns > 0) {
        if (child_signal(c, SIGTERM, e) != 0) {
            return -1;
        }
        int alive = child_wait(c, grace_ns, e);
        if (alive <= 0) {
            return alive;
        }
    }
    if (child_signal(c, SIGKILL, e) != 0) {
        return -1;
    }
    int alive = child_wait(c, KILL_BOUND_NS, e);
    if (alive == 1) {
        return err_set(e, ERR_RUN, "child process", "process %d did not die of SIGKILL within %d s", (int)c->pid,
                       (int)(KILL_BOUND_NS / NS_PER_S));
    }
    return alive;
}
