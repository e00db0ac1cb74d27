/* SPDX-License-Identifier: MIT */
/*
 * The owner of a lab is killed with SIGKILL: within a second every process inside is dead, nodes and wire, and the
 * links are gone, and so are the control groups, although one node is frozen.
 *
 * The watcher adopts orphans and reaps them, as the program above the conductor does, so that it need not rely on how
 * soon the machine's first process does it. It holds the owner's own network namespace open, in which one end of the
 * tripwire hangs; its other end is in the lab. When the kernel has taken the lab's namespaces down, the tripwire is
 * gone from the watched one.
 */
#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/netns.h"
#include "harness/lab/residue.h"
#include "tests/live/lab_stage.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NODES_MAX = 16 };

struct report {
    pid_t pids[NODES_MAX];
    size_t n;
};

static _Noreturn void own(struct stage *s, int tell_fd)
{
    struct lab *lab = stage_open(s);
    struct netns_lab *l = netns_of(lab);
    struct report r = {.pids = {l->cell.init.pid, wire_pid(l->wire)}, .n = 2};
    struct child client;
    if (lab_netns.client_fork(lab, stage_client(&s->topo, 0), &client, &s->err) == 0) {
        poll(NULL, 0, -1);
        _exit(0);
    }
    r.pids[r.n++] = client.pid;
    for (uint16_t i = 0; i < s->topo.node_count && r.n < NODES_MAX; i++) {
        if (l->runs[i].process.pid != 0) {
            r.pids[r.n++] = l->runs[i].process.pid;
        }
    }
    bool frozen = lab_netns.node_freeze(lab, 0, true, &s->err) == 0;
    if (!frozen || write(tell_fd, &r, sizeof(r)) != (ssize_t)sizeof(r)) {
        _exit(1);
    }
    poll(NULL, 0, -1);
    _exit(0);
}

static int namespace_of(pid_t pid, const char *kind)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* In a child, for entering a user namespace is for good: is the tripwire there? */
static bool tripwire_hangs(int user_fd, int net_fd)
{
    struct child c;
    int side = child_fork(&c, NULL);
    if (side == 0) {
        int entered = setns(user_fd, CLONE_NEWUSER);
        entered = setns(net_fd, CLONE_NEWNET) == 0 ? 0 : entered | 2;
        _exit(entered & 2 ? 2 : if_nametoindex(NETNS_TRIPWIRE) != 0);
    }
    CHECK(side == 1 && child_wait(&c, NS_PER_S, NULL) == 0 && WEXITSTATUS(c.status) != 2);
    return WEXITSTATUS(c.status) == 1;
}

/* Orphans come to us: the first process inside can go only when the others have been reaped by somebody. */
static bool dies_by(int pidfd, int64_t until_ns)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    while (poll(&p, 1, 2) == 0 && clock_mono_ns() < until_ns) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
    }
    return p.revents & POLLIN;
}

static void killed_owner(struct stage *s, const char *freezing)
{
    static const unsigned effects[16] = {1u << EFFECT_DEGRADE};
    stage_topology(&s->topo, 2, 2);
    s->options.effects = 1u << EFFECT_FREEZE | 1u << EFFECT_MEMORY;
    s->options.forced[EFFECT_FREEZE] = freezing;
    s->options.link_effects = effects;
    s->options.forced[EFFECT_DEGRADE] = "wire";
    int ends[2];
    char left[1024];
    struct child owner;
    struct residue *residue = NULL;
    CHECK(residue_begin(&residue, s->run_path, left, sizeof(left), &s->err) == 0 && left[0] == '\0');
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL) == 0);
    int side = child_fork(&owner, &s->err);
    if (side == 0) {
        own(s, ends[1]);
    }
    struct report r = {0};
    fd_close(&ends[1]);
    if (side < 0 || read(ends[0], &r, sizeof(r)) != (ssize_t)sizeof(r) || r.n > NODES_MAX) {
        stage_give_up(s, "waiting for the owner");
    }
    int pidfds[NODES_MAX];
    for (size_t i = 0; i < r.n; i++) {
        pidfds[i] = pidfd_open(r.pids[i], 0);
        CHECK(pidfds[i] >= 0);
    }
    int user_fd = namespace_of(owner.pid, "user"), net_fd = namespace_of(owner.pid, "net");
    CHECK(tripwire_hangs(user_fd, net_fd));

    int64_t begun = clock_mono_ns();
    CHECK(child_stop(&owner, 0, &s->err) == 0);
    for (size_t i = 0; i < r.n; i++) {
        CHECK(dies_by(pidfds[i], begun + NS_PER_S));
    }
    double dead_ms = (double)(clock_mono_ns() - begun) / 1e6;
    while (tripwire_hangs(user_fd, net_fd) && clock_mono_ns() - begun < NS_PER_S) {
        stage_pass_ms(5);
    }
    double gone_ms = (double)(clock_mono_ns() - begun) / 1e6;
    printf("%zu processes dead after %.1f ms, links gone after %.1f ms\n", r.n, dead_ms, gone_ms);
    CHECK(dead_ms < 1000 && gone_ms < 1000);
    while (residue_look(residue, left, sizeof(left), &s->err) == 0 && left[0] &&
           clock_mono_ns() - begun < 2 * NS_PER_S) {
        stage_pass_ms(5);
    }
    printf("%s", left);
    CHECK(left[0] == '\0');
    residue_end(residue);
}

static void killed(struct stage *s)
{
    killed_owner(s, NULL);
}

static void killed_with_old_freezer(struct stage *s)
{
    struct lab_caps caps;
    CHECK(lab_caps_probe(&caps, &s->err) == 0);
    if (caps.effects[EFFECT_FREEZE].name && strcmp(caps.effects[EFFECT_FREEZE].name, "signal") == 0) {
        printf("skipped: no control groups: %s\n", caps.effects[EFFECT_FREEZE].why);
        return;
    }
    killed_owner(s, "freezer");
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"SIGKILL of the owner", killed},
                                      {"the same, frozen by the freezer of v1", killed_with_old_freezer}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
