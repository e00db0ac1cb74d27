/* SPDX-License-Identifier: MIT */
/*
 * Method: everything is a line, lines are sorted, two sorted lists are merged to find what only one of them has. What
 * a machine does all by itself must not show: there are no counters in the lines, and processes, listeners and
 * cgroups, which come and go on any host, count only where they can be told to be the run's.
 *
 * A process is the run's when it descends from the one that guards the run. That one is a child subreaper (guardian.h):
 * whoever loses its parent in there becomes its child, so nothing gets away by daemonizing.
 *
 * A clock that was set (not slewed, which stays below a thousandth) shows as a jump against CLOCK_MONOTONIC.
 */
#include "harness/lab/host.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/nl.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JUMP_NS (50 * NS_PER_MS)
#define SLEW_PARTS 1000 /* of the time between the two looks */
#define CGROUPS_MAX 4096

static void add_line(void *arg, const char *text, bool ours)
{
    struct host *h = arg;
    struct host_line *line = vec_push(&h->lines);
    *line = (struct host_line){.text = xstrdup(text), .ours = ours};
}

/* Mounts and cgroups. */

static bool bears_our_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return text_starts(slash ? slash + 1 : path, "drtest");
}

/* Control groups of the runs that go on beside ours, and of the machine's probing, are named like that (cgroup.c). */
static bool of_another(const char *path, const char *groups)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    bool like_a_run = text_starts(name, "drtest-") && strspn(name + 7, "0123456789abcdef") == 16;
    return (like_a_run || text_starts(name, "drtest-probe-")) && !(groups[0] && text_starts(name, groups));
}

static struct host *walking; /* nftw(3) hands no argument on */
static const char *walking_own, *walking_groups;
static int walked;

static int walk_cgroup(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)ftw;
    if (type == FTW_D && !of_another(path, walking_groups) &&
        (text_starts(path, walking_own) || bears_our_name(path))) {
        scoped_text struct text line = {0};
        text_addf(&line, "cgroup %s", path);
        add_line(walking, text_str(&line), bears_our_name(path));
    }
    return ++walked > CGROUPS_MAX;
}

/* Our own cgroup below this mount of a hierarchy; in a container, which shows only a part, perhaps the mount itself. */
static void own_cgroup(const char *mount, const char *options, struct text *path)
{
    scoped_file FILE *f = fopen("/proc/self/cgroup", "re");
    char line[4096], controllers[256], at[2048];
    text_addf(path, "%s/", mount);
    while (f && fgets(line, sizeof(line), f)) {
        bool unified = sscanf(line, "0::%2047s", at) == 1;
        bool fits = unified ? text_eq(options, "cgroup2")
                            : sscanf(line, "%*d:%255[^:]:%2047s", controllers, at) == 2 && strstr(options, controllers);
        if (fits && !text_eq(at, "/")) {
            scoped_text struct text deep = {0};
            text_addf(&deep, "%s%s/", mount, at);
            if (access(text_str(&deep), F_OK) == 0) {
                text_clear(path);
                text_add(path, text_str(&deep));
            }
        }
    }
}

static void look_cgroups(struct host *h, const char *mount, const char *options, const char *groups)
{
    scoped_text struct text own = {0};
    own_cgroup(mount, options, &own);
    walking = h;
    walking_own = text_str(&own);
    walking_groups = groups;
    walked = 0;
    nftw(mount, walk_cgroup, 8, FTW_PHYS | FTW_MOUNT);
}

static void look_mounts(struct host *h, const struct host_scope *scope)
{
    scoped_file FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    while (f && fgets(line, sizeof(line), f)) {
        char at[2048], type[64] = "?", options[1024] = "";
        const char *rest = strstr(line, " - ");
        if (sscanf(line, "%*s %*s %*s %*s %2047s", at) != 1) {
            continue;
        }
        if (rest) {
            sscanf(rest, " - %63s %*s %1023s", type, options);
        }
        scoped_text struct text mount = {0};
        text_addf(&mount, "mount %s (%s)", at, type);
        add_line(h, text_str(&mount), scope->disk[0] && text_starts(at, scope->disk));
        if (text_starts(type, "cgroup")) {
            look_cgroups(h, at, text_eq(type, "cgroup2") ? type : options, scope->groups);
        }
    }
}

/* Processes. */

struct process {
    pid_t pid, parent;
    char name[32];
    bool ours;
};

struct crowd {
    vec_of(struct process) at;
};

/* The dead who have not been buried yet hold nothing but their number: they are none. */
static bool read_process(pid_t pid, struct process *p)
{
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    scoped_file FILE *f = fopen(path, "re");
    char *end = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
    char *name = end ? strchr(line, '(') : NULL;
    int parent = 0;
    char state = 'X';
    if (!name || sscanf(end, ") %c %d", &state, &parent) != 2 || state == 'Z' || state == 'X') {
        return false;
    }
    *end = '\0';
    *p = (struct process){.pid = pid, .parent = parent};
    snprintf(p->name, sizeof(p->name), "%.31s", name + 1);
    return true;
}

static bool names_folder(pid_t pid, const char *folder)
{
    char path[64], line[4096];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    scoped_fd int fd = folder[0] ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line));
    return n > 0 && memmem(line, (size_t)n, folder, strlen(folder));
}

static void read_crowd(struct crowd *c, const struct host_scope *scope)
{
    DIR *proc = opendir("/proc");
    for (const struct dirent *d = proc ? readdir(proc) : NULL; d; d = readdir(proc)) {
        struct process p;
        long pid = strtol(d->d_name, NULL, 10);
        if (pid > 0 && pid != scope->self && read_process((pid_t)pid, &p)) {
            p.ours = names_folder(p.pid, scope->folder);
            *vec_push(&c->at) = p;
        }
    }
    if (proc) {
        closedir(proc);
    }
}

static bool descends(const struct crowd *c, const struct process *p, pid_t root)
{
    pid_t parent = p->parent;
    for (size_t depth = 0; parent > 1 && depth < c->at.len; depth++) {
        if (parent == root) {
            return true;
        }
        pid_t above = 0;
        for (size_t i = 0; i < c->at.len && above == 0; i++) {
            above = c->at.at[i].pid == parent ? c->at.at[i].parent : 0;
        }
        parent = above;
    }
    return false;
}

/* Is this the inode of a socket that listens (or, for UDP, is bound)? Then what and where goes to line. */
static bool listens(unsigned long inode, struct text *line)
{
    static const struct {
        const char *path, *name;
        unsigned state;
    } tables[] = {{"/proc/self/net/tcp", "tcp", 0x0A},
                  {"/proc/self/net/tcp6", "tcp6", 0x0A},
                  {"/proc/self/net/udp", "udp", 0x07},
                  {"/proc/self/net/udp6", "udp6", 0x07}};
    for (size_t i = 0; i < array_len(tables); i++) {
        scoped_file FILE *f = fopen(tables[i].path, "re");
        char row[512], local[64];
        while (f && fgets(row, sizeof(row), f)) {
            unsigned state = 0;
            unsigned long found = 0;
            if (sscanf(row, " %*[^:]: %63s %*s %x %*s %*s %*s %*s %*s %lu", local, &state, &found) == 3 &&
                found == inode && state == tables[i].state) {
                text_addf(line, "listener %s %s", tables[i].name, local);
                return true;
            }
        }
    }
    return false;
}

static void look_listeners(struct host *h, const struct process *p)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
    DIR *fds = opendir(path);
    for (const struct dirent *d = fds ? readdir(fds) : NULL; d; d = readdir(fds)) {
        char to[64] = "";
        unsigned long inode;
        scoped_text struct text line = {0};
        if (readlinkat(dirfd(fds), d->d_name, to, sizeof(to) - 1) > 0 && sscanf(to, "socket:[%lu]", &inode) == 1 &&
            listens(inode, &line)) {
            text_addf(&line, " held by process %d (%s)", (int)p->pid, p->name);
            add_line(h, text_str(&line), false);
        }
    }
    if (fds) {
        closedir(fds);
    }
}

static void look_processes(struct host *h, const struct host_scope *scope)
{
    struct crowd c = {0};
    read_crowd(&c, scope);
    for (size_t i = 0; i < c.at.len; i++) {
        const struct process *p = &c.at.at[i];
        if (p->ours || descends(&c, p, scope->root)) {
            scoped_text struct text line = {0};
            text_addf(&line, "process %d (%s)", (int)p->pid, p->name);
            add_line(h, text_str(&line), p->ours);
            look_listeners(h, p);
        }
    }
    vec_deinit(&c.at);
}

/* All of it. */

static int by_text(const void *a, const void *b)
{
    const struct host_line *one = a, *two = b;
    return strcmp(one->text, two->text);
}

int host_look(struct host *h, const struct host_scope *scope, struct err *e)
{
    h->clock = clock_quad_read();
    look_mounts(h, scope);
    look_processes(h, scope);
    int rc = netlink_inventory(add_line, h, e);
    if (h->lines.len) {
        qsort(h->lines.at, h->lines.len, sizeof(*h->lines.at), by_text);
    }
    return rc;
}

void host_deinit(struct host *h)
{
    for (size_t i = 0; i < h->lines.len; i++) {
        free(h->lines.at[i].text);
    }
    vec_deinit(&h->lines);
}

static void differ_clock(const char *name, int64_t moved_ns, int64_t passed_ns, struct text *found)
{
    int64_t by = moved_ns - passed_ns;
    if (llabs(by) > JUMP_NS + passed_ns / SLEW_PARTS) {
        text_addf(found, "clock %s moved by %+.3f s against CLOCK_MONOTONIC\n", name, (double)by / 1e9);
    }
}

/* Which of the two lists has the line that comes next: negative the first, positive the second, 0 both. */
static int next_in(const struct host *before, size_t i, const struct host *after, size_t j)
{
    if (i == before->lines.len) {
        return 1;
    }
    return j == after->lines.len ? -1 : strcmp(before->lines.at[i].text, after->lines.at[j].text);
}

void host_differ(const struct host *before, const struct host *after, struct text *found)
{
    size_t i = 0, j = 0;
    while (i < before->lines.len || j < after->lines.len) {
        int order = next_in(before, i, after, j);
        if (order < 0) {
            text_addf(found, "gone: %s\n", before->lines.at[i].text);
        } else if (order > 0) {
            text_addf(found, "%s\n", after->lines.at[j].text);
        } else if (after->lines.at[j].ours) {
            text_addf(found, "%s, from before this run\n", after->lines.at[j].text);
        }
        i += order <= 0;
        j += order >= 0;
    }
    int64_t passed_ns = after->clock.mono_ns - before->clock.mono_ns;
    differ_clock("CLOCK_REALTIME", after->clock.wall_ns - before->clock.wall_ns, passed_ns, found);
    differ_clock("CLOCK_BOOTTIME", after->clock.boot_ns - before->clock.boot_ns, passed_ns, found);
}
