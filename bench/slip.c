/* SPDX-License-Identifier: MIT */
/*
 * bench-slip ROUNDS SECONDS: how late requests leave the load room's worker, beside a bare timer loop.
 *
 * Per rate and round three processes: the echo server, the bare loop, the worker. The latter two run over the same
 * seconds at the same rate, so that both are disturbed by the same neighbours, each other included. Percentiles are of
 * one side of one round; the table has their medians over the rounds.
 */
#include "bench/slip.h"
#include "bench/echo.h"

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/units.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAD_NS (300 * NS_PER_MS) /* for both sides to be ready */
#define SPARE_NS (15 * NS_PER_S)

struct slip_series {
    struct figures p50, p99, worst;
    uint64_t count, bad;
};

static void slip_series_deinit(struct slip_series *s)
{
    figures_deinit(&s->p50);
    figures_deinit(&s->p99);
    figures_deinit(&s->worst);
}
#define scoped_slip __attribute__((cleanup(slip_series_deinit)))

static void fork_or_fail(struct child *c, int *side)
{
    struct err e = {0};
    fflush(NULL);
    *side = child_fork(c, &e);
    if (*side < 0) {
        bench_fail(&e, "slip");
    }
}

static _Noreturn void serve(volatile uint16_t *port)
{
    struct echo s;
    struct err e = {0};
    struct loop *l = loop_new(&e);
    if (!l || echo_open(&s, l, 0, &e) != 0) {
        _exit(1);
    }
    *port = s.port;
    loop_run(l, INT64_MAX, NULL, NULL);
    _exit(1);
}

/* Returns its port once it listens. */
static uint16_t start_echo(struct child *c)
{
    volatile uint16_t *port = bench_shared(sizeof(*port));
    int side;
    fork_or_fail(c, &side);
    if (side == 0) {
        serve(port);
    }
    while (*port == 0) {
        if (child_dead(c)) {
            struct err e = {0};
            err_set(&e, ERR_MACHINE, "echo", "the server could not start");
            bench_fail(&e, "slip");
        }
        poll(NULL, 0, 5);
    }
    return *port;
}

typedef void side_fn(const struct slip_order *o, struct slip_side *out);

static void start_side(struct child *c, side_fn *run, const struct slip_order *o, struct slip_side *out)
{
    int side;
    out->done = false;
    out->e = (struct err){0};
    out->count = out->bad = 0;
    fork_or_fail(c, &side);
    if (side == 0) {
        run(o, out);
        _exit(0);
    }
}

/* False: that side gave up, and says why in out->e. */
static bool await_side(struct child *c, const struct slip_order *o, struct slip_side *out, const char *name)
{
    struct err e = {0};
    bool ended = child_wait(c, LEAD_NS + o->seconds * NS_PER_S + SPARE_NS, &e) == 0;
    child_stop(c, 0, NULL);
    if (!ended || !out->done) {
        err_set(&out->e, ERR_RUN, name, ended ? "ended early" : "did not finish in time");
    }
    return ended && out->done;
}

static void add(struct slip_series *s, const struct slip_side *side)
{
    scoped_figures struct figures late = {0};
    for (uint64_t i = 0; i < side->count; i++) {
        figures_add(&late, side->late_us[i]);
    }
    figures_add(&s->p50, figures_at(&late, 0.5));
    figures_add(&s->p99, figures_at(&late, 0.99));
    figures_add(&s->worst, figures_at(&late, 1));
    s->count += side->count;
    s->bad += side->bad;
}

static void print_row(const char *name, int64_t rate, const struct slip_series *s)
{
    printf("%6lld/s %-14s %9.0f %9.0f %9.0f   %llu, %llu bad\n", (long long)rate, name, figures_median(&s->p50),
           figures_median(&s->p99), figures_median(&s->worst), (unsigned long long)s->count,
           (unsigned long long)s->bad);
}

static void one_rate(struct slip_order *o, int64_t rounds, struct slip_side *bare, struct slip_side *worker)
{
    scoped_slip struct slip_series of_bare = {0};
    scoped_slip struct slip_series of_worker = {0};
    char p50[64], p99[64];
    for (int64_t i = 0; i < rounds; i++) {
        struct child b = {0}, w = {0};
        o->start_ns = clock_mono_ns() + LEAD_NS;
        start_side(&b, slip_bare, o, bare);
        start_side(&w, slip_worker, o, worker);
        bool both = await_side(&b, o, bare, "the bare loop");
        both = await_side(&w, o, worker, "the worker") && both;
        bench_remove(o->folder);
        mkdir(o->folder, 0700);
        if (!both) {
            const struct err *e = bare->done ? &worker->e : &bare->e;
            printf("%6lld/s no ratio, this rate was too much for this machine as it is now: %s: %s\n",
                   (long long)o->rate, e->at, e->msg);
            return;
        }
        add(&of_bare, bare);
        add(&of_worker, worker);
    }
    print_row("drtest worker", o->rate, &of_worker);
    print_row("bare timerfd", o->rate, &of_bare);
    if (of_worker.bad > 0) {
        printf(
            "       not all were answered well: too much for this machine as it is now, the row tells of overload\n");
    }
    printf("ratio drtest / bare: p50 %s, p99 %s\n", figures_ratio_text(&of_worker.p50, &of_bare.p50, p50),
           figures_ratio_text(&of_worker.p99, &of_bare.p99, p99));
}

int main(int argc, char **argv)
{
    static const int64_t rates[] = {1000, 5000};
    if (argc != 3) {
        fprintf(stderr, "usage: bench-slip ROUNDS SECONDS\n");
        return 2;
    }
    int64_t rounds = bench_number(argv[1], BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX);
    struct slip_order o = {.seconds = bench_number(argv[2], 1, 30)};
    struct slip_side *bare = bench_shared(sizeof(*bare)), *worker = bench_shared(sizeof(*worker));
    char folder[320];
    snprintf(folder, sizeof(folder), "%s/run", bench_scratch());
    mkdir(folder, 0700);
    o.folder = folder;
    struct child echo = {0};
    o.port = start_echo(&echo);
    printf("microseconds late; medians of %lld rounds of %lld s\n", (long long)rounds, (long long)o.seconds);
    printf("%8s %-14s %9s %9s %9s   %s\n", "", "", "p50 us", "p99 us", "max us", "requests");
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        o.rate = rates[i];
        one_rate(&o, rounds, bare, worker);
    }
    child_stop(&echo, 0, NULL);
    return 0;
}
