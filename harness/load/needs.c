/* SPDX-License-Identifier: MIT */
/*
 * Running out of something in the middle of an outage would look like part of it. So it is computed beforehand, for the
 * worst that the plan allows: no answer to any request for the whole of its time-out, and as long a run as the plan
 * permits.
 *
 *     descriptors  2 * rate * timeout + 64 in each load process
 *     ports        plan_ports: new connections of a minute (their TIME_WAIT) and what is under way
 *     memory       32 KiB per request under way (libcurl's handle and connection, the kernel's sockets at both ends; 16
 *                  and 6 were seen), 12 MiB per process, and the evidence twice over, for it is loaded whole
 *     disk         96 bytes a request, 128 a ledger record (two per write, one per write found by each final read),
 *                  and 48 MiB for everything else (logs, timeline, reports)
 *
 * Memory is compared with MemAvailable of /proc/meminfo, less a reserve for the rest of the machine; what cannot be
 * read is no reason to refuse.
 */
#include "harness/load/needs.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/evidence/ledger.h"
#include "harness/evidence/sample.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define PER_REQUEST (UINT64_C(32) << 10)
#define PER_PROCESS (12 * MIB)
#define MEMORY_RESERVE (32 * MIB)
#define DISK_REST (48 * MIB)
#define QUIESCE_S 10
#define PROC_MAX 65536

enum { READS_OF_A_PASS = 2, PASSES = 2 }; /* final reads are repeated until two agree, before and after the restart */

uint64_t load_needs_descriptors(const struct plan *p, uint16_t vantage)
{
    return (uint64_t)ceil(2 * plan_under_way(p, vantage)) + 64;
}

/* A surge has a process of its own. */
static uint64_t surge_descriptors(const struct plan *p)
{
    return (uint64_t)ceil(2 * plan_surge_under_way(p)) + 64;
}

static double run_seconds(const struct plan *p)
{
    double ns = (double)p->baseline_within_ns + (double)p->phase_max_ns + (double)p->observe_ns +
                (double)p->converge_within_ns;
    return ns / 1e9 + QUIESCE_S;
}

static uint64_t count_sites(const struct topology *t, enum site_kind kind)
{
    uint64_t n = 0;
    for (size_t i = 0; i < t->site_count; i++) {
        n += t->sites[i].kind == kind;
    }
    return n;
}

static uint64_t evidence_bytes(const struct plan *p)
{
    double s = run_seconds(p), sources = (double)count_sites(p->topology, SITE_REGION) + 1;
    double requests = (plan_rate_total(p) + plan_rate_patrols(p)) * s, writes = plan_rate_writes(p) * s;
    return (uint64_t)(requests * SAMPLE_SIZE + writes * LEDGER_SIZE * (2 + sources * READS_OF_A_PASS * PASSES));
}

struct load_needs load_needs(const struct plan *p)
{
    const struct topology *t = p->topology;
    struct load_needs n = {.addresses = 1};
    double under_way = 0;
    for (uint16_t site = 0; site < t->site_count; site++) {
        if (t->sites[site].kind != SITE_VANTAGE) {
            continue;
        }
        uint64_t descriptors = load_needs_descriptors(p, site), ports = plan_ports(p, site),
                 surge = surge_descriptors(p);
        descriptors = surge > descriptors ? surge : descriptors;
        under_way += plan_under_way(p, site) + plan_surge_under_way(p);
        n.descriptors = descriptors > n.descriptors ? descriptors : n.descriptors;
        n.ports = ports > n.ports ? ports : n.ports;
    }
    n.addresses = topo_sources_for(n.ports);
    uint64_t evidence = evidence_bytes(p);
    n.memory_bytes = (uint64_t)under_way * PER_REQUEST + (t->node_count + 3) * PER_PROCESS + 2 * evidence;
    n.disk_bytes = evidence + DISK_REST;
    return n;
}

static int check_descriptors(const struct plan *p, const struct load_needs *n, struct err *e)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= n->descriptors) {
        return 0;
    }
    err_set(e, ERR_MACHINE, "open files", "a load process of %s needs %llu at the planned rates, %llu are allowed",
            p->name, (unsigned long long)n->descriptors, (unsigned long long)limit.rlim_max);
    return err_help(e, "raise the hard limit (ulimit -Hn %llu), or plan a lower rate or a shorter timeout",
                    (unsigned long long)n->descriptors);
}

static int too_many_ports(const struct plan *p, const char *at, uint64_t needed, uint64_t there, struct err *e)
{
    err_set(e, ERR_MACHINE, at, "the new connections of %s need %llu ports, with all addresses there are %llu", p->name,
            (unsigned long long)needed, (unsigned long long)there);
    return err_help(e, "plan a lower rate, more vantages, or `connections: keepalive`");
}

/* Bytes; 0 where the kernel does not tell. */
static uint64_t memory_available(void)
{
    scoped_text struct text t = {0};
    unsigned long long kib = 0;
    const char *line = text_read_file(&t, "/proc/meminfo", PROC_MAX, NULL) == 0 ? strstr(t.at, "MemAvailable:") : NULL;
    return line && sscanf(line, "MemAvailable: %llu kB", &kib) == 1 ? kib << 10 : 0;
}

static unsigned long long mib(uint64_t bytes)
{
    return bytes / MIB;
}

static int check_memory(const struct plan *p, uint64_t needed, struct err *e)
{
    uint64_t there = memory_available();
    if (there == 0 || there >= needed + MEMORY_RESERVE) {
        return 0;
    }
    err_set(e, ERR_MACHINE, "memory", "%s may need %llu MiB and has to leave %llu to others, %llu are available",
            p->name, mib(needed) + 1, mib(MEMORY_RESERVE), mib(there));
    return err_help(e, "end other programs, or plan lower rates, a shorter timeline or fewer nodes");
}

int load_needs_check(const struct plan *p, bool is_virtual, struct err *e)
{
    struct load_needs n = load_needs(p);
    if (is_virtual) {
        return check_memory(p, 2 * evidence_bytes(p), e);
    }
    if (n.addresses == 0) {
        return too_many_ports(p, "ports", n.ports, (uint64_t)TOPO_MAX_SOURCES * TOPO_PORTS_PER_SOURCE, e);
    }
    return check_descriptors(p, &n, e) != 0 ? -1 : check_memory(p, n.memory_bytes, e);
}

/* To the folder above, which is the working directory for a bare name. False: there is none. */
static bool climb(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash) {
        slash[slash == path] = '\0';
        return true;
    }
    if (*path == '\0' || text_eq(path, ".")) {
        return false;
    }
    path[0] = '.';
    path[1] = '\0';
    return true;
}

int load_needs_check_disk(const char *folder, uint64_t bytes, struct err *e)
{
    scoped_free char *near = xstrdup(folder);
    struct statvfs fs;
    while (statvfs(near, &fs) != 0) {
        int os = errno;
        if (os != ENOENT || !climb(near)) {
            return err_os(e, ERR_MACHINE, os, folder, "cannot ask its file system for its free space");
        }
    }
    uint64_t there = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (there >= bytes) {
        return 0;
    }
    err_set(e, ERR_MACHINE, folder, "the evidence may need %llu MiB, its file system has %llu left",
            mib(bytes) + 1, mib(there));
    return err_help(e, "make room, choose another folder with --output, or plan lower rates or a shorter timeline");
}

int load_needs_check_ports(const struct plan *p, uint16_t vantage, struct err *e)
{
    static const char path[] = "/proc/sys/net/ipv4/ip_local_port_range";
    scoped_text struct text t = {0};
    unsigned first = 0, last = 0;
    if (text_read_file(&t, path, PROC_MAX, NULL) != 0 || sscanf(text_str(&t), "%u %u", &first, &last) != 2 ||
        first > last) {
        return 0;
    }
    uint16_t sources = p->topology->sites[vantage].sources;
    uint64_t needed = plan_ports(p, vantage), there = (uint64_t)(last - first + 1) * (sources ? sources : 1);
    return there >= needed ? 0 : too_many_ports(p, path, needed, there, e);
}
