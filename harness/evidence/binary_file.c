/* SPDX-License-Identifier: MIT */
/*
 * Read, not mapped: a mapped file that shrinks while it is judged kills the process, a read one merely ends early. Only
 * regular files are opened (a FIFO would hang), and only up to a size that a run can have.
 */
#include "harness/evidence/binary_file.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int binary_file_open(const char *run_path, const char *name, size_t max, int *fd, size_t *size, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", run_path, name);
    const char *at = text_str(&path);
    scoped_fd int opened = open(at, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    *fd = -1;
    *size = 0;
    if (opened < 0) {
        return errno == ENOENT ? 0 : err_os(e, ERR_READING, errno, at, "cannot open the file");
    }
    if (fstat(opened, &st) != 0 || !S_ISREG(st.st_mode)) {
        return err_set(e, ERR_READING, at, "this is not a regular file");
    }
    if ((uintmax_t)st.st_size > max) {
        return err_set(e, ERR_READING, at, "the file is larger than the %zu bytes that a run may have", max);
    }
    *size = (size_t)st.st_size;
    *fd = steal_fd(&opened);
    return 0;
}

long binary_file_more(int fd, void *to, size_t want, const char *name, struct err *e)
{
    size_t have = 0;
    while (have < want) {
        ssize_t n = read(fd, (char *)to + have, want - have);
        if (n < 0 && errno != EINTR) {
            return err_os(e, ERR_READING, errno, name, "cannot read the file");
        }
        if (n == 0) {
            break;
        }
        have += n > 0 ? (size_t)n : 0;
    }
    return (long)have;
}

int binary_file_read(struct binary_file *f, const char *run_path, const char *name, size_t max, struct arena *a,
                     bool *found, struct err *e)
{
    size_t size;
    scoped_fd int fd = -1;
    *f = (struct binary_file){0};
    *found = false;
    if (binary_file_open(run_path, name, max, &fd, &size, e) != 0) {
        return -1;
    }
    *found = fd >= 0;
    f->at = size > 0 ? arena_alloc(a, size) : NULL;
    long got = fd >= 0 ? binary_file_more(fd, f->at, size, name, e) : 0;
    f->len = got > 0 ? (size_t)got : 0;
    return got < 0 ? -1 : 0;
}
