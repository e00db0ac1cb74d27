/* SPDX-License-Identifier: MIT */
/*
 * What this binary is, where its sibling is, where a run is.
 *
 * DRTEST_GATEWAY is an order: when it is set and wrong that is an error, not a reason to look elsewhere.
 */
#include "harness/cli/tool.h"

#include "drtest_version.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SELF "/proc/self/exe"

const struct tool_facts *tool_facts(void)
{
    static struct tool_facts facts = {
        .version = DRTEST_VERSION, .commit = DRTEST_COMMIT, .build_flags = DRTEST_BUILD_TYPE " " DRTEST_BUILD_FLAGS};
    if (!facts.sha256[0] && sha256_file(SELF, facts.sha256, NULL) < 0) {
        facts.sha256[0] = '\0';
    }
    return &facts;
}

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Put folder/drgateway into path; false (and path as before) when there is no such program. */
static bool try_folder(struct text *path, const char *folder, size_t len)
{
    size_t before = path->len;
    text_add_bytes(path, folder, len);
    text_add(path, "/drgateway");
    if (is_program(text_str(path))) {
        return true;
    }
    path->len = before;
    path->at[before] = '\0';
    return false;
}

int tool_find_gateway(struct text *path, struct err *e)
{
    const char *ordered = getenv("DRTEST_GATEWAY");
    if (ordered && *ordered) {
        if (!is_program(ordered)) {
            err_set(e, ERR_MACHINE, ordered, "DRTEST_GATEWAY names no program that can be run");
            return err_help(e, "let it name drgateway, or unset it");
        }
        text_add(path, ordered);
        return 0;
    }
    char self[4096];
    ssize_t n = readlink(SELF, self, sizeof(self) - 1);
    if (n > 0) {
        self[n] = '\0';
        const char *slash = strrchr(self, '/');
        if (slash && try_folder(path, self, (size_t)(slash - self))) {
            return 0;
        }
    }
    for (const char *p = getenv("PATH"); p && *p;) {
        size_t len = strcspn(p, ":");
        if (len > 0 && try_folder(path, p, len)) {
            return 0;
        }
        p += len + (p[len] == ':');
    }
    err_set(e, ERR_MACHINE, "drgateway", "the reference gateway was found neither beside drtest nor on PATH");
    return err_help(e, "build the target drgateway, or set DRTEST_GATEWAY to its path");
}

static bool holds(const char *path, const char *file)
{
    scoped_text struct text t = {0};
    text_addf(&t, "%s/%s", path, file);
    return access(text_str(&t), F_OK) == 0;
}

/* A run whose timeline was taken away is a run still: that is for those to tell who look for it. */
static bool is_run(const char *path)
{
    return holds(path, "timeline.jsonl") || (holds(path, "plan.yaml") && holds(path, "manifest.sha256"));
}

/* A folder that may not be looked into is no reason to say that it is not there. */
static int no_such_run(const char *run, const char *below, const char *output, struct err *e)
{
    struct stat st;
    const char *path = stat(run, &st) == 0 ? run : below;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, X_OK) < 0) {
        return err_os(e, ERR_READING, errno, path, "cannot look into the folder");
    }
    err_set(e, ERR_READING, run, "no such run: neither a run directory nor one below %s", output);
    return err_help(e, "give a run directory, the name of a folder in %s, or latest (--output moves %s)", output,
                    output);
}

int tool_find_run(struct text *path, const char *output, const char *run, struct err *e)
{
    if (is_run(run)) {
        text_add(path, run);
        return 0;
    }
    scoped_text struct text below = {0};
    text_addf(&below, "%s/%s", output, run);
    if (!is_run(text_str(&below))) {
        return no_such_run(run, text_str(&below), output, e);
    }
    /* latest becomes the run it stands for, so that reports name the run. */
    char target[512];
    ssize_t n = text_eq(run, "latest") ? readlink(text_str(&below), target, sizeof(target) - 1) : -1;
    if (n > 0 && target[0] != '/') {
        target[n] = '\0';
        text_addf(path, "%s/%s", output, target);
    } else {
        text_add(path, text_str(&below));
    }
    return 0;
}
