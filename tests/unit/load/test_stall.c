/* SPDX-License-Identifier: MIT */
/*
 * The stall canary in a process that is stopped for a while: it must say so, with the right length.
 */
#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "harness/load/stall.h"
#include "tests/unit/evidence/scratch.h"
#include "tests/unit/runner.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOPPED_NS (150 * NS_PER_MS)

/* Exit code 0: a note of at least the length of the stop, and none that is impossible. */
static _Noreturn void watch_itself(int told)
{
    struct stall *s = NULL;
    if (stall_start(&s, NULL) != 0 || write(told, "r", 1) != 1) {
        _exit(2);
    }
    int64_t began = clock_mono_ns(), worst = 0, until = began + 5 * NS_PER_S;
    while (worst < STOPPED_NS && clock_mono_ns() < until) {
        poll(NULL, 0, 10);
        for (struct stall_note n; stall_take(s, &n);) {
            bool possible =
                n.woke_ns - n.due_ns >= NS_PER_MS && n.due_ns >= began - NS_PER_S && n.woke_ns <= clock_mono_ns();
            if (!possible) {
                _exit(3);
            }
            worst = n.woke_ns - n.due_ns > worst ? n.woke_ns - n.due_ns : worst;
        }
    }
    stall_stop(s);
    _exit(worst >= STOPPED_NS ? 0 : 4);
}

static void a_stopped_process_notices(void)
{
    int told[2];
    must(pipe(told) == 0);
    struct child child = {0};
    int side = child_fork(&child, NULL);
    must(side >= 0);
    if (side == 0) {
        watch_itself(told[1]);
    }
    close(told[1]);
    char ready;
    CU_ASSERT_EQUAL(read(told[0], &ready, 1), 1);
    close(told[0]);
    CU_ASSERT_EQUAL(child_wait(&child, 30 * NS_PER_MS, NULL), 1);
    child_signal(&child, SIGSTOP, NULL);
    poll(NULL, 0, 2 * STOPPED_NS / NS_PER_MS);
    child_signal(&child, SIGCONT, NULL);
    CU_ASSERT_EQUAL(child_wait(&child, 10 * NS_PER_S, NULL), 0);
    CU_ASSERT(WIFEXITED(child.status));
    CU_ASSERT_EQUAL(WEXITSTATUS(child.status), 0);
    child_stop(&child, 0, NULL);
}

static void it_ends_when_told(void)
{
    struct stall *s = NULL;
    CU_ASSERT_EQUAL_FATAL(stall_start(&s, NULL), 0);
    int64_t before = clock_mono_ns();
    stall_stop(s);
    CU_ASSERT(clock_mono_ns() - before < NS_PER_S);
    stall_stop(NULL);
}

void suite_stall(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_stopped_process_notices);
    runner_test(it_ends_when_told);
}
