/* SPDX-License-Identifier: MIT */
/*
 * The trial of what nodes can be deprived of: our own limit of descriptors lowered and raised again, a memory file
 * system mounted and changed, a call of a guest's answered by a tap, two settings of the network namespace we stand in,
 * and a control group of each kind.
 */
#include "harness/lab/caps.h"

#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAP_BOUND_NS (2 * NS_PER_S)

bool caps_wants_freezer_v1(const char *const forced[LAB_EFFECTS])
{
    return forced[EFFECT_FREEZE] && strcmp(forced[EFFECT_FREEZE], "freezer") == 0;
}

static bool try_descriptors(void)
{
    struct rlimit before, low;
    if (getrlimit(RLIMIT_NOFILE, &before) != 0) {
        return false;
    }
    low = (struct rlimit){.rlim_cur = 16, .rlim_max = before.rlim_max};
    return prlimit(getpid(), RLIMIT_NOFILE, &low, NULL) == 0 && prlimit(getpid(), RLIMIT_NOFILE, &before, NULL) == 0;
}


static bool put(const char *path, const char *words)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, words, strlen(words)) == (ssize_t)strlen(words);
}

/* A guest's write fails because the tap says so. */
static bool try_tap(const char *folder)
{
    struct tap *t;
    struct child guest;
    struct stat st;
    scoped_fd int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st) != 0 || tap_open(&t, NULL) != 0) {
        return false;
    }
    tap_disk(t, st.st_dev);
    t->page->failing = true;
    int side = child_fork(&guest, NULL);
    if (side == 0) {
        _exit(tap_attach(t, TAP_GUEST) == 0 && write(fd, "x", 1) < 0 && errno == EIO ? 0 : 1);
    }
    bool right = side > 0 && child_wait(&guest, TAP_BOUND_NS, NULL) == 0 && guest.status == 0;
    if (side > 0) {
        child_stop(&guest, 0, NULL);
    }
    tap_close(t);
    return right;
}

/* Mounted over a folder, changed, tapped, and off again. */
static void try_disk(struct caps_trial *trial, const char *folder)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount("drtest-probe", folder, "tmpfs", flags, "size=1m,nr_inodes=64") == 0) {
        bool changed = mount("drtest-probe", folder, "tmpfs", flags | MS_REMOUNT, "nr_inodes=32") == 0;
        trial->tap = try_tap(folder);
        trial->disk = umount2(folder, MNT_DETACH) == 0 && changed;
    }
}

void caps_try_nodes(struct caps_trial *trial, const char *folder, const char *run_path,
                    const char *const forced[LAB_EFFECTS])
{
    struct cgroups groups;
    static const char range[] = "/proc/sys/net/ipv4/ip_local_port_range", backlog[] = "/proc/sys/net/core/somaxconn";
    trial->descriptors = try_descriptors();
    try_disk(trial, folder);
    trial->local_ports = put(range, "60000 60009") && put(range, "32768 60999");
    trial->backlog = put(backlog, "1") && put(backlog, "4096");
    cgroup_find(&groups, run_path, caps_wants_freezer_v1(forced));
    for (enum cgroup_kind k = 0; k < CGROUP_KINDS; k++) {
        trial->group[k] = cgroup_try(&groups, k);
        trial->group_v2[k] = groups.at[k].unified;
    }
}

static struct lab_mechanism judged(bool able, const char *name, const char *why, const char *why_not)
{
    return (struct lab_mechanism){.name = able ? name : "none", .why = able ? why : why_not, .available = able};
}

static struct lab_mechanism by_group(const struct caps_trial *t, enum cgroup_kind kind)
{
    static const char *const why[] = {"tried: a control group (v1), limited and read back",
                                      "tried: a control group (v2), limited and read back"};
    return judged(t->group[kind], "cgroup", why[t->group_v2[kind]],
                  "no control group with this limit can be made; run as root where its hierarchy is mounted and "
                  "writable");
}

static struct lab_mechanism freezing(const struct caps_trial *t)
{
    if (!t->group[CGROUP_FREEZER]) {
        return judged(true, "signal", "SIGSTOP through a pidfd; no control group can be made", NULL);
    }
    return t->group_v2[CGROUP_FREEZER] ? judged(true, "cgroup", "tried: cgroup.freeze of a control group (v2)", NULL)
                                       : judged(true, "freezer", "tried: freezer.state of a control group (v1)", NULL);
}

void caps_judge_nodes(const struct caps_trial *t, struct lab_caps *caps)
{
    struct lab_mechanism *m = caps->effects;
    m[EFFECT_FREEZE] = freezing(t);
    m[EFFECT_DESCRIPTORS] =
        judged(t->descriptors, "prlimit", "tried: the soft limit of a live process, lowered and raised",
               "prlimit(2) is refused; allow it");
    m[EFFECT_DISK] = judged(t->disk, "tmpfs", "tried: a memory file system, mounted and changed",
                            "no memory file system can be mounted and changed; allow mount(2) in a user namespace");
    m[EFFECT_IO] = judged(t->tap, "seccomp", "tried: a guest's write, refused in its stead by who was told of it",
                          "the kernel does not tell of system calls; it needs seccomp with user notification "
                          "(Linux 5.9)");
    m[EFFECT_PORTS] =
        judged(t->local_ports, "sysctl", "tried: ip_local_port_range of a network namespace, set and set back",
               "ip_local_port_range cannot be set; make /proc/sys writable");
    m[EFFECT_BACKLOG] = judged(t->backlog, "sysctl", "tried: somaxconn of a network namespace, set and set back",
                               "somaxconn cannot be set; make /proc/sys writable");
    m[EFFECT_PROCESSES] = by_group(t, CGROUP_PIDS);
    m[EFFECT_CPU] = by_group(t, CGROUP_CPU);
    m[EFFECT_MEMORY] = by_group(t, CGROUP_MEMORY);
}
