/* SPDX-License-Identifier: MIT */
/*
 * bench-mesh REGIONS ROUNDS: every link of a mesh of regions shaped, read back and set back, as a fault upon all of
 * them is.
 *
 * One lab with a gateway and an origin per region and a link between each two (20 regions: 190 links, 380 paths), no
 * process started. Each round lays a layer with delay, jitter and loss on every path through the fabric, reads every
 * path back from whatever serves here and compares it, and lifts the layer again. Beside it, within the same round: as
 * many questions and answers of the same size between two processes, the least that asking another process can cost.
 */
#include "bench/bench.h"

#include "harness/base/arena.h"
#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/fabric.h"
#include "harness/lab/shape.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REGIONS_MAX = 40, FAULT = 1 };

static struct topology mesh(struct arena *a, uint16_t regions)
{
    struct topology t = {.name = "mesh"};
    t.sites = arena_array(a, struct topo_site, regions);
    t.nodes = arena_array(a, struct topo_node, 2u * regions);
    t.links = arena_array(a, struct topo_link, (size_t)regions * regions);
    for (uint16_t r = 0; r < regions; r++) {
        t.sites[t.site_count++] = (struct topo_site){.name = arena_printf(a, "region-%u", r + 1u),
                                                     .first_node = (uint16_t)(2 * r),
                                                     .node_count = 2,
                                                     .gateways = 1,
                                                     .origins = 1};
        for (uint16_t n = 0; n < 2; n++) {
            struct topo_node *node = &t.nodes[t.node_count++];
            *node = (struct topo_node){.role = n == 0 ? NODE_GATEWAY : NODE_ORIGIN, .site = r, .number = 1};
            node->name = arena_printf(a, n == 0 ? "region-%u/1" : "region-%u/origin-1", r + 1u);
            snprintf(node->address, sizeof(node->address), "10.%u.%u.2", (r + 1u) % 250, n + 1u);
        }
        for (uint16_t other = 0; other < r; other++) {
            t.links[t.link_count++] = (struct topo_link){.a = other, .b = r};
        }
    }
    return t;
}

/* Each path its own, so that nothing is answered out of habit. */
static struct path_state wish_of(uint16_t path)
{
    return (struct path_state){
        .delay_ns = (20 + path % 50) * NS_PER_MS, .jitter_ns = NS_PER_MS, .loss_ppm = 1000 + 10 * path};
}

static void lay_and_read(struct fabric *f, const struct topology *t, double *set_ms, double *read_ms)
{
    struct err e = {0};
    struct lab *lab = fabric_lab(f);
    int64_t begun = clock_mono_ns();
    for (uint16_t p = 0; p < 2 * t->link_count; p++) {
        struct path_state wish = wish_of(p);
        if (fabric_lay(f, FAULT, p, &wish, &e) != 0) {
            bench_fail(&e, "shaping a path");
        }
    }
    *set_ms = bench_ms_since(begun);
    begun = clock_mono_ns();
    for (uint16_t p = 0; p < 2 * t->link_count; p++) {
        struct path_state got, wanted = fabric_wanted(f, p);
        if (lab->ops->path_get(lab, p, &got, &e) != 0 || !shape_same(&got, &wanted)) {
            err_set(&e, ERR_RUN, "mesh", "path %u reads back as something else", p);
            bench_fail(&e, "reading a path back");
        }
    }
    *read_ms = bench_ms_since(begun);
}

static _Noreturn void answer(int fd, size_t bytes)
{
    char message[1024];
    while (recv(fd, message, sizeof(message), 0) > 0 && send(fd, message, bytes, MSG_NOSIGNAL) > 0) {
    }
    _exit(0);
}

/* n questions of so many bytes to another process, answered. */
static double bare_ms(size_t n, size_t bytes)
{
    struct err e = {0};
    struct child c = {0};
    int ends[2];
    char message[1024] = {0};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        err_set(&e, ERR_RUN, "mesh", "no pair of sockets");
        bench_fail(&e, "the bare exchange");
    }
    scoped_fd int here = ends[0];
    scoped_fd int there = ends[1];
    int side = child_fork(&c, &e);
    if (side == 0) {
        fd_close(&here);
        answer(there, bytes);
    }
    int64_t begun = clock_mono_ns();
    for (size_t i = 0; i < n && side > 0; i++) {
        if (send(here, message, bytes, MSG_NOSIGNAL) < 0 || recv(here, message, sizeof(message), 0) < 0) {
            break;
        }
    }
    double ms = bench_ms_since(begun);
    child_stop(&c, 0, NULL);
    return ms;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench-mesh REGIONS ROUNDS\n");
        return 2;
    }
    struct arena a = {0};
    struct err e = {0};
    struct topology t = mesh(&a, (uint16_t)bench_number(argv[1], 2, REGIONS_MAX));
    int64_t rounds = bench_number(argv[2], BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX);
    unsigned *effects = arena_array(&a, unsigned, t.link_count);
    for (size_t k = 0; k < t.link_count; k++) {
        effects[k] = 1u << EFFECT_DEGRADE;
    }
    struct lab_options o = {
        .run_path = bench_scratch(), .gateway_path = "drgateway", .seed = 1, .link_effects = effects};
    struct lab *lab = NULL;
    struct fabric *f = NULL;
    int64_t begun = clock_mono_ns();
    if (lab_netns.open(&lab, &t, &o, &e) != 0) {
        bench_skip("mesh", e.msg);
    }
    double open_ms = bench_ms_since(begun);
    const struct lab_mechanism how = lab_netns.mechanism(lab, EFFECT_DEGRADE);
    if (!how.available || fabric_new(&f, lab, &t, &e) != 0) {
        bench_skip("mesh", how.why);
    }
    scoped_figures struct figures set = {0};
    scoped_figures struct figures read = {0};
    scoped_figures struct figures both = {0};
    scoped_figures struct figures bare = {0};
    for (int64_t i = 0; i < rounds; i++) {
        double set_ms, read_ms;
        lay_and_read(f, &t, &set_ms, &read_ms);
        figures_add(&set, set_ms);
        figures_add(&read, read_ms);
        figures_add(&both, set_ms + read_ms);
        figures_add(&bare, bare_ms(4 * t.link_count, 512));
        if (fabric_lift(f, FAULT, &e) != 0) {
            bench_fail(&e, "setting the paths back");
        }
    }
    char ratio[64];
    double all = figures_median(&both);
    printf("%zu regions, %zu links, %zu paths, by %s; opened in %.0f ms; medians:\n", t.site_count, t.link_count,
           2 * t.link_count, how.name, open_ms);
    printf("shaped, each change verified %10.1f ms\n", figures_median(&set));
    printf("read back                    %10.1f ms\n", figures_median(&read));
    printf("both                         %10.1f ms, %.0f us a path\n", all, 1000 * all / (double)(2 * t.link_count));
    printf("bare exchange, two a path    %10.1f ms\n", figures_median(&bare));
    printf("ratio to the bare exchange   %s\n", figures_ratio_text(&both, &bare, ratio));
    fabric_free(f);
    lab_netns.close(lab);
    arena_deinit(&a);
    return 0;
}
