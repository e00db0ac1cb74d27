/* SPDX-License-Identifier: MIT */
#include "harness/base/child.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "tests/unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOUND (10 * NS_PER_S)

/* Run a shell script to its end; its output goes to out. */
static int sh(const char *script, const char *const envp[], struct text *out)
{
    struct child c = {0};
    struct err e = {0};
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    scoped_fd int log = memfd_create("log", MFD_CLOEXEC);
    CU_ASSERT_EQUAL(child_exec(&c, argv, envp, log, NULL, NULL, &e), 0);
    CU_ASSERT_EQUAL(child_wait(&c, BOUND, &e), 0);
    CU_ASSERT_EQUAL(e.kind, ERR_NONE);
    child_stop(&c, 0, NULL);
    char buf[4096];
    ssize_t n = pread(log, buf, sizeof(buf), 0);
    text_clear(out);
    text_add_bytes(out, buf, n > 0 ? (size_t)n : 0);
    return c.status;
}

static void output_status_and_environment(void)
{
    scoped_text struct text out = {0};
    const char *envp[] = {"COLOUR=green", NULL};
    int status = sh("echo $COLOUR; echo err >&2; exit 7", envp, &out);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CU_ASSERT_STRING_EQUAL(text_str(&out), "green\nerr\n");
    status = sh("kill -9 $$", NULL, &out);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    setenv("COLOUR", "inherited", 1);
    sh("echo $COLOUR", NULL, &out);
    CU_ASSERT_STRING_EQUAL(text_str(&out), "inherited\n");
}

static void nothing_else_is_inherited(void)
{
    scoped_text struct text out = {0};
    int leak = dup(2); /* without close-on-exec */
    int high = fcntl(2, F_DUPFD, 200);
    sh("for n in 3 4 5 6 7 8 9 200; do test -e /proc/$$/fd/$n && echo $n; done;"
       "cat;" /* would wait for ever on a terminal */
       "ls -l /proc/$$/fd/0",
       NULL, &out);
    close(leak);
    close(high);
    CU_ASSERT(text_starts(text_str(&out), "l"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_str(&out), "-> /dev/null"));
}

static void missing_program_is_an_error(void)
{
    struct child c = {0};
    struct err none = {0}, folder = {0};
    const char *missing[] = {"/nonexistent/program", NULL};
    const char *not_a_program[] = {"/proc", NULL};
    CU_ASSERT_EQUAL(child_exec(&c, missing, NULL, -1, NULL, NULL, &none), -1);
    CU_ASSERT_EQUAL(none.os, ENOENT);
    CU_ASSERT_STRING_EQUAL(none.at, "/nonexistent/program");
    CU_ASSERT_EQUAL(c.pid, 0);
    CU_ASSERT(child_dead(&c));
    CU_ASSERT_EQUAL(child_exec(&c, not_a_program, NULL, -1, NULL, NULL, &folder), -1);
    CU_ASSERT_EQUAL(folder.os, EACCES);
    CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
    CU_ASSERT_EQUAL(errno, ECHILD);
}

static int refuse(void *arg)
{
    errno = *(int *)arg;
    return -1;
}

static int mark(void *arg)
{
    return setenv("MARK", arg, 1);
}

static void before_runs_in_the_child_and_may_refuse(void)
{
    struct child c = {0};
    struct err denied = {0}, silent = {0};
    const char *argv[] = {"/bin/sh", "-c", "test \"$MARK\" = here", NULL};
    int os = EPERM;
    CU_ASSERT_EQUAL(child_exec(&c, argv, NULL, -1, refuse, &os, &denied), -1);
    CU_ASSERT_EQUAL(denied.os, EPERM);
    os = 0;
    CU_ASSERT_EQUAL(child_exec(&c, argv, NULL, -1, refuse, &os, &silent), -1);
    CU_ASSERT_EQUAL(silent.kind, ERR_RUN);
    char here[] = "here";
    CU_ASSERT_EQUAL(child_exec(&c, argv, NULL, -1, mark, here, NULL), 0);
    CU_ASSERT_EQUAL(child_wait(&c, BOUND, NULL), 0);
    CU_ASSERT_EQUAL(c.status, 0);
    CU_ASSERT_PTR_NULL(getenv("MARK"));
}

/* A forked child that says "ready" through a pipe and then waits for signals. */
static void fork_waiting(struct child *c, bool deaf)
{
    int p[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(p, O_CLOEXEC), 0);
    int side = child_fork(c, NULL);
    if (side == 0) {
        signal(SIGTERM, deaf ? SIG_IGN : SIG_DFL);
        ssize_t told = write(p[1], "r", 1);
        for (;;) {
            if (told != 1) {
                _exit(1);
            }
            pause();
        }
    }
    char ready;
    CU_ASSERT_EQUAL(side, 1);
    CU_ASSERT_EQUAL(read(p[0], &ready, 1), 1);
    close(p[0]);
    close(p[1]);
}

static void stop_by_sigterm(void)
{
    struct child c = {0};
    fork_waiting(&c, false);
    CU_ASSERT_FALSE(child_dead(&c));
    CU_ASSERT_EQUAL(child_wait(&c, NS_PER_MS, NULL), 1);
    CU_ASSERT_EQUAL(child_stop(&c, BOUND, NULL), 0);
    CU_ASSERT(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGTERM);
    CU_ASSERT(c.reaped && c.pidfd == -1);
    CU_ASSERT_EQUAL(child_signal(&c, SIGKILL, NULL), 0);
    CU_ASSERT_EQUAL(child_stop(&c, BOUND, NULL), 0);
}

static void stop_is_bounded_for_those_who_do_not_listen(void)
{
    struct child c = {0};
    fork_waiting(&c, true);
    int64_t before = clock_mono_ns();
    CU_ASSERT_EQUAL(child_stop(&c, 20 * NS_PER_MS, NULL), 0);
    int64_t took = clock_mono_ns() - before;
    CU_ASSERT(took >= 20 * NS_PER_MS && took < 2 * NS_PER_S);
    CU_ASSERT(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);
}

static void frozen_child_can_be_killed_at_once(void)
{
    struct child c = {0};
    fork_waiting(&c, false);
    CU_ASSERT_EQUAL(child_signal(&c, SIGSTOP, NULL), 0);
    CU_ASSERT_EQUAL(child_wait(&c, NS_PER_MS, NULL), 1); /* stopped is not dead */
    CU_ASSERT_EQUAL(child_stop(&c, 0, NULL), 0);
    CU_ASSERT_EQUAL(WTERMSIG(c.status), SIGKILL);
}

static void no_child_is_dead(void)
{
    struct child none = {0};
    CU_ASSERT(child_dead(&none));
    CU_ASSERT_EQUAL(child_signal(&none, SIGKILL, NULL), 0);
    CU_ASSERT_EQUAL(child_wait(&none, INT64_MAX, NULL), 0);
    CU_ASSERT_EQUAL(child_stop(&none, INT64_MAX, NULL), 0);
}

static void reaped_by_somebody_else_counts_as_dead(void)
{
    struct child c = {0};
    if (child_fork(&c, NULL) == 0) {
        _exit(0);
    }
    CU_ASSERT_EQUAL(waitpid(c.pid, NULL, 0), c.pid);
    CU_ASSERT_EQUAL(child_signal(&c, SIGKILL, NULL), 0);
    CU_ASSERT_EQUAL(child_wait(&c, BOUND, NULL), 0);
    CU_ASSERT_EQUAL(c.status, -1);
}

static void ignore_it(int sig)
{
    (void)sig;
}

static void signals_are_at_their_defaults(void)
{
    struct child c = {0};
    sigset_t usr2, old;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    sigprocmask(SIG_BLOCK, &usr2, &old);
    signal(SIGUSR1, ignore_it);
    signal(SIGPIPE, SIG_IGN);
    if (child_fork(&c, NULL) == 0) {
        sigset_t mask;
        struct sigaction usr1, pipe;
        sigprocmask(SIG_BLOCK, NULL, &mask);
        sigaction(SIGUSR1, NULL, &usr1);
        sigaction(SIGPIPE, NULL, &pipe);
        int death = 0;
        prctl(PR_GET_PDEATHSIG, &death);
        _exit(sigisemptyset(&mask) && usr1.sa_handler == SIG_DFL && pipe.sa_handler == SIG_DFL && death == SIGKILL ? 42
                                                                                                                   : 1);
    }
    sigset_t now;
    sigprocmask(SIG_SETMASK, &old, &now);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    CU_ASSERT(sigismember(&now, SIGUSR2) == 1 && sigismember(&now, SIGTERM) == 0); /* ours came back */
    CU_ASSERT_EQUAL(child_wait(&c, BOUND, NULL), 0);
    CU_ASSERT_EQUAL(WEXITSTATUS(c.status), 42);
}

/* In the middle process: start a grandchild as told, say its pid, wait to be killed. */
static _Noreturn void be_parent(int out, int (*before)(void *))
{
    struct child grandchild = {0};
    const char *argv[] = {"/bin/sh", "-c", "sleep 20", NULL};
    pid_t pid = -1;
    if (child_exec(&grandchild, argv, NULL, -1, before, NULL, NULL) == 0) {
        pid = grandchild.pid;
    }
    ssize_t told = write(out, &pid, sizeof(pid));
    for (;;) {
        if (told < 0) {
            _exit(1);
        }
        pause();
    }
}

/* True when a grandchild was started and died with its parent. */
static bool dies_with_parent(int (*before)(void *), bool *started)
{
    int p[2];
    CU_ASSERT_EQUAL_FATAL(pipe2(p, O_CLOEXEC), 0);
    struct child middle = {0};
    if (child_fork(&middle, NULL) == 0) {
        be_parent(p[1], before);
    }
    close(p[1]);
    scoped_fd int in = p[0];
    pid_t pid = -1;
    CU_ASSERT_EQUAL(read(in, &pid, sizeof(pid)), (ssize_t)sizeof(pid));
    *started = pid > 0;
    scoped_fd int pidfd = *started ? pidfd_open(pid, 0) : -1;
    CU_ASSERT_EQUAL(child_stop(&middle, 0, NULL), 0);
    struct pollfd dead = {.fd = pidfd, .events = POLLIN};
    bool died = *started && poll(&dead, 1, 5000) == 1;
    if (*started && !died) {
        pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    }
    return died;
}

static void grandchildren_die_with_their_parent(void)
{
    bool started;
    CU_ASSERT(dies_with_parent(NULL, &started));
    CU_ASSERT(started);
}

static int become_nobody(void *arg)
{
    (void)arg;
    return setresgid(65534, 65534, 65534) == 0 ? setresuid(65534, 65534, 65534) : -1;
}

/* A change of user or group clears the death signal; it must be asked for again. */
static void also_as_another_user(void)
{
    bool started;
    bool died = dies_with_parent(become_nobody, &started);
    if (!started) {
        runner_skip("this user cannot become another one");
        return;
    }
    CU_ASSERT(died);
}

void suite_child(void)
{
    runner_suite(NULL, NULL);
    runner_test(output_status_and_environment);
    runner_test(nothing_else_is_inherited);
    runner_test(missing_program_is_an_error);
    runner_test(before_runs_in_the_child_and_may_refuse);
    runner_test(stop_by_sigterm);
    runner_test(stop_is_bounded_for_those_who_do_not_listen);
    runner_test(frozen_child_can_be_killed_at_once);
    runner_test(no_child_is_dead);
    runner_test(reaped_by_somebody_else_counts_as_dead);
    runner_test(signals_are_at_their_defaults);
    runner_test(grandchildren_die_with_their_parent);
}

void suite_child_users(void)
{
    runner_suite(NULL, NULL);
    runner_test(also_as_another_user);
}
