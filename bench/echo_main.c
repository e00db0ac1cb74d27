/* SPDX-License-Identifier: MIT */
/*
 * bench-echo serve PORT [DELAY_MS]: answer until killed, ten minutes at most, and no longer than the parent lives; on
 * 127.0.0.1 at once, or on every address after a while.
 * bench-echo wait PORT: exit 0 as soon as GET / there answers 200, 1 when it has not within five seconds.
 */
#include "bench/bench.h"
#include "bench/echo.h"
#include "harness/base/clock.h"
#include "harness/base/units.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define SERVE_NS (600 * NS_PER_S)
#define WAIT_NS (5 * NS_PER_S)

static int serve(uint16_t port, int64_t delay_ms)
{
    struct echo s;
    struct err e = {0};
    struct loop *l = loop_new(&e);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!l || echo_open(&s, l, delay_ms > 0, port, &e) != 0) {
        bench_fail(&e, "echo");
    }
    s.delay_ns = delay_ms * NS_PER_MS;
    if (loop_run(l, clock_mono_ns() + SERVE_NS, NULL, &e) < 0) {
        bench_fail(&e, "echo");
    }
    return 0;
}

static int wait_for(uint16_t port)
{
    int64_t until_ns = clock_mono_ns() + WAIT_NS;
    while (!echo_answers(port, "/")) {
        if (clock_mono_ns() > until_ns) {
            return 1;
        }
        poll(NULL, 0, 20);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "serve") == 0) {
        return serve((uint16_t)bench_number(argv[2], 1, 65535), argc == 4 ? bench_number(argv[3], 1, 10000) : 0);
    }
    if (argc == 3 && strcmp(argv[1], "wait") == 0) {
        return wait_for((uint16_t)bench_number(argv[2], 1, 65535));
    }
    fprintf(stderr, "usage: bench-echo serve PORT [DELAY_MS] | wait PORT\n");
    return 2;
}
