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

int binary_file_read(struct binary_file *f, const char *run_path, const char *name, size_t max, struct arena *a,
                     bool *found, struct err *e)
{
    *f = (struct binary_file){0};
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", run_path, name);
    const char *at = text_str(&path);
    scoped_fd int fd = open(at, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *found = fd >= 0;
    if (fd < 0) {
        return errno == ENOENT ? 0 : err_os(e, ERR_READING, errno, at, "cannot open the file");
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return err_set(e, ERR_READING, at, "this is not a regular file");
    }
    if ((uintmax_t)st.st_size > max) {
        return err_set(e, ERR_READING, at, "the file is larger than the %zu bytes that a run may have", max);
    }
    size_t size = (size_t)st.st_size;
    f->at = size > 0 ? arena_alloc(a, size) : NULL;
    while (f->len < size) {
        ssize_t n = read(fd, (char *)f->at + f->len, size - f->len);
        if (n < 0 && errno != EINTR) {
            return err_os(e, ERR_READING, errno, at, "cannot read the file");
        }
        if (n == 0) {
            break;
        }
        f->len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}
