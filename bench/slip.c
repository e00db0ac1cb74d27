/* SPDX-License-Identifier: MIT */
/*
 * bench-slip DRGATEWAY ROUNDS SECONDS: how late requests leave the load room's worker, beside bare timer loops, and the
 * cpu time that one request costs in the worker, beside libcurl alone.
 *
 * Where each process runs: the worker alone on one cpu, all servers on the others. Two bare loops run over the same
 * seconds at the same rate, one on the worker's cpu, one on the servers'. Each of them suffers from what shares its
 * cpu, so the better one of each round is what the worker is compared with. Libcurl alone takes the worker's place
 * right after it.
 *
 * Percentiles are of one side of one round; the table has their medians over the rounds, the largest for max.
 */
#include "bench/slip.h"
#include "bench/echo.h"

#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAD_NS (300 * NS_PER_MS) /* for all sides to be ready */
#define SPARE_NS (15 * NS_PER_S)

static const struct slip_row {
    const char *name;
    struct slip_mix mix;
    bool gateway; /* ask the bundled gateway and its origin; else the echo server */
    bool libcurl; /* libcurl alone, too */
} rows[] = {
    {"5000/s kept-alive reads, echo server", {.kept = 5000}, false, true},
    {"5000/s kept-alive reads, bundled gateway", {.kept = 5000}, true, true},
    {"1000/s as in a drill: 455 fresh reads, 455 kept-alive, 90 writes, bundled gateway", {455, 455, 90}, true, false},
    {"5000/s mixed: 4000 kept-alive reads, 500 fresh, 500 writes, bundled gateway", {4000, 500, 500}, true, false},
};

enum slip_part { WORKER, BARE_BESIDE, BARE_ELSEWHERE, LIBCURL, PARTS };
static const char *const part_names[PARTS] = {"drtest worker", "bare timerfd, same cpu", "bare timerfd, servers' cpu",
                                              "libcurl alone"};

struct slip_series {
    struct figures p50, p99, worst, user, system; /* the last two: us of cpu time per request */
    uint64_t count, bad, unsent;
};

struct slip_bench {
    struct slip_order order;
    int64_t rounds;
    uint16_t echo_port, gateway_port;
    int worker_cpu, server_cpu;
    struct slip_side *sides[PARTS];
    struct slip_series series[PARTS];
    struct figures bare_p50, bare_p99; /* the better bare loop's, by round */
};

static void series_clear(struct slip_series *s)
{
    figures_deinit(&s->p50);
    figures_deinit(&s->p99);
    figures_deinit(&s->worst);
    figures_deinit(&s->user);
    figures_deinit(&s->system);
    *s = (struct slip_series){0};
}

static void clear(struct slip_bench *b)
{
    for (size_t i = 0; i < PARTS; i++) {
        series_clear(&b->series[i]);
    }
    figures_deinit(&b->bare_p50);
    figures_deinit(&b->bare_p99);
    b->bare_p50 = b->bare_p99 = (struct figures){0};
}

void slip_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu >= 0) {
        CPU_SET((size_t)cpu, &set);
        sched_setaffinity(0, sizeof(set), &set);
    }
}

/* The last cpu that we may use is the worker's, the first one the servers'; -1 where there is only one. */
static void choose_cpus(struct slip_bench *b)
{
    cpu_set_t set;
    b->worker_cpu = b->server_cpu = -1;
    if (sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) < 2) {
        return;
    }
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET((size_t)i, &set)) {
            b->server_cpu = b->server_cpu < 0 ? i : b->server_cpu;
            b->worker_cpu = i;
        }
    }
}

static void fork_or_fail(struct child *c, int *side)
{
    struct err e = {0};
    fflush(NULL);
    *side = child_fork(c, &e);
    if (*side < 0) {
        bench_fail(&e, "slip");
    }
}

static _Noreturn void serve(volatile uint16_t *port, int cpu)
{
    struct echo s;
    struct err e = {0};
    slip_pin(cpu);
    struct loop *l = loop_new(&e);
    if (!l || echo_open(&s, l, false, 0, &e) != 0) {
        _exit(1);
    }
    *port = s.port;
    loop_run(l, INT64_MAX, NULL, NULL);
    _exit(1);
}

/* Returns its port once it listens. */
static uint16_t start_echo(struct child *c, int cpu)
{
    volatile uint16_t *port = bench_shared(sizeof(*port));
    int side;
    fork_or_fail(c, &side);
    if (side == 0) {
        serve(port, cpu);
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

/* One part of a round in a process of its own. */
static void start_side(struct slip_bench *b, enum slip_part part, struct child *c)
{
    static void (*const run[PARTS])(const struct slip_order *, struct slip_side *) = {slip_worker, slip_bare, slip_bare,
                                                                                      slip_curl};
    struct slip_side *out = b->sides[part];
    int side;
    out->done = false;
    out->e = (struct err){0};
    out->count = out->bad = out->unsent = 0;
    out->user_us = out->system_us = 0;
    fork_or_fail(c, &side);
    if (side == 0) {
        prctl(PR_SET_NAME, part == WORKER ? "slip-worker" : part == LIBCURL ? "slip-libcurl" : "slip-bare");
        slip_pin(part == BARE_ELSEWHERE ? b->server_cpu : b->worker_cpu);
        run[part](&b->order, out);
        _exit(0);
    }
}

/* False: that side gave up, and says why in its e. */
static bool await_side(struct slip_bench *b, enum slip_part part, struct child *c)
{
    struct err e = {0};
    struct slip_side *out = b->sides[part];
    bool ended = child_wait(c, LEAD_NS + b->order.seconds * NS_PER_S + SPARE_NS, &e) == 0;
    child_stop(c, 0, NULL);
    if (!ended || !out->done) {
        err_set(&out->e, ERR_RUN, part_names[part], ended ? "ended early" : "did not finish in time");
    }
    return ended && out->done;
}

static void add(struct slip_series *s, const struct slip_side *side, bool has_lateness)
{
    scoped_figures struct figures late = {0};
    for (uint64_t i = 0; has_lateness && i < side->count; i++) {
        figures_add(&late, side->late_us[i]);
    }
    figures_add(&s->p50, figures_at(&late, 0.5));
    figures_add(&s->p99, figures_at(&late, 0.99));
    figures_add(&s->worst, figures_at(&late, 1));
    figures_add(&s->user, side->user_us / (double)side->count);
    figures_add(&s->system, side->system_us / (double)side->count);
    s->count += side->count;
    s->bad += side->bad;
    s->unsent += side->unsent;
}

static double lesser(double a, double b)
{
    return a < b ? a : b;
}

/* Worker and bare loops over the same seconds; then, where asked for, libcurl alone. False: some side gave up. */
static bool one_round(struct slip_bench *b, bool libcurl)
{
    struct child c[PARTS] = {0};
    bool fine = true;
    b->order.start_ns = clock_mono_ns() + LEAD_NS;
    for (enum slip_part p = WORKER; p <= BARE_ELSEWHERE; p++) {
        start_side(b, p, &c[p]);
    }
    for (enum slip_part p = WORKER; p <= BARE_ELSEWHERE; p++) {
        fine = await_side(b, p, &c[p]) && fine;
    }
    bench_remove(b->order.folder);
    mkdir(b->order.folder, 0700);
    if (libcurl) {
        b->order.start_ns = clock_mono_ns() + LEAD_NS;
        start_side(b, LIBCURL, &c[LIBCURL]);
        fine = await_side(b, LIBCURL, &c[LIBCURL]) && fine;
    }
    for (enum slip_part p = WORKER; fine && p < (libcurl ? PARTS : LIBCURL); p++) {
        add(&b->series[p], b->sides[p], p != LIBCURL);
    }
    const struct slip_series *here = &b->series[BARE_BESIDE], *there = &b->series[BARE_ELSEWHERE];
    if (fine) {
        size_t last = here->p99.len - 1;
        figures_add(&b->bare_p50, lesser(here->p50.at[last], there->p50.at[last]));
        figures_add(&b->bare_p99, lesser(here->p99.at[last], there->p99.at[last]));
    }
    return fine;
}

static void print_part(const struct slip_bench *b, enum slip_part part)
{
    const struct slip_series *s = &b->series[part];
    printf("    %-27s", part_names[part]);
    if (part == LIBCURL) {
        printf("%8s %8s %8s", "-", "-", "-");
    } else {
        printf("%8.0f %8.0f %8.0f", figures_median(&s->p50), figures_median(&s->p99), figures_at(&s->worst, 1));
    }
    if (part == WORKER || part == LIBCURL) {
        double user = figures_median(&s->user), system = figures_median(&s->system);
        printf("   %5.1f = %4.1f + %4.1f   %llu, %llu bad", user + system, user, system, (unsigned long long)s->count,
               (unsigned long long)s->bad);
    }
    if (part == WORKER || s->unsent > 0) {
        printf(", %llu unsent", (unsigned long long)s->unsent);
    }
    puts("");
}

static void print_ratios(const struct slip_bench *b, bool libcurl)
{
    char p50[64], p99[64], cost[64];
    const struct slip_series *worker = &b->series[WORKER], *alone = &b->series[LIBCURL];
    if (worker->bad > 0) {
        puts("    not all were answered well: too much for this machine as it is now, the row tells of overload");
    }
    printf("    ratio worker / better bare loop: p50 %s, p99 %s\n",
           figures_ratio_text(&worker->p50, &b->bare_p50, p50), figures_ratio_text(&worker->p99, &b->bare_p99, p99));
    if (libcurl) {
        scoped_figures struct figures ours = {0};
        scoped_figures struct figures theirs = {0};
        for (size_t i = 0; i < worker->user.len; i++) {
            figures_add(&ours, worker->user.at[i] + worker->system.at[i]);
            figures_add(&theirs, alone->user.at[i] + alone->system.at[i]);
        }
        printf("    ratio worker / libcurl alone: cpu time of a request %s\n",
               figures_ratio_text(&ours, &theirs, cost));
    }
}

static void one_row(struct slip_bench *b, const struct slip_row *row)
{
    b->order.mix = row->mix;
    b->order.port = row->gateway ? b->gateway_port : b->echo_port;
    printf("%s\n", row->name);
    for (int64_t i = 0; i < b->rounds; i++) {
        if (!one_round(b, row->libcurl)) {
            const struct err *e = NULL;
            for (enum slip_part p = WORKER; p < PARTS; p++) {
                e = e || b->sides[p]->e.kind == ERR_NONE ? e : &b->sides[p]->e;
            }
            printf("    no ratio, this rate was too much for this machine as it is now: %s: %s\n", e ? e->at : "slip",
                   e ? e->msg : "a side gave up");
            clear(b);
            return;
        }
    }
    for (enum slip_part p = WORKER; p < (row->libcurl ? PARTS : LIBCURL); p++) {
        print_part(b, p);
    }
    print_ratios(b, row->libcurl);
    clear(b);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench-slip DRGATEWAY ROUNDS SECONDS\n");
        return 2;
    }
    struct slip_bench b = {.rounds = bench_number(argv[2], BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX)};
    b.order.seconds = bench_number(argv[3], 1, 30);
    for (size_t i = 0; i < PARTS; i++) {
        b.sides[i] = bench_shared(sizeof(*b.sides[i]));
    }
    choose_cpus(&b);
    char folder[320];
    const char *scratch = bench_scratch();
    snprintf(folder, sizeof(folder), "%s/run", scratch);
    mkdir(folder, 0700);
    b.order.folder = folder;
    struct child echo = {0};
    struct slip_system system = {0};
    b.echo_port = start_echo(&echo, b.server_cpu);
    slip_system_start(&system, argv[1], scratch, b.server_cpu);
    b.gateway_port = system.port;
    printf("microseconds late; cpu us per request = user + system; medians of %lld rounds of %lld s; worker on cpu %d, "
           "servers on %d\n",
           (long long)b.rounds, (long long)b.order.seconds, b.worker_cpu, b.server_cpu);
    printf("    %-27s%8s %8s %8s   %-19s   %s\n", "", "p50", "p99", "max", "cpu us per request", "requests");
    for (size_t i = 0; i < array_len(rows); i++) {
        one_row(&b, &rows[i]);
    }
    slip_system_stop(&system);
    child_stop(&echo, 0, NULL);
    return 0;
}
