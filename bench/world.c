/* SPDX-License-Identifier: MIT */
/*
 * bench-world SCENARIO ROUNDS: the netns lab's open and close beside iproute2 doing the same plumbing.
 *
 * A process can open one lab in its life, so each round forks one child for the lab and one for the peer, in turns;
 * which of them begins changes from round to round. A first round of both warms caches and is not counted. The child
 * reports through shared memory. Both sides stop their clock when a device that reaches into the last namespace has
 * vanished, that is, when the kernel has really taken the world down.
 *
 * The lab does more within the time: its own pid and mount namespace with a first process, a trial of which mechanisms
 * this kernel has, sysctl settings in each namespace, offloads switched off, queueing disciplines on every path.
 */
#include "bench/plan.h"
#include "bench/world.h"

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/lab/lab.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUND_BOUND_NS (60 * NS_PER_S)
#define PAUSE_MS 50

struct world_series {
    struct figures open, close, both;
};

static void world_series_deinit(struct world_series *s)
{
    figures_deinit(&s->open);
    figures_deinit(&s->close);
    figures_deinit(&s->both);
}
#define scoped_world __attribute__((cleanup(world_series_deinit)))

static void lab_round(const struct topology *t, const char *folder, struct world_time *out)
{
    struct lab_options o = {.run_path = folder, .gateway_path = "drgateway", .seed = 1};
    struct lab *lab = NULL;
    int64_t begun = clock_mono_ns();
    if (lab_netns.open(&lab, t, &o, &out->e) != 0) {
        return;
    }
    out->open_ms = bench_ms_since(begun);
    begun = clock_mono_ns();
    lab_netns.close(lab);
    out->close_ms = bench_ms_since(begun);
    out->done = true;
}

typedef void round_fn(const struct topology *t, const char *folder, struct world_time *out);

static struct world_time in_child(round_fn *run, const struct topology *t, const char *folder)
{
    static struct world_time *shared;
    struct err e = {0};
    struct child c = {0};
    shared = shared ? shared : bench_shared(sizeof(*shared));
    *shared = (struct world_time){0};
    fflush(NULL);
    int side = child_fork(&c, &e);
    if (side == 0) {
        run(t, folder, shared);
        _exit(0);
    }
    if (side < 0 || child_wait(&c, ROUND_BOUND_NS, &e) != 0) {
        child_stop(&c, 0, NULL);
        bench_fail(&e, "a round took too long");
    }
    if (!shared->done) {
        err_set(&shared->e, ERR_RUN, "round", "the process ended early");
        bench_fail(&shared->e, "a round failed");
    }
    poll(NULL, 0, PAUSE_MS); /* what the process itself still held goes now, not within the next measurement */
    return *shared;
}

static void add(struct world_series *s, struct world_time t)
{
    figures_add(&s->open, t.open_ms);
    figures_add(&s->close, t.close_ms);
    figures_add(&s->both, t.open_ms + t.close_ms);
}

static void print_row(const char *name, const struct world_series *s, size_t nodes)
{
    double both = figures_median(&s->both);
    printf("%-22s %9.1f %9.1f %9.1f %9.2f   %.1f to %.1f\n", name, figures_median(&s->open), figures_median(&s->close),
           both, both / (double)nodes, figures_at(&s->both, 0), figures_at(&s->both, 1));
}

static void print_table(const struct topology *t, const struct world_series *lab, const struct world_series *peer,
                        const char *missing)
{
    struct world_size size = world_size_of(t);
    printf("%zu nodes: %zu namespaces, %zu veth pairs, %zu addresses, %zu routes; medians of %zu rounds\n",
           t->node_count, size.namespaces, size.pairs, size.addresses, size.routes, lab->both.len);
    printf("%-22s %9s %9s %9s %9s   %s\n", "", "open ms", "close ms", "both ms", "ms/node", "both, range");
    print_row("drtest lab", lab, t->node_count);
    if (missing) {
        printf("skipped: ip -batch: %s\n", missing);
        return;
    }
    print_row("ip -batch", peer, t->node_count);
    char open[64], close[64], both[64];
    printf("ratio drtest / ip -batch: open %s, close %s, both %s\n", figures_ratio_text(&lab->open, &peer->open, open),
           figures_ratio_text(&lab->close, &peer->close, close), figures_ratio_text(&lab->both, &peer->both, both));
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench-world SCENARIO ROUNDS\n");
        return 2;
    }
    int64_t rounds = bench_number(argv[2], BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX);
    struct plan *plan = bench_plan(argv[1]);
    const struct topology *t = plan->topology;
    struct lab_caps caps;
    struct err e = {0};
    if (lab_caps_probe(&caps, &e) != 0) {
        bench_fail(&e, "looking at this machine");
    }
    if (!caps.usable) {
        bench_skip("world", caps.reason);
    }
    const char *missing = peer_missing(), *folder = bench_scratch();
    peer_write(t, folder);
    scoped_world struct world_series lab = {0};
    scoped_world struct world_series peer = {0};
    for (int64_t i = -1; i < rounds; i++) {
        struct world_time of_peer = {0};
        if (!missing && i % 2) {
            of_peer = in_child(peer_round, t, folder);
        }
        struct world_time of_lab = in_child(lab_round, t, folder);
        if (!missing && i % 2 == 0) {
            of_peer = in_child(peer_round, t, folder);
        }
        if (i >= 0) {
            add(&lab, of_lab);
            add(&peer, of_peer);
        }
    }
    print_table(t, &lab, &peer, missing);
    plan_free(plan);
    return 0;
}
