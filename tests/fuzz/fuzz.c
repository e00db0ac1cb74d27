/* SPDX-License-Identifier: MIT */
/*
 * Files are written anew for every input (what reads them takes paths), so the folder should lie in memory. A target
 * that crashes leaves its folder; ci/fuzz gives each a TMPDIR that it removes.
 */
#include "tests/fuzz/fuzz.h"

#include "harness/base/arena.h"
#include "harness/base/scoped.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];
static struct arena paths;

void fuzz_broken(const char *that, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: broken: %s\n", file, line, that);
    abort();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = xcalloc(size + 1, 1);
    if (size > 0)
        memcpy(text, data, size);
    return text;
}

bool fuzz_line(const uint8_t **data, size_t *size, char **line)
{
    if (*size == 0)
        return false;
    const uint8_t *end = memchr(*data, '\n', *size);
    size_t len = end ? (size_t)(end - *data) : *size, taken = end ? len + 1 : len;
    *line = fuzz_text(*data, len);
    *data += taken;
    *size -= taken;
    return true;
}

void fuzz_clear(void)
{
    DIR *d = opendir(folder);
    for (const struct dirent *f; d && (f = readdir(d));)
        (void)unlinkat(dirfd(d), f->d_name, 0);
    if (d)
        (void)closedir(d);
}

static void remove_folder(void)
{
    fuzz_clear();
    (void)rmdir(folder);
    arena_deinit(&paths);
}

const char *fuzz_folder(void)
{
    if (*folder)
        return folder;
    const char *tmp = getenv("TMPDIR");
    if (!tmp)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(folder, sizeof(folder), "%s/drtest-fuzz.XXXXXX", tmp);
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    (void)atexit(remove_folder);
    return folder;
}

const char *fuzz_path(const char *name)
{
    return arena_printf(&paths, "%s/%s", fuzz_folder(), name);
}

void fuzz_put(const char *name, const void *bytes, size_t len)
{
    scoped_free char *path = NULL;
    fuzz_must(asprintf(&path, "%s/%s", fuzz_folder(), name) > 0);
    scoped_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_must(fd >= 0);
    fuzz_must(len == 0 || write(fd, bytes, len) == (ssize_t)len);
}
