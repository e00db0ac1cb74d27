/* SPDX-License-Identifier: MIT */
/*
 * The lab's plumbing as one would script it: `ip -batch` makes all namespaces and links, then `ip -n NAMESPACE -batch`
 * once per namespace gives addresses, neighbours and routes; removal is one `ip -batch` of `netns del`.
 *
 *     node 10.<site+1>.<n+1>.2/30 -- .1 router of its site == 100.64.0.0/10, a /30 per link == router of the other site
 *
 * All of it happens in a network and a mount namespace of the calling process, with a fresh tmpfs on /run: the names
 * stand nowhere on the host, and a bench that is killed leaves nothing. The files are written before the clock starts.
 *
 * See ip-netns(8), ip-link(8). Failure paths: the first command that fails ends the round with its exit status.
 */
#include "bench/world.h"

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define TRIPWIRE "drb-trip"
#define COMMAND_BOUND_NS (20 * NS_PER_S)
#define GONE_BOUND_NS (5 * NS_PER_S)

static const char *find_ip(void)
{
    static const char *const places[] = {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"};
    for (size_t i = 0; i < array_len(places); i++) {
        if (access(places[i], X_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

const char *peer_missing(void)
{
    if (geteuid() != 0) {
        return "needs root";
    }
    return find_ip() ? NULL : "iproute2 is not installed";
}

struct world_size world_size_of(const struct topology *t)
{
    return (struct world_size){.namespaces = t->node_count + t->site_count,
                               .pairs = t->node_count + t->link_count,
                               .addresses = 2 * (t->node_count + t->link_count),
                               .routes = t->node_count + 2 * t->link_count};
}

static void write_file(const char *folder, const char *name, const struct text *lines)
{
    char path[512];
    struct err e = {0};
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (file_replace(path, text_str(lines), lines->len, &e) != 0) {
        bench_fail(&e, "batch file");
    }
}

static void add_pair(struct text *make, const char *a_device, const char *a, const char *b_device, const char *b,
                     unsigned kind, size_t number)
{
    text_addf(make,
              "link add %s address 02:d7:%02x:00:%02zx:01 netns %s type veth peer name %s address "
              "02:d7:%02x:00:%02zx:02 netns %s\n",
              a_device, kind, number, a, b_device, kind, number, b);
}

static void write_make(const struct topology *t, const char *folder)
{
    scoped_text struct text make = {0};
    scoped_text struct text del = {0};
    for (size_t n = 0; n < t->node_count; n++) {
        text_addf(&make, "netns add n%zu\n", n);
        text_addf(&del, "netns del n%zu\n", n);
    }
    for (size_t s = 0; s < t->site_count; s++) {
        text_addf(&make, "netns add r%zu\n", s);
        text_addf(&del, "netns del r%zu\n", s);
    }
    for (size_t n = 0; n < t->node_count; n++) {
        char node[32], device[32], router[32];
        snprintf(node, sizeof(node), "n%zu", n);
        snprintf(device, sizeof(device), "dr-n%zu", n);
        snprintf(router, sizeof(router), "r%u", t->nodes[n].site);
        add_pair(&make, "eth0", node, device, router, 1, n);
    }
    for (size_t k = 0; k < t->link_count; k++) {
        char device[32], a[32], b[32];
        snprintf(device, sizeof(device), "dr-m%zu", k);
        snprintf(a, sizeof(a), "r%u", t->links[k].a);
        snprintf(b, sizeof(b), "r%u", t->links[k].b);
        add_pair(&make, device, a, device, b, 2, k);
    }
    text_addf(&make, "link add " TRIPWIRE " type veth peer name dr-t netns r%zu\n", t->site_count - 1);
    write_file(folder, "make", &make);
    write_file(folder, "del", &del);
}

static void write_node(const struct topology *t, size_t n, const char *folder)
{
    const char *address = t->nodes[n].address;
    int prefix = (int)(strrchr(address, '.') - address);
    scoped_text struct text lines = {0};
    char name[32];
    text_addf(&lines, "link set lo up\naddress add %s/30 dev eth0\nlink set eth0 up\n", address);
    text_addf(&lines, "neighbour add %.*s.1 lladdr 02:d7:01:00:%02zx:02 dev eth0 nud permanent\n", prefix, address, n);
    text_addf(&lines, "route add default via %.*s.1 dev eth0\n", prefix, address);
    snprintf(name, sizeof(name), "n%zu", n);
    write_file(folder, name, &lines);
}

static void write_router(const struct topology *t, size_t site, const char *folder)
{
    scoped_text struct text lines = {0};
    for (size_t n = t->sites[site].first_node; n < (size_t)t->sites[site].first_node + t->sites[site].node_count; n++) {
        const char *address = t->nodes[n].address;
        int prefix = (int)(strrchr(address, '.') - address);
        text_addf(&lines, "address add %.*s.1/30 dev dr-n%zu\nlink set dr-n%zu up\n", prefix, address, n, n);
        text_addf(&lines, "neighbour add %s lladdr 02:d7:01:00:%02zx:01 dev dr-n%zu nud permanent\n", address, n, n);
    }
    for (size_t k = 0; k < t->link_count; k++) {
        bool is_a = t->links[k].a == site;
        if (!is_a && t->links[k].b != site) {
            continue;
        }
        size_t own = 4 * k + (is_a ? 1 : 2), other = 4 * k + (is_a ? 2 : 1);
        unsigned there = (is_a ? t->links[k].b : t->links[k].a) + 1u;
        text_addf(&lines, "address add 100.64.%zu.%zu/30 dev dr-m%zu\nlink set dr-m%zu up\n", own / 256, own % 256, k,
                  k);
        text_addf(&lines, "neighbour add 100.64.%zu.%zu lladdr 02:d7:02:00:%02zx:%s dev dr-m%zu nud permanent\n",
                  other / 256, other % 256, k, is_a ? "02" : "01", k);
        text_addf(&lines, "route add 10.%u.0.0/16 via 100.64.%zu.%zu dev dr-m%zu\n", there, other / 256, other % 256,
                  k);
    }
    char name[32];
    snprintf(name, sizeof(name), "r%zu", site);
    write_file(folder, name, &lines);
}

void peer_write(const struct topology *t, const char *folder)
{
    write_make(t, folder);
    for (size_t n = 0; n < t->node_count; n++) {
        write_node(t, n, folder);
    }
    for (size_t s = 0; s < t->site_count; s++) {
        write_router(t, s, folder);
    }
}

static int run_ip(const char *const argv[], struct err *e)
{
    struct child c = {0};
    if (child_exec(&c, argv, NULL, -1, NULL, NULL, e) != 0) {
        return -1;
    }
    int alive = child_wait(&c, COMMAND_BOUND_NS, e);
    if (alive != 0 || c.status != 0) {
        child_stop(&c, 0, NULL);
        return err_set(e, ERR_RUN, argv[argv[1][1] == 'n' ? 4 : 2], "ip failed (wait status %d)", c.status);
    }
    return 0;
}

static int batch(const char *folder, const char *file, struct err *e)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    const char *const argv[] = {find_ip(), "-batch", path, NULL};
    return run_ip(argv, e);
}

static int batch_in(const char *folder, char letter, size_t number, struct err *e)
{
    char name[32], path[512];
    snprintf(name, sizeof(name), "%c%zu", letter, number);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    const char *const argv[] = {find_ip(), "-n", name, "-batch", path, NULL};
    return run_ip(argv, e);
}

static int step_aside(struct err *e)
{
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, NULL) != 0) {
        return err_os(e, ERR_MACHINE, errno, "namespaces", "cannot make a place of our own");
    }
    return 0;
}

static int build(const struct topology *t, const char *folder, struct err *e)
{
    if (batch(folder, "make", e) != 0) {
        return -1;
    }
    for (size_t n = 0; n < t->node_count; n++) {
        if (batch_in(folder, 'n', n, e) != 0) {
            return -1;
        }
    }
    for (size_t s = 0; s < t->site_count; s++) {
        if (batch_in(folder, 'r', s, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int take_down(const char *folder, struct err *e)
{
    int64_t until_ns = clock_mono_ns() + GONE_BOUND_NS;
    if (batch(folder, "del", e) != 0) {
        return -1;
    }
    while (if_nametoindex(TRIPWIRE) != 0) {
        if (clock_mono_ns() > until_ns) {
            return err_set(e, ERR_RUN, TRIPWIRE, "the kernel still has it");
        }
        poll(NULL, 0, 1);
    }
    return 0;
}

void peer_round(const struct topology *t, const char *folder, struct world_time *out)
{
    if (step_aside(&out->e) != 0) {
        return;
    }
    int64_t begun = clock_mono_ns();
    if (build(t, folder, &out->e) != 0) {
        return;
    }
    out->open_ms = bench_ms_since(begun);
    begun = clock_mono_ns();
    if (take_down(folder, &out->e) != 0) {
        return;
    }
    out->close_ms = bench_ms_since(begun);
    out->done = true;
}
