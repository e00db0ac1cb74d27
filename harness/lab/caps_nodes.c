/* SPDX-License-Identifier: MIT */
/*
 * The trial of what nodes can be deprived of: our own limit of descriptors lowered and raised again, a memory file system
 * mounted and changed, two settings of the network namespace we stand in, and a control group of each kind.
 */
#include "harness/lab/caps.h"

#include "harness/base/scoped.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* Mounted over a folder, changed, and off again. */
static bool try_disk(const char *folder)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount("drtest-probe", folder, "tmpfs", flags, "size=1m,nr_inodes=64") != 0) {
        return false;
    }
    bool right = mount("drtest-probe", folder, "tmpfs", flags | MS_REMOUNT, "nr_inodes=32") == 0;
    return umount2(folder, MNT_DETACH) == 0 && right;
}

static bool put(const char *path, const char *words)
{
    scoped_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, words, strlen(words)) == (ssize_t)strlen(words);
}

void caps_try_nodes(struct caps_trial *trial, const char *folder, const char *run_path, const char *const forced[LAB_EFFECTS])
{
    struct cgroups groups;
    static const char range[] = "/proc/sys/net/ipv4/ip_local_port_range", backlog[] = "/proc/sys/net/core/somaxconn";
    trial->descriptors = try_descriptors();
    trial->disk = try_disk(folder);
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
                  "no control group with this limit can be made; run as root where its hierarchy is mounted and writable");
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
    m[EFFECT_DESCRIPTORS] = judged(t->descriptors, "prlimit", "tried: the soft limit of a live process, lowered and raised",
                                   "prlimit(2) is refused; allow it");
    m[EFFECT_DISK] = judged(t->disk, "tmpfs", "tried: a memory file system, mounted and changed",
                            "no memory file system can be mounted and changed; allow mount(2) in a user namespace");
    m[EFFECT_PORTS] = judged(t->local_ports, "sysctl", "tried: ip_local_port_range of a network namespace, set and set back",
                             "ip_local_port_range cannot be set; make /proc/sys writable");
    m[EFFECT_BACKLOG] = judged(t->backlog, "sysctl", "tried: somaxconn of a network namespace, set and set back",
                               "somaxconn cannot be set; make /proc/sys writable");
    m[EFFECT_PROCESSES] = by_group(t, CGROUP_PIDS);
    m[EFFECT_CPU] = by_group(t, CGROUP_CPU);
    m[EFFECT_MEMORY] = by_group(t, CGROUP_MEMORY);
}
