/* SPDX-License-Identifier: MIT */
/*
 * One write(2) per call in the ordinary case. The kernel places O_APPEND writes of several processes one after the
 * other, whole, so records of different writers never interleave. A short write happens on a full disk: the rest is
 * tried once more and its error then sticks. Readers notice the torn record.
 */
#include "harness/evidence/append.h"

#include "harness/base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int append_open(struct append_file *f, const char *run_path, const char *name, enum append_mode mode, struct err *e)
{
    *f = (struct append_file){.fd = -1};
    int len = snprintf(f->path, sizeof(f->path), "%s/%s", run_path, name);
    if (len < 0 || (size_t)len >= sizeof(f->path)) {
        return err_set(e, ERR_OUTPUT, name, "the path of the run directory is too long");
    }
    int create = mode == APPEND_CREATE ? O_CREAT | O_EXCL : 0;
    f->fd = open(f->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | create, 0644);
    if (f->fd < 0) {
        return err_os(e, ERR_OUTPUT, errno, f->path, "cannot %s the file", create ? "create" : "append to");
    }
    return 0;
}

static int fail(struct append_file *f, struct err *e)
{
    if (e && e->kind == ERR_NONE) {
        *e = f->failure;
    }
    return -1;
}

int append_bytes(struct append_file *f, const void *bytes, size_t len, struct err *e)
{
    if (f->failure.kind != ERR_NONE) {
        return fail(f, e);
    }
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(f->fd, at, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            err_os(&f->failure, ERR_OUTPUT, n < 0 ? errno : EIO, f->path, "cannot append");
            return fail(f, e);
        }
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int append_sync(struct append_file *f, struct err *e)
{
    if (f->failure.kind != ERR_NONE) {
        return fail(f, e);
    }
    if (fdatasync(f->fd) != 0) {
        err_os(&f->failure, ERR_OUTPUT, errno, f->path, "cannot bring the file to disk");
        return fail(f, e);
    }
    return 0;
}

void append_close(struct append_file *f)
{
    fd_close(&f->fd);
}
