/* SPDX-License-Identifier: MIT */
/*
 * What a node may have: one function sets each limit, one reads it back and tries to take more.
 *
 *     descriptors   prlimit(2), the soft limit of the live process: it can be raised again without any privilege. The
 *                   kernel limits the number a new descriptor gets, so a node is short of them when all lower ones are
 *                   taken
 *     disk          netns_disk.c, and how it behaves netns_io.c
 *     ports         ip_local_port_range of the node's network namespace; the trial binds UDP sockets there, whose ports
 *                   are drawn from the same range and are nobody's but ours
 *     backlog       somaxconn of that namespace, which listen(2) looks at once; the trial listens, too, accepts nobody,
 *                   and counts how many connections the kernel completes for it
 *     processes, processor, memory   the node's control groups; the trial is a guest in them, a process of ours that
 *                   forks, works, or fills memory, and is the one to be killed for it. It runs beside the loop
 *
 * Trials take nothing from the node but, for less than half a second, processor time.
 */
#include "harness/lab/netns.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range"
#define BACKLOG_FILE "/proc/sys/net/core/somaxconn"
#define PORTS_BEGIN 32768
#define PORTS_END 60999
#define PORTS_PLENTY (PORTS_END - PORTS_BEGIN + 1)
#define BACKLOG_PLENTY 4096
#define TRIAL_MAX 256
#define KEEP_EVERY_NS (20 * NS_PER_MS)
#define KEEP_FOR_NS (2 * NS_PER_S)
#define GUEST_WORK_NS (400 * NS_PER_MS)
#define GUEST_BOUND_NS (3 * NS_PER_S)
#define GUEST_SPARE (INT64_C(8) << 20)

/* What is done inside a node's network namespace; we come back whatever it says. */
static int inside(struct netns_lab *l, uint16_t node, int (*deed)(int64_t n, struct lab_supply *s, struct err *e),
                  int64_t n, struct lab_supply *s, struct err *e)
{
    if (setns(l->nodes[node].fd, CLONE_NEWNET) != 0) {
        return err_os(e, ERR_RUN, errno, "network namespace", "cannot enter it");
    }
    int rc = deed(n, s, e);
    return setns(l->cell.net_fd, CLONE_NEWNET) == 0 ? rc
                                                    : err_os(e, ERR_RUN, errno, "network namespace", "cannot return");
}

static int put_words(const char *path, const char *words, struct err *e)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool right = fd >= 0 && write(fd, words, strlen(words)) == (ssize_t)strlen(words);
    return right ? 0 : err_os(e, ERR_RUN, errno, path, "cannot set it to %s", words);
}

/* The one or two numbers of a file. */
static int read_numbers(const char *path, long long at[2], struct err *e)
{
    char words[64] = "";
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, words, sizeof(words) - 1);
    int found = n > 0 ? sscanf(words, "%lld %lld", &at[0], &at[1]) : 0;
    return found > 0 ? 0 : err_os(e, ERR_RUN, errno, path, "cannot read it");
}

/* Descriptors. */

static int set_descriptors(const struct child *process, int64_t limit)
{
    struct rlimit now;
    if (prlimit(process->pid, RLIMIT_NOFILE, NULL, &now) != 0) {
        return -1;
    }
    now.rlim_cur = limit == LAB_PLENTY || (rlim_t)limit > now.rlim_max ? now.rlim_max : (rlim_t)limit;
    return prlimit(process->pid, RLIMIT_NOFILE, &now, NULL);
}

/* A program may raise its limit as it starts, which undoes ours: it is put back until the start is over. */
static void keep_descriptors(struct loop_timer *t, int64_t now)
{
    struct node_run *run = (struct node_run *)(void *)((char *)t - offsetof(struct node_run, keeping));
    if (!child_dead(&run->process) && now < run->keep_until_ns) {
        (void)set_descriptors(&run->process, run->descriptors); /* who looks reads it back */
        loop_timer_set(run->loop, t, now + KEEP_EVERY_NS);
    }
}

void netns_descriptors_let_go(struct node_run *run)
{
    loop_timer_stop(&run->keeping);
}

static int limit_descriptors(struct netns_lab *l, uint16_t node, int64_t limit, struct err *e)
{
    struct node_run *run = &l->runs[node];
    netns_descriptors_let_go(run);
    if (child_dead(&run->process)) {
        return 0; /* a new process has a new limit */
    }
    if (set_descriptors(&run->process, limit) != 0) {
        return err_os(e, ERR_RUN, errno, l->topo->nodes[node].name, "cannot set its limit of descriptors");
    }
    if (limit != LAB_PLENTY) {
        run->descriptors = limit;
        run->loop = l->loop;
        run->keeping.due = keep_descriptors;
        run->keep_until_ns = loop_now(l->loop) + KEEP_FOR_NS;
        loop_timer_set(l->loop, &run->keeping, loop_now(l->loop) + KEEP_EVERY_NS);
    }
    return 0;
}

static size_t count_descriptors(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    size_t n = 0;
    for (const struct dirent *d; dir && (d = readdir(dir)) != NULL;) {
        n += d->d_name[0] != '.';
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

static int look_at_descriptors(struct netns_lab *l, uint16_t node, int64_t want, struct lab_supply *s, struct err *e)
{
    struct child *process = &l->runs[node].process;
    struct rlimit now;
    if (child_dead(process)) {
        snprintf(s->seen, sizeof(s->seen), "it is dead");
        s->limit = LAB_PLENTY;
        return 0;
    }
    if (prlimit(process->pid, RLIMIT_NOFILE, NULL, &now) != 0) {
        return err_os(e, ERR_RUN, errno, l->topo->nodes[node].name, "cannot read its limit of descriptors");
    }
    size_t used = count_descriptors(process->pid);
    s->limit = now.rlim_cur == now.rlim_max ? LAB_PLENTY : (int64_t)now.rlim_cur;
    s->short_of = want != LAB_PLENTY && used >= now.rlim_cur;
    snprintf(s->seen, sizeof(s->seen), "%zu descriptors of %llu open", used, (unsigned long long)now.rlim_cur);
    return 0;
}

/* Ports. */

static int limit_ports(int64_t n, struct lab_supply *s, struct err *e)
{
    char words[32];
    (void)s;
    int64_t count = n == LAB_PLENTY ? PORTS_PLENTY : n;
    snprintf(words, sizeof(words), "%lld %d", (long long)(PORTS_END + 1 - count), PORTS_END);
    return put_words(RANGE_FILE, words, e);
}

static int look_at_ports(int64_t want, struct lab_supply *s, struct err *e)
{
    long long range[2] = {0, -1};
    int held[TRIAL_MAX + 1], got = 0, os = 0;
    if (read_numbers(RANGE_FILE, range, e) != 0) {
        return -1;
    }
    int64_t ports = range[1] - range[0] + 1, tries = want == LAB_PLENTY ? 0 : want < TRIAL_MAX ? want + 1 : TRIAL_MAX;
    s->limit = ports == PORTS_PLENTY ? LAB_PLENTY : ports;
    for (; got < tries; got++) {
        const struct sockaddr_in any = {.sin_family = AF_INET};
        held[got] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (held[got] < 0 || bind(held[got], (const struct sockaddr *)&any, sizeof(any)) != 0) {
            os = errno;
            fd_close(&held[got]);
            break;
        }
    }
    for (int i = 0; i < got; i++) {
        fd_close(&held[i]);
    }
    s->short_of = tries > 0 && got < tries;
    snprintf(s->seen, sizeof(s->seen), "%d of %lld sockets get a port%s%.30s", got, (long long)tries, os ? ": " : "",
             os ? strerror(os) : "");
    return 0;
}

/* Backlog. */

static int limit_backlog(int64_t n, struct lab_supply *s, struct err *e)
{
    char words[32];
    (void)s;
    snprintf(words, sizeof(words), "%lld", (long long)(n == LAB_PLENTY ? BACKLOG_PLENTY : n));
    return put_words(BACKLOG_FILE, words, e);
}

/* Of n connections to a listener that accepts nobody, those that the kernel completes; -1: no listener. */
static int count_completed(size_t n)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    struct pollfd p[TRIAL_MAX];
    scoped_fd int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, TRIAL_MAX) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        p[i] = (struct pollfd){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .events = POLLOUT};
        (void)connect(p[i].fd, (struct sockaddr *)&at, sizeof(at)); /* told by poll */
    }
    int completed = 0;
    poll(NULL, 0, 2); /* a handshake over loopback needs no more; whoever is refused tries again after a second */
    poll(p, n, 0);
    for (size_t i = 0; i < n; i++) {
        completed += p[i].revents == POLLOUT;
        fd_close(&p[i].fd);
    }
    return completed;
}

static int look_at_backlog(int64_t want, struct lab_supply *s, struct err *e)
{
    long long most[2] = {0, 0};
    if (read_numbers(BACKLOG_FILE, most, e) != 0) {
        return -1;
    }
    s->limit = most[0] == BACKLOG_PLENTY ? LAB_PLENTY : most[0];
    int tries = want == LAB_PLENTY ? 0 : (int)(want < TRIAL_MAX - 4 ? want + 4 : TRIAL_MAX);
    int completed = tries ? count_completed((size_t)tries) : 0;
    s->short_of = completed >= 0 && completed < tries;
    snprintf(s->seen, sizeof(s->seen), "%d of %d connections completed for a listener", completed, tries);
    return 0;
}

/* Guests in a node's control groups. */

enum { GUEST_GOT_ALL = 0, GUEST_REFUSED = 3, GUEST_LOST = 4 };

static _Noreturn void guest_forks(int64_t want)
{
    for (int64_t i = 0; i <= want && i < TRIAL_MAX; i++) {
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL);
            poll(NULL, 0, 2000);
            _exit(0);
        }
        if (child < 0) {
            _exit(errno == EAGAIN ? GUEST_REFUSED : GUEST_LOST);
        }
    }
    _exit(GUEST_GOT_ALL);
}

/* On a busy machine one alone may get less than the limit as it is: in a limited group four of them ask, before
 * everybody else, until it is felt. */
static _Noreturn void guest_works(const struct netns_lab *l, uint16_t node, int64_t felt)
{
    int64_t limit = LAB_PLENTY, until_ns = clock_mono_ns() + GUEST_WORK_NS;
    bool limited = cgroup_read(&l->groups, CGROUP_CPU, node, &limit, NULL) == 0 && limit != LAB_PLENTY;
    for (int i = 0; limited && i < 3; i++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL);
            break;
        }
    }
    while (clock_mono_ns() < until_ns && (!limited || cgroup_felt(&l->groups, CGROUP_CPU, node) == felt)) {
    }
    _exit(GUEST_GOT_ALL);
}

static _Noreturn void guest_fills(int64_t bytes)
{
    scoped_fd int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0 || write(score, "1000", 4) != 4) {
        _exit(GUEST_LOST); /* the node might be killed instead */
    }
    char *at = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int64_t i = 0; at != MAP_FAILED && i < bytes; i += 4096) {
        at[i] = 1;
    }
    _exit(at == MAP_FAILED ? GUEST_LOST : GUEST_GOT_ALL);
}

static enum cgroup_kind kind_of(enum lab_resource r)
{
    return r == RESOURCE_PROCESSES ? CGROUP_PIDS : r == RESOURCE_CPU ? CGROUP_CPU : CGROUP_MEMORY;
}

static int invite(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t want, struct err *e)
{
    struct node_guest *g = &l->runs[node].guest;
    int64_t limit = LAB_PLENTY;
    g->felt = cgroup_felt(&l->groups, kind_of(r), node);
    g->until_ns = clock_mono_ns() + GUEST_BOUND_NS;
    if (r == RESOURCE_CPU) {
        cgroup_favour(&l->groups, node, cgroup_read(&l->groups, CGROUP_CPU, node, &limit, NULL) == 0 && limit >= 0);
    }
    int side = child_fork(&g->process, e);
    if (side != 0) {
        return side < 0 ? -1 : 1;
    }
    if (cgroup_join(&l->groups, kind_of(r), node) != 0) {
        _exit(GUEST_LOST);
    }
    if (r == RESOURCE_PROCESSES) {
        guest_forks(want);
    } else if (r == RESOURCE_CPU) {
        guest_works(l, node, g->felt);
    }
    guest_fills(want + GUEST_SPARE);
}

static void say_guest(const struct node_guest *g, int64_t felt, struct lab_supply *s)
{
    bool killed = WIFSIGNALED(g->process.status);
    int code = WIFEXITED(g->process.status) ? WEXITSTATUS(g->process.status) : -1;
    s->short_of = felt > 0 && code != GUEST_LOST;
    snprintf(s->seen, sizeof(s->seen), "a guest %s; limit felt %lld times",
             killed                  ? "was killed"
             : code == GUEST_REFUSED ? "may not fork"
             : code == GUEST_LOST    ? "could not try"
                                     : "got all",
             (long long)felt);
}

static int ask_guest(struct netns_lab *l, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                     struct err *e)
{
    struct node_guest *g = &l->runs[node].guest;
    if (cgroup_read(&l->groups, kind_of(r), node, &s->limit, e) != 0) {
        return -1;
    }
    if (want == LAB_PLENTY) {
        return 0;
    }
    if (g->process.pid == 0) {
        return invite(l, node, r, want, e);
    }
    if (!child_dead(&g->process) && clock_mono_ns() < g->until_ns) {
        return 1;
    }
    child_stop(&g->process, 0, NULL);
    if (r == RESOURCE_CPU) {
        cgroup_favour(&l->groups, node, false);
    }
    say_guest(g, cgroup_felt(&l->groups, kind_of(r), node) - g->felt, s);
    g->process = (struct child){0};
    return 0;
}

static bool on_disk(enum lab_resource r)
{
    return r == RESOURCE_DISK || r == RESOURCE_INODES || r == RESOURCE_WRITING;
}

int netns_node_starve(struct lab *lab, uint16_t node, enum lab_resource r, int64_t limit, struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    switch (r) {
    case RESOURCE_DESCRIPTORS:
        return limit_descriptors(l, node, limit, e);
    case RESOURCE_PORTS:
        return inside(l, node, limit_ports, limit, NULL, e);
    case RESOURCE_BACKLOG:
        return inside(l, node, limit_backlog, limit, NULL, e);
    case RESOURCE_IO_TIME:
    case RESOURCE_IO:
    case RESOURCE_IO_KEPT:
        return netns_io_starve(l, node, r, limit, e);
    default:
        return on_disk(r) ? netns_disk_starve(l, node, r, limit, e)
                          : cgroup_limit(&l->groups, kind_of(r), node, limit, e);
    }
}

int netns_node_supply(struct lab *lab, uint16_t node, enum lab_resource r, int64_t want, struct lab_supply *s,
                      struct err *e)
{
    struct netns_lab *l = netns_of(lab);
    *s = (struct lab_supply){0};
    switch (r) {
    case RESOURCE_DESCRIPTORS:
        return look_at_descriptors(l, node, want, s, e);
    case RESOURCE_PORTS:
        return inside(l, node, look_at_ports, want, s, e);
    case RESOURCE_BACKLOG:
        return inside(l, node, look_at_backlog, want, s, e);
    case RESOURCE_IO_TIME:
    case RESOURCE_IO:
    case RESOURCE_IO_KEPT:
        return netns_io_supply(l, node, r, want, s, e);
    default:
        return on_disk(r) ? netns_disk_supply(l, node, r, want, s, e) : ask_guest(l, node, r, want, s, e);
    }
}
