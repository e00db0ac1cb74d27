/* SPDX-License-Identifier: MIT */
/*
 * The look around after close: is anything left on the host? Seen without privilege, and by anyone who knows the run
 * directory, also after the process that opened the lab was killed:
 *
 *     processes   whose command line names the lab's disk: nodes are started with paths on it
 *     mounts      at or below the run directory
 *     links       in our own network namespace with a name of ours
 *     rules       in our own network namespace with our mark
 *     groups      control groups named after the run directory
 *
 * What cannot be looked at (another user's process) is not ours to begin with and is passed over.
 */
#include "harness/lab/netns.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool contains(const char *bytes, size_t len, const char *part)
{
    return memmem(bytes, len, part, strlen(part)) != NULL;
}

static void find_processes(const char *disk, struct text *found)
{
    DIR *proc = opendir("/proc");
    if (!proc) {
        return;
    }
    for (const struct dirent *d = readdir(proc); d; d = readdir(proc)) {
        char path[300], line[4096];
        if (d->d_name[0] < '1' || d->d_name[0] > '9') {
            continue;
        }
        snprintf(path, sizeof(path), "/proc/%s/cmdline", d->d_name);
        scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line));
        if (n > 0 && contains(line, (size_t)n, disk)) {
            text_addf(found, "process %s (%.60s)\n", d->d_name, line);
        }
    }
    closedir(proc);
}

static void find_mounts(const char *disk, struct text *found)
{
    scoped_file FILE *f = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    while (f && fgets(line, sizeof(line), f)) {
        char at[2048];
        if (sscanf(line, "%*s %*s %*s %*s %2047s", at) == 1 && text_starts(at, disk)) {
            text_addf(found, "mount %s\n", at);
        }
    }
}

static void find_links(struct text *found)
{
    struct if_nameindex *all = if_nameindex();
    for (const struct if_nameindex *i = all; i && i->if_index != 0; i++) {
        if (text_starts(i->if_name, "dr-")) {
            text_addf(found, "link %s\n", i->if_name);
        }
    }
    if_freenameindex(all);
}

static int find_rules(struct text *found, struct err *e)
{
    struct netlink *nl = NULL;
    size_t n = 0;
    int rc = netlink_open(&nl, e) != 0 ? -1 : netlink_rule_count(nl, &n, e);
    netlink_close(nl);
    if (n > 0) {
        text_addf(found, "%zu routing rules\n", n);
    }
    return rc;
}

int netns_residue(const struct lab_options *o, char *text, size_t len, struct err *e)
{
    scoped_text struct text disk = {0}, found = {0};
    char real[4096];
    text_addf(&disk, "%s/lab/", o->run_path);
    find_processes(text_str(&disk), &found);
    text_clear(&disk);
    text_addf(&disk, "%s/lab", realpath(o->run_path, real) ? real : o->run_path);
    find_mounts(text_str(&disk), &found);
    find_links(&found);
    struct cgroups groups;
    cgroup_find(&groups, o->run_path, caps_wants_freezer_v1(o->forced));
    cgroup_list(&groups, &found);
    int rc = find_rules(&found, e);
    snprintf(text, len, "%s", text_str(&found));
    return rc;
}
