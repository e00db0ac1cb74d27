/* SPDX-License-Identifier: MIT */
/*
 * bench-wire SCENARIO ROUNDS SECONDS: what the wire costs and how well it keeps time.
 *
 * Each round opens the lab in a child of its own and does two things with the first link of the scenario, which has to
 * have a delay of its own, so that it is wired:
 *
 *     idle     datagrams one by one over the wired link, set neutral, and over a direct pair, in turns: what is added
 *     busy     20,000 datagrams a second through 20 ms of delay, sent twenty at a time; beside it, over the same
 *              seconds, a process that waits for an absolute timer as often and does nothing else (slip_bare.c)
 *
 * Datagrams carry their send time and the kernel stamps their arrival, so that when the receiver looks does not matter.
 * The delay error counts the kernel's own path besides the wire. What its socket could not take is told apart from
 * what the wire lost by the wire's own books. Cpu time is the wire's alone, with what the kernel does on its account.
 */
#include "bench/plan.h"
#include "bench/slip.h"

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/netns.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RATE = 20000, BURST = 20, IDLE_DATAGRAMS = 1000, SECONDS_MAX = 10 };
#define ROUND_BOUND_NS (60 * NS_PER_S)
#define DELAY_NS (20 * NS_PER_MS)

struct wire_time {
    bool done;
    struct err e;
    double idle_us, idle_p99_us, plain_us, plain_p99_us;
    double error_us, error_p99_us, cpu_us, lost, late_max_us;
    uint64_t packets, unread;
    double errors_us[RATE * SECONDS_MAX];
};

struct wire_round {
    const struct topology *topo;
    const char *folder;
    struct slip_order order;
    struct wire_time *out;
};

struct channel {
    int out, in;
};

static int open_channel(struct lab *lab, uint16_t path, struct channel *c, struct err *e)
{
    int on = 1, room = 1 << 22;
    if (lab_netns.path_sockets(lab, path, 0, &c->out, &c->in, e) != 0) {
        return -1;
    }
    setsockopt(c->in, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    return setsockopt(c->in, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

/* One datagram's time under way by the kernel's stamp; -1: there is none. */
static int64_t receive(const struct channel *c)
{
    int64_t sent;
    union {
        struct cmsghdr aligned;
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec data = {&sent, sizeof(sent)};
    struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    if (recvmsg(c->in, &m, MSG_DONTWAIT) != (ssize_t)sizeof(sent)) {
        return -1;
    }
    struct timespec at = {0};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    if (h && h->cmsg_type == SCM_TIMESTAMPNS) {
        memcpy(&at, CMSG_DATA(h), sizeof(at));
    }
    return at.tv_sec * NS_PER_S + at.tv_nsec - sent;
}

static void send_one(const struct channel *c)
{
    int64_t now = clock_wall_ns();
    ssize_t n = send(c->out, &now, sizeof(now), 0);
    (void)n; /* the wire's books tell what it got */
}

static void idle_one(const struct channel *c, struct figures *us)
{
    struct pollfd p = {.fd = c->in, .events = POLLIN};
    send_one(c);
    int64_t took = poll(&p, 1, 1000) == 1 ? receive(c) : -1;
    if (took >= 0) {
        figures_add(us, (double)took / (double)NS_PER_US);
    }
}

static void idle(struct channel *wired, struct channel *plain, struct wire_time *out)
{
    scoped_figures struct figures by_wire = {0};
    scoped_figures struct figures direct = {0};
    for (int i = 0; i < IDLE_DATAGRAMS; i++) {
        idle_one(wired, &by_wire);
        idle_one(plain, &direct);
        poll(NULL, 0, 1);
    }
    out->idle_us = figures_median(&by_wire);
    out->idle_p99_us = figures_at(&by_wire, 0.99);
    out->plain_us = figures_median(&direct);
    out->plain_p99_us = figures_at(&direct, 0.99);
}

static double cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec t = {0};
    return clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0
               ? (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3
               : 0;
}

static void drain(const struct channel *c, struct wire_time *out)
{
    for (int64_t took; (took = receive(c)) >= 0;) {
        if (out->packets < RATE * SECONDS_MAX) {
            out->errors_us[out->packets++] = (double)(took - DELAY_NS) / (double)NS_PER_US;
        }
    }
}

static int busy(struct lab *lab, const struct channel *c, const struct wire_round *r, struct err *e)
{
    struct wire_counts before, after;
    pid_t wire = wire_pid(netns_of(lab)->wire);
    if (lab_netns.carriage(lab, &before, e) != 0) {
        return -1;
    }
    double cpu = cpu_us(wire);
    for (int64_t k = 0; k < RATE / BURST * r->order.seconds; k++) {
        int64_t at = r->order.start_ns + k * (NS_PER_S / (RATE / BURST));
        struct timespec t = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        for (int i = 0; i < BURST; i++) {
            send_one(c);
        }
        drain(c, r->out);
    }
    poll(NULL, 0, 100);
    drain(c, r->out);
    cpu = cpu_us(wire) - cpu;
    if (lab_netns.carriage(lab, &after, e) != 0) {
        return -1;
    }
    double carried = (double)(after.came - before.came);
    r->out->cpu_us = cpu / carried;
    r->out->lost = (double)(after.overflow - before.overflow);
    r->out->late_max_us = (double)after.late_max_ns / (double)NS_PER_US;
    r->out->unread = after.left - before.left - r->out->packets;
    return 0;
}

static uint16_t plain_link(const struct topology *t)
{
    uint16_t k = 0;
    while (k + 1 < (uint16_t)t->link_count && t->links[k].baseline.delay_ns != 0) {
        k++;
    }
    return k;
}

static void judge(struct wire_time *out)
{
    scoped_figures struct figures errors = {0};
    for (uint64_t i = 0; i < out->packets; i++) {
        figures_add(&errors, out->errors_us[i]);
    }
    out->error_us = figures_median(&errors);
    out->error_p99_us = figures_at(&errors, 0.99);
}

static void round_in_lab(const struct wire_round *r)
{
    struct lab_options o = {.run_path = r->folder, .gateway_path = "drgateway", .seed = 1};
    o.forced[EFFECT_DEGRADE] = "wire";
    const struct path_state neutral = {0}, slow = {.delay_ns = DELAY_NS};
    struct channel wired = {-1, -1}, plain = {-1, -1};
    struct lab *lab = NULL;
    struct err *e = &r->out->e;
    if (lab_netns.open(&lab, r->topo, &o, e) != 0 || lab_netns.path_set(lab, 0, &neutral, e) != 0 ||
        open_channel(lab, 0, &wired, e) != 0 ||
        open_channel(lab, path_of(plain_link(r->topo), false), &plain, e) != 0) {
        return;
    }
    idle(&wired, &plain, r->out);
    r->out->done = lab_netns.path_set(lab, 0, &slow, e) == 0 && busy(lab, &wired, r, e) == 0;
    judge(r->out);
    lab_netns.close(lab);
}

/* Both sides over the same seconds; the lab first needs time to be built and for the idle part. */
static void play(const struct wire_round *given, struct slip_side *bare)
{
    struct child lab, peer;
    struct err e = {0};
    struct wire_round r = *given;
    r.order.start_ns = clock_mono_ns() + 5 * NS_PER_S;
    *r.out = (struct wire_time){0};
    bare->done = false;
    bare->count = 0;
    int side = child_fork(&lab, &e);
    if (side == 0) {
        round_in_lab(&r);
        _exit(0);
    }
    int other = side < 0 ? -1 : child_fork(&peer, &e);
    if (other == 0) {
        slip_bare(&r.order, bare);
        _exit(0);
    }
    if (side < 0 || other < 0 || child_wait(&lab, ROUND_BOUND_NS, &e) != 0 ||
        child_wait(&peer, ROUND_BOUND_NS, &e) != 0) {
        bench_fail(&e, "a round took too long");
    }
    if (!r.out->done || !bare->done) {
        bench_fail(&r.out->e, "a round failed");
    }
}

struct wire_series {
    struct figures idle, idle_p99, plain, plain_p99, error, error_p99, bare, bare_p99, cpu, late_max;
    double lost, unread, packets;
};

static void add(struct wire_series *s, const struct wire_time *t, const struct slip_side *bare)
{
    scoped_figures struct figures late = {0};
    for (uint64_t i = 0; i < bare->count; i++) {
        figures_add(&late, bare->late_us[i]);
    }
    figures_add(&s->idle, t->idle_us);
    figures_add(&s->idle_p99, t->idle_p99_us);
    figures_add(&s->plain, t->plain_us);
    figures_add(&s->plain_p99, t->plain_p99_us);
    figures_add(&s->error, t->error_us);
    figures_add(&s->error_p99, t->error_p99_us);
    figures_add(&s->bare, figures_median(&late));
    figures_add(&s->bare_p99, figures_at(&late, 0.99));
    figures_add(&s->cpu, t->cpu_us);
    figures_add(&s->late_max, t->late_max_us);
    s->lost += t->lost;
    s->unread += (double)t->unread;
    s->packets += (double)t->packets;
}

static void series_deinit(struct wire_series *s)
{
    struct figures *all[] = {&s->idle, &s->idle_p99, &s->plain, &s->plain_p99, &s->error, &s->error_p99, &s->bare,
                             &s->bare_p99, &s->cpu, &s->late_max};
    for (size_t i = 0; i < array_len(all); i++) {
        figures_deinit(all[i]);
    }
}

static void print_row(const char *name, const struct figures *p50, const struct figures *p99)
{
    printf("%-44s %9.0f %9.0f\n", name, figures_median(p50), figures_median(p99));
}

static void print_table(const struct wire_series *s)
{
    char idle[64], error[64];
    printf("medians of %zu rounds, microseconds\n%-44s %9s %9s\n", s->idle.len, "", "p50", "p99");
    print_row("idle: one way by the wire, neutral", &s->idle, &s->idle_p99);
    print_row("idle: one way by a direct pair", &s->plain, &s->plain_p99);
    print_row("20,000/s: beyond 20 ms of delay", &s->error, &s->error_p99);
    print_row("20,000/s: bare timer loop, lateness", &s->bare, &s->bare_p99);
    printf("20,000/s: %.2f us of cpu a packet, latest %.0f us, lost unasked %.0f; %.0f measured, %.0f unread by us\n",
           figures_median(&s->cpu), figures_median(&s->late_max), s->lost, s->packets, s->unread);
    printf("ratio wire / direct pair, p50: %s; wire / bare loop, p99: %s\n",
           figures_ratio_text(&s->idle, &s->plain, idle), figures_ratio_text(&s->error_p99, &s->bare_p99, error));
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench-wire SCENARIO ROUNDS SECONDS\n");
        return 2;
    }
    int64_t rounds = bench_number(argv[2], BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX);
    struct plan *plan = bench_plan(argv[1]);
    struct lab_caps caps;
    struct err e = {0};
    if (lab_caps_probe(&caps, &e) != 0) {
        bench_fail(&e, "looking at this machine");
    }
    if (!caps.usable) {
        bench_skip("wire", caps.reason);
    }
    struct wire_round r = {.topo = plan->topology, .folder = bench_scratch(), .out = bench_shared(sizeof(*r.out)),
                           .order = {.mix.kept = RATE, .seconds = bench_number(argv[3], 1, SECONDS_MAX)}};
    struct slip_side *bare = bench_shared(sizeof(*bare));
    struct wire_series s = {0};
    for (int64_t i = 0; i < rounds; i++) {
        play(&r, bare);
        add(&s, r.out, bare);
    }
    print_table(&s);
    series_deinit(&s);
    plan_free(plan);
    return s.lost > 0;
}
