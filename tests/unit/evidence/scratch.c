/* SPDX-License-Identifier: MIT */
/*
 * nftw(3) depth first removes what a test left; a directory that cannot be made or removed ends the program.
 */
#include "tests/unit/evidence/scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[128];

const char *scratch_make(void)
{
    snprintf(directory, sizeof(directory), "/tmp/drtest-unit-XXXXXX");
    must(mkdtemp(directory));
    return directory;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

void scratch_remove(void)
{
    must(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

const char *scratch_path(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

void scratch_read(const char *name, struct text *out)
{
    text_clear(out);
    must(text_read_file(out, scratch_path(name), 64 << 20, NULL) == 0);
}

void scratch_write(const char *name, const void *bytes, size_t len)
{
    int fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}
