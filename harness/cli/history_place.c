/* SPDX-License-Identifier: MIT */
/*
 * Both paths are made real first (no symbolic link, no dot), then the folders that they share are taken off. What is
 * left works from any working directory, and after run directories and history have moved together. A history that
 * shares no folder with the run, a mounted disk say, does not move with it and keeps its absolute path.
 */
#include "harness/cli/history_place.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <errno.h>
#include <stdlib.h>

/* How many bytes of both name folders above the file and at or above the run directory; at least the first slash. */
static size_t shared(const char *run, const char *file)
{
    size_t common = 0, i = 0;
    for (; run[i] && run[i] == file[i]; i++) {
        common = file[i] == '/' ? i + 1 : common;
    }
    return run[i] == '\0' && file[i] == '/' ? i + 1 : common;
}

int history_name(struct text *name, const char *run_path, const char *file, struct err *e)
{
    scoped_free char *run = realpath(run_path, NULL), *real = realpath(file, NULL);
    if (!run || !real) {
        return err_os(e, ERR_OUTPUT, errno, run ? file : run_path, "cannot tell where the history is");
    }
    size_t common = shared(run, real);
    if (common <= 1) {
        text_add(name, real);
        return 0;
    }
    for (const char *left = run + common - 1; *left; left++) {
        text_add(name, *left == '/' && left[1] ? "../" : "");
    }
    text_add(name, real + common);
    return 0;
}

void history_path(struct text *path, const char *run_path, const char *name)
{
    if (*name != '/') {
        text_addf(path, "%s/", run_path);
    }
    text_add(path, name);
}
