/* SPDX-License-Identifier: MIT */
/* The tap on processes of this test, without a lab: what each setting does to a call, and to whom it does not. */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/tap.h"
#include "tests/unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tap *tap;
static int disk; /* a file */

static void begin(void)
{
    char path[] = "/tmp/drtest-unit-XXXXXX";
    struct stat st;
    disk = mkostemp(path, O_CLOEXEC);
    CU_ASSERT_FATAL(disk >= 0 && unlink(path) == 0 && fstat(disk, &st) == 0 && tap_open(&tap, NULL) == 0);
    tap_disk(tap, st.st_dev);
}

static void end(void)
{
    tap_close(tap);
    fd_close(&disk);
}

static pid_t attached(struct child *c)
{
    int side = child_fork(c, NULL);
    if (side == 0 && tap_attach(tap, TAP_NODE) != 0) {
        _exit(99);
    }
    return side == 0 ? 0 : c->pid;
}

static int result_of(struct child *c)
{
    CU_ASSERT_EQUAL_FATAL(child_wait(c, 10 * NS_PER_S, NULL), 0);
    return WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1;
}

static int64_t ms_of_write(int fd)
{
    int64_t begun_ns = clock_mono_ns();
    if (write(fd, "x", 1) != 1) {
        return -1;
    }
    return (clock_mono_ns() - begun_ns) / NS_PER_MS;
}

static void each_call_to_the_disk_takes_longer(void)
{
    struct child c;
    begin();
    tap->page->delay_ns = 40 * NS_PER_MS;
    if (attached(&c) == 0) {
        int ends[2];
        int64_t first = ms_of_write(disk), second = ms_of_write(disk);
        int64_t at_pipe = pipe(ends) == 0 ? ms_of_write(ends[1]) : -1;
        _exit(first >= 40 && second >= 40 && at_pipe >= 0 && at_pipe < 40 ? 0 : 1);
    }
    CU_ASSERT_EQUAL(result_of(&c), 0);
    end();
}

static void calls_fail_while_they_are_to(void)
{
    struct child c;
    begin();
    tap->page->failing = true;
    if (attached(&c) == 0) {
        char byte;
        bool fails = write(disk, "x", 1) < 0 && errno == EIO && pread(disk, &byte, 1, 0) < 0 && errno == EIO &&
                     fsync(disk) < 0 && errno == EIO && ftruncate(disk, 0) < 0 && errno == EIO;
        tap->page->failing = false;
        _exit(fails && write(disk, "x", 1) == 1 && fsync(disk) == 0 ? 0 : 1);
    }
    CU_ASSERT_EQUAL(result_of(&c), 0);
    CU_ASSERT_EQUAL(write(disk, "y", 1), 1); /* we are not attached */
    end();
}

static void what_the_dead_did_not_sync_is_gone_when_all_is_settled(void)
{
    struct child c;
    char bytes[16] = "";
    begin();
    tap->page->forgetful = true;
    if (attached(&c) == 0) {
        bool right = write(disk, "kept", 4) == 4 && fdatasync(disk) == 0 && write(disk, "gone", 4) == 4;
        kill(getpid(), right ? SIGKILL : SIGTERM);
    }
    CU_ASSERT_EQUAL(child_wait(&c, 10 * NS_PER_S, NULL), 0);
    CU_ASSERT_EQUAL(WTERMSIG(c.status), SIGKILL);
    CU_ASSERT_EQUAL(tap_await_settled(tap, TAP_NODE, 5 * NS_PER_S, NULL), 0);
    CU_ASSERT_EQUAL(pread(disk, bytes, sizeof(bytes), 0), 4);
    CU_ASSERT_STRING_EQUAL(bytes, "kept");
    end();
}

static void nothing_is_lost_by_the_living_nor_after_the_heal(void)
{
    struct child c;
    struct stat st;
    begin();
    tap->page->forgetful = true;
    if (attached(&c) == 0) {
        bool right = write(disk, "one", 3) == 3;
        tap->page->forgetful = false;
        _exit(right && write(disk, "two", 3) == 3 ? 0 : 1);
    }
    CU_ASSERT_EQUAL(result_of(&c), 0);
    CU_ASSERT_EQUAL(tap_await_settled(tap, TAP_NODE, 5 * NS_PER_S, NULL), 0);
    CU_ASSERT(fstat(disk, &st) == 0 && st.st_size == 6);
    end();
}

static void *write_in_a_thread(void *right)
{
    *(bool *)right = write(disk, "x", 1) < 0 && errno == EIO;
    return NULL;
}

static void threads_and_their_children_are_under_it(void)
{
    struct child c;
    begin();
    tap->page->failing = true;
    if (attached(&c) == 0) {
        pthread_t thread;
        bool right = false;
        pthread_create(&thread, NULL, write_in_a_thread, &right);
        pthread_join(thread, NULL);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            int other = dup(disk);
            _exit(write(other, "x", 1) < 0 && errno == EIO ? 0 : 1);
        }
        int status = -1;
        waitpid(grandchild, &status, 0);
        _exit(right && status == 0 ? 0 : 1);
    }
    CU_ASSERT_EQUAL(result_of(&c), 0);
    end();
}

static void who_waits_for_the_disk_can_be_killed_and_stopped(void)
{
    struct child c;
    begin();
    tap->page->delay_ns = NS_PER_S;
    if (attached(&c) == 0) {
        _exit(write(disk, "x", 1) == 1 ? 0 : 1);
    }
    child_wait(&c, 50 * NS_PER_MS, NULL);
    child_signal(&c, SIGSTOP, NULL);
    child_signal(&c, SIGCONT, NULL);
    int64_t begun_ns = clock_mono_ns();
    child_signal(&c, SIGKILL, NULL);
    CU_ASSERT_EQUAL(child_wait(&c, 5 * NS_PER_S, NULL), 0);
    CU_ASSERT(clock_mono_ns() - begun_ns < 500 * NS_PER_MS);
    CU_ASSERT_EQUAL(tap_await_settled(tap, TAP_NODE, 5 * NS_PER_S, NULL), 0);
    end();
}

static void the_kernel_tells_who_is_attached(void)
{
    struct child c;
    int go[2];
    begin();
    CU_ASSERT_EQUAL_FATAL(pipe(go), 0);
    if (attached(&c) == 0) {
        char byte;
        close(go[1]);
        _exit((int)read(go[0], &byte, 1));
    }
    for (int i = 0; i < 1000 && !tap_holds(tap, c.pid); i++) {
        child_wait(&c, NS_PER_MS, NULL);
    }
    CU_ASSERT(tap_holds(tap, c.pid));
    CU_ASSERT_FALSE(tap_holds(tap, getpid()));
    close(go[0]);
    close(go[1]);
    CU_ASSERT_EQUAL(result_of(&c), 0);
    end();
}

void suite_tap(void)
{
    runner_suite(NULL, NULL);
    runner_test(each_call_to_the_disk_takes_longer);
    runner_test(calls_fail_while_they_are_to);
    runner_test(what_the_dead_did_not_sync_is_gone_when_all_is_settled);
    runner_test(nothing_is_lost_by_the_living_nor_after_the_heal);
    runner_test(threads_and_their_children_are_under_it);
    runner_test(who_waits_for_the_disk_can_be_killed_and_stopped);
    runner_test(the_kernel_tells_who_is_attached);
}
