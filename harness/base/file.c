/* SPDX-License-Identifier: MIT */
/*
 * The file half of text.h: read a whole file with a bound, replace a whole file or leave it alone, make folders.
 *
 * Reading opens with O_NONBLOCK, so that a FIFO without a writer cannot hang us, and then insists on a regular file.
 * The size is not trusted: what counts is how many bytes read(2) gives (files of /proc say 0, logs grow meanwhile).
 * Replacing writes a temporary neighbour, which rename(2) can put in place in one step, and flushes file and folder,
 * so that after a power cut either the old or the new file is there. On any failure the temporary one is removed.
 */
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int text_read_file(struct text *t, const char *path, size_t max, struct err *e)
{
    text_clear(t);
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return err_os(e, ERR_READING, errno, path, "cannot open the file");
    }
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return err_os(e, ERR_READING, errno, path, "cannot look at the file");
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(e, ERR_READING, path, "not a regular file");
    }
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            text_clear(t);
            return err_os(e, ERR_READING, errno, path, "cannot read the file");
        }
        if (n == 0) {
            text_add_bytes(t, "", 0);
            return 0;
        }
        if ((size_t)n > max - t->len) {
            text_clear(t);
            return err_os(e, ERR_READING, EFBIG, path, "the file is longer than %zu bytes", max);
        }
        text_add_bytes(t, chunk, (size_t)n);
    }
}

static int write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* The rename becomes durable with its folder. One that cannot be opened or flushed is left to the kernel. */
static void flush_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    scoped_free char *folder = slash == path ? xstrdup("/") : slash ? xstrdup(path) : xstrdup(".");
    if (slash && slash != path) {
        folder[slash - path] = '\0';
    }
    scoped_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
    }
}

/* Fill the temporary file and put it in place of path. The mode of a file that was there already is kept. */
static int fill_and_rename(int fd, const char *tmp, const char *path, const void *bytes, size_t len)
{
    struct stat old;
    mode_t mask = umask(0);
    umask(mask);
    mode_t mode = stat(path, &old) == 0 ? old.st_mode & 07777 : (mode_t)(0666 & ~mask);
    if (write_all(fd, bytes, len) != 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0) {
        return -1;
    }
    return rename(tmp, path);
}

int file_replace(const char *path, const void *bytes, size_t len, struct err *e)
{
    scoped_text struct text tmp = {0};
    text_addf(&tmp, "%s.XXXXXX", path);
    scoped_fd int fd = mkostemp(tmp.at, O_CLOEXEC);
    if (fd < 0) {
        return err_os(e, ERR_OUTPUT, errno, path, "cannot make a temporary file beside it");
    }
    if (fill_and_rename(fd, tmp.at, path, bytes, len) != 0) {
        int os = errno;
        unlink(tmp.at);
        return err_os(e, ERR_OUTPUT, os, path, "cannot replace the file");
    }
    flush_folder(path);
    return 0;
}

static int folder_make_bytes(const char *path, size_t len, struct err *e)
{
    scoped_text struct text part = {0};
    struct stat st;
    for (size_t i = 1; i <= len; i++) {
        if (i < len && path[i] != '/') {
            continue;
        }
        text_clear(&part);
        text_add_bytes(&part, path, i);
        if (mkdir(text_str(&part), 0777) != 0 && errno != EEXIST) {
            return err_os(e, ERR_OUTPUT, errno, text_str(&part), "cannot make the folder");
        }
    }
    if (stat(text_str(&part), &st) != 0) {
        return err_os(e, ERR_OUTPUT, errno, text_str(&part), "cannot look at the folder");
    }
    return S_ISDIR(st.st_mode) ? 0 : err_set(e, ERR_OUTPUT, text_str(&part), "is a file where a folder is wanted");
}

int folder_make(const char *path, struct err *e)
{
    return *path ? folder_make_bytes(path, strlen(path), e) : err_set(e, ERR_OUTPUT, path, "the folder has no name");
}

int folder_make_above(const char *file, struct err *e)
{
    const char *slash = strrchr(file, '/');
    return slash && slash != file ? folder_make_bytes(file, (size_t)(slash - file), e) : 0;
}

int file_write_at(int fd, const char *bytes, size_t len, int64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, bytes, len, at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : ENOSPC;
        }
        bytes += n;
        len -= (size_t)n;
        at += n;
    }
    return 0;
}

int file_read_at(int fd, char *bytes, size_t len, int64_t at)
{
    while (len > 0) {
        ssize_t n = pread(fd, bytes, len, at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : EIO;
        }
        bytes += n;
        len -= (size_t)n;
        at += n;
    }
    return 0;
}
