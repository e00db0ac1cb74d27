/* SPDX-License-Identifier: MIT */
/*
 * One unshare(2) makes user, network, mount and pid namespaces together: the first grants the rights that the others
 * need, so no privilege is asked of anyone. An ordinary user is mapped to root inside. Root is mapped to itself, and so
 * is everyone else: root that knows only itself could no longer pass through the closed home of the user who called
 * sudo. Where user namespaces are refused and we are root, the same without one.
 *
 * The chain of leashes: we die with the process that started us (asked again after unshare, since a change of
 * credentials clears it), the first process of the pid namespace dies with us, and with it the kernel kills everything
 * inside. The first process is a copy of us that has closed everything and only reaps orphans.
 *
 * Failure paths: a half-opened cell is harmless, for nothing of it has a name outside; the caller gives up and exits. A
 * parent that died between two leashes is noticed by comparing getppid(2) before and after.
 */
#include "harness/lab/cell.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAPPER_BOUND_NS (2 * NS_PER_S)
#define DISK_OPTIONS "size=256m,nr_inodes=65536,mode=0700"

static int put_file(const char *path, const char *text, struct err *e)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        return err_os(e, ERR_MACHINE, errno, path, "cannot write it");
    }
    return 0;
}

static int map_to_root(uid_t uid, gid_t gid, struct err *e)
{
    char uid_map[32], gid_map[32];
    snprintf(uid_map, sizeof(uid_map), "0 %u 1", uid);
    snprintf(gid_map, sizeof(gid_map), "0 %u 1", gid);
    return put_file("/proc/self/setgroups", "deny", e) || put_file("/proc/self/uid_map", uid_map, e) ||
                   put_file("/proc/self/gid_map", gid_map, e)
               ? -1
               : 0;
}

/* A child from before the unshare, which still has our rights outside: it maps everyone to himself. */
struct mapper {
    struct child child;
    int go_fd;
};

static _Noreturn void map_everyone(pid_t whom, int go_fd)
{
    static const char everyone[] = "0 0 4294967295";
    char uid_map[64], gid_map[64], go;
    snprintf(uid_map, sizeof(uid_map), "/proc/%d/uid_map", (int)whom);
    snprintf(gid_map, sizeof(gid_map), "/proc/%d/gid_map", (int)whom);
    bool told = read(go_fd, &go, 1) == 1;
    _exit(told && put_file(uid_map, everyone, NULL) == 0 && put_file(gid_map, everyone, NULL) == 0 ? 0 : 1);
}

static int mapper_start(struct mapper *m, struct err *e)
{
    int ends[2];
    pid_t whom = getpid();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_os(e, ERR_RUN, errno, "namespaces", "cannot make a pipe");
    }
    int side = child_fork(&m->child, e);
    if (side == 0) {
        fd_close(&ends[1]);
        map_everyone(whom, ends[0]);
    }
    fd_close(&ends[0]);
    m->go_fd = ends[1];
    return side < 0 ? -1 : 0;
}

/* Lets it map (go) or end; true when the maps are written. */
static bool mapper_end(struct mapper *m, bool go)
{
    bool told = go && write(m->go_fd, "x", 1) == 1;
    fd_close(&m->go_fd);
    bool ended = m->child.pid != 0 && child_wait(&m->child, MAPPER_BOUND_NS, NULL) == 0;
    bool mapped = told && ended && WIFEXITED(m->child.status) && WEXITSTATUS(m->child.status) == 0;
    child_stop(&m->child, 0, NULL);
    return mapped;
}

static int refuse(uid_t uid, int os, struct err *e)
{
    err_os(e, ERR_MACHINE, os, "namespaces",
           "this machine refuses namespaces of our own for users, network, mounts and processes");
    return err_help(e, uid == 0 ? "run with CAP_SYS_ADMIN, or outside of this container"
                                : "allow user namespaces (sysctl user.max_user_namespaces, "
                                  "kernel.apparmor_restrict_unprivileged_userns) or run as root");
}

int cell_unshare(bool *own_user, struct err *e)
{
    const int rest = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID;
    uid_t uid = geteuid();
    gid_t gid = getegid();
    struct mapper mapper = {.go_fd = -1, .child.pidfd = -1};
    if (uid == 0 && mapper_start(&mapper, e) != 0) {
        mapper_end(&mapper, false);
        return -1;
    }
    *own_user = unshare(CLONE_NEWUSER | rest) == 0;
    int os = errno;
    if (mapper_end(&mapper, *own_user)) {
        return 0;
    }
    if (*own_user) {
        return map_to_root(uid, gid, e);
    }
    return uid == 0 && unshare(rest) == 0 ? 0 : refuse(uid, os, e);
}

static int mount_disk(const char *path, struct err *e)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return err_os(e, ERR_MACHINE, errno, "/", "cannot keep our mounts to ourselves");
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_os(e, ERR_RUN, errno, path, "cannot make the folder");
    }
    if (mount("drtest", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, DISK_OPTIONS) != 0) {
        return err_os(e, ERR_MACHINE, errno, path, "cannot mount a memory file system");
    }
    return 0;
}

static _Noreturn void reap_orphans(void)
{
    prctl(PR_SET_NAME, "drtest-cell", 0UL, 0UL, 0UL);
    close_range(3, ~0U, 0);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        sigwaitinfo(&child, NULL);
    }
}

static int start_init(struct cell *c, struct err *e)
{
    int side = child_fork(&c->init, e);
    if (side == 0) {
        reap_orphans();
    }
    return side < 0 ? -1 : 0;
}

static int leash_to_parent(pid_t parent, struct err *e)
{
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL) != 0 || getppid() != parent) {
        return err_set(e, ERR_RUN, "lab", "the process that started us is gone");
    }
    return 0;
}

int cell_open(struct cell *c, const char *disk, struct err *e)
{
    *c = (struct cell){.net_fd = -1, .init.pidfd = -1, .rootless = geteuid() != 0};
    if ((size_t)snprintf(c->disk, sizeof(c->disk), "%s", disk) >= sizeof(c->disk)) {
        c->disk[0] = '\0';
        return err_set(e, ERR_RUN, disk, "the path is longer than %zu characters", sizeof(c->disk) - 1);
    }
    pid_t parent = getppid();
    bool own_user;
    if (cell_unshare(&own_user, e) != 0 || leash_to_parent(parent, e) != 0 || start_init(c, e) != 0 ||
        mount_disk(c->disk, e) != 0) {
        return -1;
    }
    c->net_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    return c->net_fd >= 0 ? 0 : err_os(e, ERR_MACHINE, errno, "/proc/thread-self/ns/net", "cannot open it");
}

void cell_kill(struct cell *c)
{
    child_signal(&c->init, SIGKILL, NULL);
}

int cell_close(struct cell *c, int64_t wait_ns, struct err *e)
{
    int rc = 0;
    if (c->init.pid != 0) {
        cell_kill(c);
        rc = child_wait(&c->init, wait_ns, e);
        if (rc == 1) {
            err_set(e, ERR_RUN, "lab", "processes inside have not gone in time");
        }
    }
    if (c->disk[0] && umount2(c->disk, MNT_DETACH) == 0) {
        rmdir(c->disk);
    }
    fd_close(&c->net_fd);
    return rc == 0 ? 0 : -1;
}
