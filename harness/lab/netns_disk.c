/* SPDX-License-Identifier: MIT */
/*
 * The disk of a node: its data/ is a memory file system of its own, mounted in the run's mount namespace, so that it
 * can be filled up without anybody else's noticing, and vanishes with the run. What the harness keeps beside it
 * (config.json, desired.json) stands on the lab's disk and can always be written.
 *
 * full: the walls are moved in to a mebibyte around what is there, and a file without a name takes the rest; nothing
 * else could take a quarter of a gigabyte of real memory per node. Walls alone would not do: moving them below what is
 * used is refused, and the node goes on writing while we look. The file is ours, so the space is free again
 * when we die. inodes: the number of files is moved down to what is there and as many as were asked for. readonly: the
 * kernel refuses while a file is open for writing, so the node must not run meanwhile.
 *
 * Everything is a change of the one mount by mount(2), which a user namespace allows as long as the flags it was
 * mounted with are named again.
 */
#include "harness/lab/netns.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_BYTES (INT64_C(256) << 20)
#define DISK_FILES INT64_C(65536)
#define ROOM_BYTES (INT64_C(1) << 20)
#define TRIES 64

static const unsigned long mount_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

static int change(const char *path, unsigned long flags, const char *options, struct err *e)
{
    if (mount("drtest-node", path, "tmpfs", mount_flags | flags, options) != 0) {
        return err_os(e, ERR_RUN, errno, path, "cannot %s it with %s", flags & MS_REMOUNT ? "remount" : "mount",
                      options);
    }
    return 0;
}

static int resize(const char *path, int64_t bytes, struct err *e)
{
    char options[64];
    snprintf(options, sizeof(options), "size=%lld", (long long)bytes);
    return change(path, MS_REMOUNT, options, e);
}

static int look_at(const char *path, struct statvfs *v, struct err *e)
{
    return statvfs(path, v) == 0 ? 0 : err_os(e, ERR_RUN, errno, path, "cannot look at the file system");
}

int disk_mount(struct node_disk *d, const char *path, struct err *e)
{
    char options[64];
    snprintf(options, sizeof(options), "size=%lld,nr_inodes=%lld,mode=0700", (long long)DISK_BYTES,
             (long long)DISK_FILES);
    if (d->mounted) {
        return 0;
    }
    d->ballast_fd = -1;
    d->mounted = change(path, 0, options, e) == 0;
    return d->mounted ? 0 : -1;
}

void disk_unmount(struct node_disk *d, const char *path)
{
    if (d->mounted) {
        fd_close(&d->ballast_fd);
        umount2(path, MNT_DETACH);
        d->mounted = false;
    }
}

static int nameless_file(const char *path)
{
    return open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
}

/* The node may write meanwhile: what is left is asked for again until nothing is. */
static int fill(struct node_disk *d, const char *path, struct err *e)
{
    struct statvfs v;
    off_t at = 0;
    for (int i = 0; i < TRIES; i++) {
        if (look_at(path, &v, e) != 0) {
            return -1;
        }
        if (v.f_bavail == 0) {
            return 0;
        }
        off_t len = (off_t)(v.f_bavail * v.f_frsize);
        if (fallocate(d->ballast_fd, 0, at, len) == 0) {
            at += len;
        } else if (errno != ENOSPC && errno != EINTR) {
            return err_os(e, ERR_RUN, errno, path, "cannot take the rest of the disk");
        }
    }
    return err_set(e, ERR_RUN, path, "what is left of the disk changes quicker than it can be taken");
}

static int starve_bytes(struct node_disk *d, const char *path, bool plenty, struct err *e)
{
    struct statvfs v;
    if (plenty) {
        fd_close(&d->ballast_fd);
        return resize(path, DISK_BYTES, e);
    }
    if (d->ballast_fd < 0 && (d->ballast_fd = nameless_file(path)) < 0) {
        return err_os(e, ERR_RUN, errno, path, "cannot make a file there");
    }
    if (look_at(path, &v, e) != 0) {
        return -1;
    }
    int64_t used = (int64_t)((v.f_blocks - v.f_bfree) * v.f_frsize), wall = used + ROOM_BYTES;
    return resize(path, wall < DISK_BYTES ? wall : DISK_BYTES, e) != 0 ? -1 : fill(d, path, e);
}

static int starve_files(const char *path, int64_t left, struct err *e)
{
    struct statvfs v;
    char options[64];
    int rc = -1, os = EINVAL;
    for (int i = 0; i < TRIES && rc != 0 && os == EINVAL; i++) { /* refused when another file has come meanwhile */
        struct err why = {0};
        if (look_at(path, &v, e) != 0) {
            return -1;
        }
        int64_t most = left == LAB_PLENTY ? DISK_FILES : (int64_t)(v.f_files - v.f_ffree) + left;
        snprintf(options, sizeof(options), "nr_inodes=%lld", (long long)most);
        rc = change(path, MS_REMOUNT, options, &why);
        os = why.os;
    }
    return rc == 0 ? 0 : err_os(e, ERR_RUN, os, path, "cannot remount it with %s", options);
}

int disk_starve(struct node_disk *d, const char *path, enum lab_resource r, int64_t limit, struct err *e)
{
    bool plenty = limit == LAB_PLENTY;
    if (r == RESOURCE_DISK) {
        return starve_bytes(d, path, plenty, e);
    }
    return r == RESOURCE_INODES ? starve_files(path, limit, e)
                                : change(path, MS_REMOUNT | (plenty ? 0 : MS_RDONLY), "", e);
}

static int64_t limit_of(const struct statvfs *v, enum lab_resource r)
{
    switch (r) {
    case RESOURCE_DISK:
        return (int64_t)(v->f_blocks * v->f_frsize) == DISK_BYTES ? LAB_PLENTY : (int64_t)(v->f_bavail * v->f_frsize);
    case RESOURCE_INODES:
        return (int64_t)v->f_files == DISK_FILES ? LAB_PLENTY : (int64_t)v->f_ffree;
    default:
        return v->f_flag & ST_RDONLY ? 0 : LAB_PLENTY;
    }
}

/* A page into a file without a name, as a program would: the error that it meets, 0 for none. */
static int try_to_write(const char *path)
{
    static const char page[4096] = "x";
    scoped_fd int fd = nameless_file(path);
    ssize_t n = fd < 0 ? -1 : write(fd, page, sizeof(page));
    return n == (ssize_t)sizeof(page) ? 0 : n < 0 ? errno : ENOSPC;
}

int disk_supply(const char *path, enum lab_resource r, int64_t want, struct lab_supply *s, struct err *e)
{
    struct statvfs v;
    if (look_at(path, &v, e) != 0) {
        return -1;
    }
    s->limit = limit_of(&v, r);
    int os = want == LAB_PLENTY ? 0 : try_to_write(path);
    s->short_of = os == (r == RESOURCE_WRITING ? EROFS : ENOSPC);
    snprintf(s->seen, sizeof(s->seen), "a write: %.60s", strerror(os));
    return 0;
}
