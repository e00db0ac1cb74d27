/* SPDX-License-Identifier: MIT */
/*
 * One table of files stands for both versions: for each kind the file of the limit, how it is written, and where the
 * kernel counts who has run into it.
 *
 *     kind       v2                              v1
 *     freezer    cgroup.freeze, cgroup.events    freezer.state
 *     processes  pids.max, pids.events           the same
 *     processor  cpu.max, cpu.stat               cpu.cfs_quota_us, cpu.stat
 *     memory     memory.max, memory.events       memory.limit_in_bytes, memory.oom_control
 *
 * Folders are made right below the mount point, which in v2 may have processes of its own and still hand controllers
 * down. A machine where that is refused (a container's own hierarchy is not the real root) cannot do it, and says so.
 *
 * The keeper waits for the end of a pipe. A process that v1 has frozen does not die of SIGKILL before it is thawed, so
 * the keeper thaws first, then removes until nothing is left or its time is up.
 */
#include "harness/lab/cgroup.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PERIOD_US INT64_C(100000)
#define KEEPER_NS (10 * NS_PER_S)
#define FREEZE_NS (500 * NS_PER_MS)

static const struct kind {
    const char *controller; /* NULL: v2 has it without one */
    const char *v1, *limit[2], *events[2], *counter[2]; /* by version: v1, v2 */
    const char *none[2]; /* no limit */
    int64_t trial;
} kinds[CGROUP_KINDS] = {
    [CGROUP_FREEZER] = {NULL, "freezer", {"freezer.state", "cgroup.freeze"}, {"freezer.state", "cgroup.events"},
                        {NULL, "frozen"}, {"THAWED", "0"}, 0},
    [CGROUP_PIDS] = {"pids", "pids", {"pids.max", "pids.max"}, {"pids.events", "pids.events"}, {"max", "max"},
                     {"max", "max"}, 10},
    [CGROUP_CPU] = {"cpu", "cpu", {"cpu.cfs_quota_us", "cpu.max"}, {"cpu.stat", "cpu.stat"},
                    {"nr_throttled", "nr_throttled"}, {"-1", "max"}, 200000},
    [CGROUP_MEMORY] = {"memory", "memory", {"memory.limit_in_bytes", "memory.max"},
                       {"memory.oom_control", "memory.events"}, {"oom_kill", "oom_kill"}, {"-1", "max"}, 64 << 20},
};

static bool has_word(const char *list, const char *word, const char *ends)
{
    size_t len = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += len) {
        if ((at == list || strchr(ends, at[-1])) && (at[len] == '\0' || strchr(ends, at[len]))) {
            return true;
        }
    }
    return false;
}

static bool read_text(const char *path, char *out, size_t len)
{
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, len - 1);
    out[n > 0 ? n : 0] = '\0';
    return n >= 0;
}

static int write_text(const char *path, const char *text)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static void take_root(struct cgroups *g, enum cgroup_kind kind, const char *root, bool unified, bool preferred)
{
    if ((g->at[kind].root[0] == '\0' || preferred) && strlen(root) < sizeof(g->at[kind].root)) {
        snprintf(g->at[kind].root, sizeof(g->at[kind].root), "%.255s", root);
        g->at[kind].unified = unified;
    }
}

static void take_mount(struct cgroups *g, const char *root, const char *type, const char *options, bool prefer_v1)
{
    bool unified = strcmp(type, "cgroup2") == 0;
    char path[300], controllers[512] = "";
    if (!unified && strcmp(type, "cgroup") != 0) {
        return;
    }
    snprintf(path, sizeof(path), "%.256s/cgroup.controllers", root);
    read_text(path, controllers, sizeof(controllers));
    for (enum cgroup_kind k = 0; k < CGROUP_KINDS; k++) {
        bool here = !unified ? has_word(options, kinds[k].v1, ",")
                             : !kinds[k].controller || has_word(controllers, kinds[k].controller, " \n");
        if (here) {
            take_root(g, k, root, unified, k == CGROUP_FREEZER && unified != prefer_v1);
        }
    }
}

/* FNV-1a: two runs at once have two run directories. */
static uint64_t hash_of(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++) {
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return h;
}

void cgroup_find(struct cgroups *g, const char *run_path, bool prefer_v1)
{
    *g = (struct cgroups){0};
    scoped_free char *real = realpath(run_path, NULL);
    snprintf(g->name, sizeof(g->name), "drtest-%016llx", (unsigned long long)hash_of(real ? real : run_path));
    scoped_file FILE *f = fopen("/proc/self/mounts", "re");
    char line[4096];
    while (f && fgets(line, sizeof(line), f)) {
        char root[256], type[32], options[1024];
        if (sscanf(line, "%*s %255s %31s %1023s", root, type, options) == 3) {
            take_mount(g, root, type, options, prefer_v1);
        }
    }
}

static void path_of_file(const struct cgroups *g, enum cgroup_kind kind, unsigned node, const char *file, char out[400])
{
    snprintf(out, 400, "%s/%s-%u%s%s", g->at[kind].root, g->name, node, *file ? "/" : "", file);
}

/* v2 hands a controller down only when told to. */
static void hand_down(const struct cgroups *g, enum cgroup_kind kind)
{
    char path[400], word[32];
    if (g->at[kind].unified && kinds[kind].controller) {
        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", g->at[kind].root);
        snprintf(word, sizeof(word), "+%s", kinds[kind].controller);
        (void)write_text(path, word); /* seen by the limit's file, which is there or not */
    }
}

int cgroup_make(const struct cgroups *g, enum cgroup_kind kind, unsigned node, struct err *e)
{
    char path[400];
    path_of_file(g, kind, node, "", path);
    if (g->at[kind].root[0] == '\0') {
        return err_set(e, ERR_MACHINE, "control groups", "no hierarchy with %s is mounted", kinds[kind].v1);
    }
    hand_down(g, kind);
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        return err_os(e, ERR_MACHINE, errno, path, "cannot make a control group");
    }
    return 0;
}

int cgroup_join(const struct cgroups *g, enum cgroup_kind kind, unsigned node)
{
    char path[400];
    path_of_file(g, kind, node, "cgroup.procs", path);
    return write_text(path, "0");
}

static void limit_text(enum cgroup_kind kind, bool unified, int64_t limit, char out[64])
{
    if (kind == CGROUP_FREEZER && limit == 0) {
        snprintf(out, 64, "%s", unified ? "1" : "FROZEN");
    } else if (limit < 0) {
        snprintf(out, 64, "%s", kinds[kind].none[unified]);
    } else if (kind == CGROUP_CPU) {
        snprintf(out, 64, unified ? "%lld %lld" : "%lld", (long long)(limit * PERIOD_US / PPM), (long long)PERIOD_US);
    } else {
        snprintf(out, 64, "%lld", (long long)limit);
    }
}

/* The number behind a word at the begin of a line; -1: no such line. */
static int64_t number_behind(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, len) == 0 && line[len] == ' ') {
            return strtoll(line + len, NULL, 10);
        }
    }
    return -1;
}

int cgroup_read(const struct cgroups *g, enum cgroup_kind kind, unsigned node, int64_t *limit, struct err *e)
{
    bool unified = g->at[kind].unified;
    char path[400], text[512];
    path_of_file(g, kind, node, kind == CGROUP_FREEZER ? kinds[kind].events[unified] : kinds[kind].limit[unified],
                 path);
    if (!read_text(path, text, sizeof(text))) {
        return err_os(e, ERR_RUN, errno, path, "cannot read it");
    }
    if (kind == CGROUP_FREEZER) {
        *limit = (unified ? number_behind(text, "frozen") == 1 : strcmp(text, "FROZEN\n") == 0) ? 0 : -1;
        return 0;
    }
    int64_t n = strncmp(text, "max", 3) == 0 ? -1 : strtoll(text, NULL, 10);
    bool no_limit = n < 0 || (kind == CGROUP_MEMORY && n > INT64_MAX / 2); /* v1 says so by a very high one */
    *limit = no_limit ? -1 : kind == CGROUP_CPU ? n * PPM / PERIOD_US : n;
    return 0;
}

/* Freezing takes its time: processes stop when they come by. */
static int await_freezer(const struct cgroups *g, unsigned node, int64_t limit, struct err *e)
{
    int64_t now_is = 1, until_ns = clock_mono_ns() + FREEZE_NS;
    while (cgroup_read(g, CGROUP_FREEZER, node, &now_is, e) == 0) {
        if (now_is == limit) {
            return 0;
        }
        if (clock_mono_ns() > until_ns) {
            return err_set(e, ERR_RUN, g->name, "the control group did not %s", limit == 0 ? "freeze" : "thaw");
        }
        poll(NULL, 0, 1);
    }
    return -1;
}

int cgroup_limit(const struct cgroups *g, enum cgroup_kind kind, unsigned node, int64_t limit, struct err *e)
{
    char path[400], text[64];
    bool unified = g->at[kind].unified;
    path_of_file(g, kind, node, kinds[kind].limit[unified], path);
    limit_text(kind, unified, limit, text);
    if (write_text(path, text) != 0) {
        int os = errno;
        err_os(e, ERR_RUN, os, path, "cannot set it to %s", text);
        return os == EBUSY ? err_help(e, "it has more than that already; ask for a higher limit") : -1;
    }
    return kind == CGROUP_FREEZER ? await_freezer(g, node, limit, e) : 0;
}

void cgroup_favour(const struct cgroups *g, unsigned node, bool favoured)
{
    static const char *const files[] = {"cpu.shares", "cpu.weight"}, *const plain[] = {"1024", "100"},
                             *const most[] = {"102400", "10000"};
    bool unified = g->at[CGROUP_CPU].unified;
    char path[400];
    path_of_file(g, CGROUP_CPU, node, files[unified], path);
    (void)write_text(path, favoured ? most[unified] : plain[unified]); /* without it a trial may need a second try */
}

int64_t cgroup_felt(const struct cgroups *g, enum cgroup_kind kind, unsigned node)
{
    char path[400], text[1024];
    bool unified = g->at[kind].unified;
    path_of_file(g, kind, node, kinds[kind].events[unified], path);
    return read_text(path, text, sizeof(text)) ? number_behind(text, kinds[kind].counter[unified]) : -1;
}

bool cgroup_try(const struct cgroups *g, enum cgroup_kind kind)
{
    struct cgroups trial = *g;
    char path[400];
    int64_t got = -2, none = -2, asked = kinds[kind].trial;
    snprintf(trial.name, sizeof(trial.name), "drtest-probe-%d", (int)getpid());
    bool done = cgroup_make(&trial, kind, 0, NULL) == 0 &&
                (kind == CGROUP_FREEZER || (cgroup_limit(&trial, kind, 0, asked, NULL) == 0 &&
                                            cgroup_read(&trial, kind, 0, &got, NULL) == 0 && got == asked)) &&
                cgroup_limit(&trial, kind, 0, -1, NULL) == 0 && cgroup_read(&trial, kind, 0, &none, NULL) == 0 &&
                none == -1;
    path_of_file(&trial, kind, 0, "", path);
    rmdir(path);
    return done;
}

/* Each folder of the run below one hierarchy. */
static void each_folder(const struct cgroups *g, enum cgroup_kind kind, void (*deed)(const char *path, void *arg),
                        void *arg)
{
    DIR *dir = g->at[kind].root[0] ? opendir(g->at[kind].root) : NULL;
    for (const struct dirent *d; dir && (d = readdir(dir)) != NULL;) {
        char path[600];
        if (text_starts(d->d_name, g->name)) {
            snprintf(path, sizeof(path), "%.255s/%s", g->at[kind].root, d->d_name);
            deed(path, arg);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static void thaw_and_remove(const char *path, void *arg)
{
    char file[700];
    snprintf(file, sizeof(file), "%s/freezer.state", path);
    (void)write_text(file, "THAWED");
    snprintf(file, sizeof(file), "%s/cgroup.freeze", path);
    (void)write_text(file, "0");
    if (rmdir(path) != 0 && errno != ENOENT) {
        (*(size_t *)arg)++;
    }
}

static size_t remove_all(const struct cgroups *g)
{
    size_t left = 0;
    for (enum cgroup_kind k = 0; k < CGROUP_KINDS; k++) {
        each_folder(g, k, thaw_and_remove, &left);
    }
    return left;
}

static _Noreturn void keep(const struct cgroups *g, int leash_fd)
{
    char byte;
    prctl(PR_SET_NAME, "drtest-keeper", 0UL, 0UL, 0UL);
    prctl(PR_SET_PDEATHSIG, 0UL, 0UL, 0UL, 0UL);
    setsid(); /* a signal to the terminal's group is not for us */
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    while (read(leash_fd, &byte, 1) < 0 && errno == EINTR) {
    }
    int64_t until_ns = clock_mono_ns() + KEEPER_NS;
    while (remove_all(g) > 0 && clock_mono_ns() < until_ns) {
        poll(NULL, 0, 2);
    }
    _exit(0);
}

int cgroup_keeper_start(struct cgroup_keeper *k, const struct cgroups *g, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_os(e, ERR_RUN, errno, "control groups", "cannot make a pipe");
    }
    int side = child_fork(&k->child, e);
    if (side == 0) {
        if (ends[0] != 3) {
            dup2(ends[0], 3);
        }
        close_range(4, ~0U, 0);
        keep(g, 3);
    }
    fd_close(&ends[0]);
    k->leash_fd = ends[1];
    return side < 0 ? -1 : 0;
}

void cgroup_keeper_end(struct cgroup_keeper *k, int64_t wait_ns)
{
    if (k->child.pid == 0) {
        return;
    }
    (void)!write(k->leash_fd, "x", 1); /* whoever else was born with this end may still have it */
    fd_close(&k->leash_fd);
    child_wait(&k->child, wait_ns, NULL);
    child_stop(&k->child, 0, NULL);
}
