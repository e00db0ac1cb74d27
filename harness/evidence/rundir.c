/* SPDX-License-Identifier: MIT */
/*
 * Run directories: made under a name that no other run has.
 *
 * mkdir(2) itself decides whether the name is free, so two runs started in the same second never share a directory; the
 * second gets "-2". `latest` is a relative symbolic link, made under a temporary name and renamed over the old one: it
 * always leads somewhere. A real file or directory of that name is left alone and reported.
 */
#include "harness/evidence/evidence_write.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_COLLISIONS 1000

static int set_latest(const char *output, const char *name, struct err *e)
{
    scoped_text struct text link = {0}, fresh = {0};
    text_addf(&link, "%s/latest", output);
    text_addf(&fresh, "%s/.latest-%d", output, (int)getpid());
    unlink(text_str(&fresh)); /* left by a killed run that had our pid */
    if (symlink(name, text_str(&fresh)) != 0 || rename(text_str(&fresh), text_str(&link)) != 0) {
        int os = errno;
        unlink(text_str(&fresh));
        return err_os(e, ERR_OUTPUT, os, text_str(&link), "cannot set the link to the newest run");
    }
    return 0;
}

int rundir_create(const char *output, const char *scenario, int64_t wall_ns, char **path, struct err *e)
{
    if (!text_is_name(scenario)) {
        return err_set(e, ERR_DEFECT, output, "'%.60s' is not the name of a scenario", scenario);
    }
    if (folder_make(output, e) != 0) {
        return -1;
    }
    char utc[32];
    clock_compact(wall_ns, utc);
    for (int n = 1; n <= MAX_COLLISIONS; n++) {
        scoped_text struct text name = {0}, run = {0}, nodes = {0};
        text_addf(&name, "%s-%s", scenario, utc);
        if (n > 1) {
            text_addf(&name, "-%d", n);
        }
        text_addf(&run, "%s/%s", output, text_str(&name));
        if (mkdir(text_str(&run), 0755) != 0) {
            if (errno == EEXIST) {
                continue;
            }
            return err_os(e, ERR_OUTPUT, errno, text_str(&run), "cannot make the run directory");
        }
        text_addf(&nodes, "%s/nodes", text_str(&run));
        if (mkdir(text_str(&nodes), 0755) != 0) {
            return err_os(e, ERR_OUTPUT, errno, text_str(&nodes), "cannot make the folder for the nodes' logs");
        }
        if (set_latest(output, text_str(&name), e) != 0) {
            return -1;
        }
        *path = text_steal(&run);
        return 0;
    }
    return err_set(e, ERR_OUTPUT, output, "%d runs of %s began in this second", MAX_COLLISIONS, scenario);
}
