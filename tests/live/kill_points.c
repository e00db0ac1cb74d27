/* SPDX-License-Identifier: MIT */
/*
 * kill_points DRTEST SCENARIO [short] [rootless]
 *
 * A drill with six faults is run to its end once, to learn its steps. Then it is run again and again and ended at a
 * chosen moment: by SIGKILL at every line that begins or ends a step, in the middle of every apply, proof and heal, and
 * while the lab is built; by SIGTERM and SIGINT at some of them; by a disk that is full. Each time: the host is as it
 * was, no process is left, nothing lies outside of the run directories, the timeline is whole up to its last whole
 * line, and, since the next run comes to its moment, the next run works at once.
 *
 * Two processes: what a run orphans becomes a child of the inner one, a subreaper, so that nothing gets away unseen.
 */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/lab/residue.h"
#include "tests/live/kill_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTLE_NS (5 * NS_PER_S)
#define ABORT_BOUND_NS (60 * NS_PER_S)

enum { LINES_MAX = 2000, SKIPPED = 77 };


static const char *drtest, *scenario;
static struct residue *residue;
static struct event_line steps[LINES_MAX]; /* of the drill that was let alone */
static int step_count;
static int failures;
static double slowest_clean_ms, slowest_abort_s;

static void fail(const struct point *p, const char *what, const char *detail)
{
    printf("FAILED: signal %d at %s + %.1f ms: %s%s\n", p->signal, p->moment.line, (double)p->moment.after_ns / 1e6,
           what, detail);
    failures++;
}

/* What must be so afterwards, whatever ended the run. */

static void host_is_clean(const struct point *p)
{
    char found[4096] = "";
    struct err e = {0};
    int64_t begun = clock_mono_ns();
    do {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (residue_look(residue, found, sizeof(found), &e) < 0) {
            fail(p, "the audit failed: ", e.msg);
            return;
        }
    } while (found[0] && clock_mono_ns() - begun < SETTLE_NS && poll(NULL, 0, 5) == 0);
    double ms = (double)(clock_mono_ns() - begun) / 1e6;
    slowest_clean_ms = ms > slowest_clean_ms ? ms : slowest_clean_ms;
    if (found[0]) {
        fail(p, "left: ", found);
    }
}

static void folder_holds_only(const struct point *p, const char *folder, const char *const *names)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
        bool fine = d->d_name[0] == '.';
        for (size_t i = 0; !fine && names[i]; i++) {
            fine = text_starts(d->d_name, names[i]);
        }
        if (!fine) {
            fail(p, "outside of the run directory: ", d->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static void nothing_lies_around(const struct point *p)
{
    static const char *const here[] = {"runs", "tmp", "cache", "config", "log", "small", NULL};
    static const char *const runs[] = {"six-faults-", "latest", "history.jsonl", NULL}, *const none[] = {NULL};
    folder_holds_only(p, ".", here);
    folder_holds_only(p, "runs", runs);
    folder_holds_only(p, "tmp", none);
}

static void timeline_is_readable(const struct point *p, const char *run_path)
{
    static struct event_line lines[LINES_MAX];
    struct evidence *ev = NULL;
    struct err e = {0};
    int n = timeline_lines(run_path, lines, LINES_MAX);
    if (n < 0) {
        fail(p, "a line of the timeline is no event in ", run_path);
    } else if (n > 0 && evidence_load(&ev, run_path, &e) < 0) {
        fail(p, "the evidence cannot be read: ", e.msg);
    } else if (n > 0 && ev->event_count != (size_t)n) {
        fail(p, "lines of the timeline are not read in ", run_path);
    }
    evidence_free(ev);
}

static void clean_says_so(const struct point *p, const char *run_path)
{
    const char *const argv[] = {drtest, "clean", run_path, NULL};
    struct child c;
    scoped_fd int log = open("log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (child_exec(&c, argv, NULL, log, NULL, NULL, NULL) < 0 || child_wait(&c, 10 * NS_PER_S, NULL) != 0 ||
        c.status != 0) {
        fail(p, "drtest clean finds something wrong with ", run_path);
    }
}

/* A run that was told to stop: healed, judged, reported. */
static void aborted_well(const struct point *p, const char *run_path, int status)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/result.json", run_path);
    scoped_json json_t *result = json_load_file(path, 0, NULL), *run = json_incref(json_object_get(result, "run"));
    json_t *abort_s = json_object_get(run, "abort_s"), *fault;
    size_t i;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 128 + p->signal) {
        fail(p, "another exit code", "");
    }
    if (!json_is_number(abort_s) || text_eq(json_string_value(json_object_get(run, "status")), "completed")) {
        fail(p, "no stopped run with the time of its abort in ", path);
    }
    json_array_foreach(json_object_get(result, "faults"), i, fault)
    {
        if (!json_is_null(json_object_get(fault, "t_ie_s")) && !json_is_number(json_object_get(fault, "t_he_s"))) {
            fail(p, "a fault was not healed in ", path);
        }
    }
    double s = json_number_value(abort_s);
    slowest_abort_s = s > slowest_abort_s ? s : slowest_abort_s;
    if (s > 10) {
        fail(p, "healing took more than ten seconds in ", path);
    }
}

/* A run that was told twice: it left at once, and said how to see that nothing is left. */
static void left_at_once(const struct point *p, int status)
{
    scoped_text struct text said = {0};
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 128 + p->signal) {
        fail(p, "another exit code", "");
    }
    if (text_read_file(&said, "log", 1 << 20, NULL) < 0 || !strstr(text_str(&said), "drtest clean runs/six-faults-")) {
        fail(p, "no word of `drtest clean`:\n", text_str(&said));
    }
}

/* One point. */

static void strike(const struct point *p)
{
    struct flight f;
    if (flight_start(&f, drtest, scenario, "runs", "log") < 0 || !flight_await(&f, &p->moment)) {
        fail(p, "the run did not come to this moment; see ", f.run_path);
        child_stop(&f.runner, 0, NULL);
        return;
    }
    child_signal(&f.runner, p->signal, NULL);
    if (p->twice && poll(NULL, 0, 100) == 0) {
        child_signal(&f.runner, p->signal, NULL);
    }
    int status = flight_end(&f, ABORT_BOUND_NS);
    if (status == -1) {
        fail(p, "the program does not end", "");
        child_stop(&f.runner, 0, NULL);
    }
    if (p->twice) {
        left_at_once(p, status);
    }
    host_is_clean(p);
    nothing_lies_around(p);
    if (f.run_path[0]) {
        timeline_is_readable(p, f.run_path);
        clean_says_so(p, f.run_path);
    }
    if (p->signal != SIGKILL && !p->twice && f.run_path[0]) {
        aborted_well(p, f.run_path, status);
    }
}

/* A folder of its own for runs, of a size, in mounts that nobody else sees. */
static bool mount_small(const char *options)
{
    char uid[32], gid[32];
    snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
    snprintf(gid, sizeof(gid), "0 %u 1", getegid());
    bool own = geteuid() != 0;
    if (unshare(CLONE_NEWNS | (own ? CLONE_NEWUSER : 0)) != 0) {
        return false;
    }
    const char *const maps[3][2] = {
        {"/proc/self/setgroups", "deny"}, {"/proc/self/uid_map", uid}, {"/proc/self/gid_map", gid}};
    for (size_t i = 0; own && i < array_len(maps); i++) {
        scoped_fd int fd = open(maps[i][0], O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, maps[i][1], strlen(maps[i][1])) < 0) {
            return false;
        }
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("small", "small", "tmpfs", 0, options) == 0;
}

static void fill(void)
{
    static const char block[4096];
    scoped_fd int fd = open("small/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (fd >= 0 && write(fd, block, sizeof(block)) > 0) {
    }
}

static _Noreturn void run_on_small_disk(const struct point *p)
{
    struct flight f;
    failures = 0;
    if (!mount_small("size=256m")) {
        _exit(SKIPPED);
    }
    if (flight_start(&f, drtest, scenario, "small", "log") < 0 || !flight_await(&f, &p->moment)) {
        fail(p, "the run did not come to this moment; see ", f.run_path);
        _exit(1);
    }
    fill();
    int status = flight_end(&f, ABORT_BOUND_NS);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 4) {
        fail(p, "the exit code is not 4", "");
    }
    scoped_text struct text said = {0};
    if (text_read_file(&said, "log", 1 << 20, NULL) < 0 || !strstr(text_str(&said), "INCONCLUSIVE") ||
        !strstr(text_str(&said), "No space left on device") || !strstr(text_str(&said), "lab_down")) {
        fail(p, "another ending than inconclusive for want of space:\n", text_str(&said));
    }
    _exit(failures != 0);
}

static void fill_disk(const struct point *p)
{
    struct child c;
    fflush(stdout);
    int side = child_fork(&c, NULL);
    if (side == 0) {
        run_on_small_disk(p);
    }
    if (side < 0 || child_wait(&c, 2 * ABORT_BOUND_NS, NULL) != 0 || !WIFEXITED(c.status)) {
        fail(p, "the run on the full disk does not end", "");
        child_stop(&c, 0, NULL);
    } else if (WEXITSTATUS(c.status) == SKIPPED) {
        printf("       no mount may be made here\n");
    } else {
        failures += WEXITSTATUS(c.status);
    }
    host_is_clean(p);
    nothing_lies_around(p);
}

static bool learn_steps(void)
{
    struct flight f;
    const struct moment end = {.line = "end"};
    bool ended = flight_start(&f, drtest, scenario, "runs", "log") == 0 && flight_await(&f, &end) &&
                 flight_end(&f, ABORT_BOUND_NS) >= 0;
    step_count = ended ? timeline_lines(f.run_path, steps, LINES_MAX) : 0;
    return step_count > 0;
}

static int all(bool few)
{
    const struct point none = {.moment.line = "the drill that is let alone"};
    char left[1024];
    struct err e = {0};
    prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (residue_begin(&residue, "runs", left, sizeof(left), &e) < 0 || left[0] || !learn_steps()) {
        printf("FAILED: cannot begin: %s%s\n", e.msg, left);
        return 1;
    }
    host_is_clean(&none);
    static struct point points[POINTS_MAX];
    int point_count = few ? few_points(points) : all_points(points, steps, step_count);
    for (int i = 0; i < point_count; i++) {
        const struct point *p = &points[i];
        int64_t begun = clock_mono_ns();
        if (p->signal) {
            strike(p);
        } else {
            fill_disk(p);
        }
        printf("%3d %-11s%-6s%-26s %+8.2f ms  (%.1f s)\n", i + 1, p->signal ? strsignal(p->signal) : "disk full",
               p->twice ? "twice" : "",
               p->moment.line[0] ? p->moment.line : "start", (double)p->moment.after_ns / 1e6,
               (double)(clock_mono_ns() - begun) / 1e9);
    }
    residue_end(residue);
    printf("%d points, %d failures; clean after %.0f ms at most, healed after %.3f s at most\n", point_count, failures,
           slowest_clean_ms, slowest_abort_s);
    return failures != 0;
}

/* The stage: a scratch folder, an environment of our own, perhaps another user. */

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static bool set_stage(const char *folder, bool rootless)
{
    static const char *const folders[] = {"runs", "tmp", "cache", "config", "small"};
    bool fine = chdir(folder) == 0;
    for (size_t i = 0; i < array_len(folders); i++) {
        fine = fine && mkdir(folders[i], 0755) == 0 && (!rootless || chown(folders[i], 65534, 65534) == 0);
    }
    if (rootless) {
        fine = fine && chown(folder, 65534, 65534) == 0 && setgroups(0, NULL) == 0 && setgid(65534) == 0 &&
               setuid(65534) == 0;
    }
    char path[3][128];
    snprintf(path[0], sizeof(path[0]), "%s/tmp", folder);
    snprintf(path[1], sizeof(path[1]), "%s/cache", folder);
    snprintf(path[2], sizeof(path[2]), "%s/config", folder);
    return fine && setenv("TMPDIR", path[0], 1) == 0 && setenv("XDG_CACHE_HOME", path[1], 1) == 0 &&
           setenv("XDG_CONFIG_HOME", path[2], 1) == 0 && setenv("CI", "1", 1) == 0;
}

static bool asked_for(char **argv, const char *word)
{
    for (; *argv; argv++) {
        if (text_eq(*argv, word)) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    char folder[64] = "/tmp/drtest-kill-XXXXXX";
    struct child c;
    if (argc < 3) {
        fprintf(stderr, "usage: kill_points DRTEST SCENARIO [short] [rootless]\n");
        return 2;
    }
    drtest = argv[1];
    scenario = argv[2];
    bool rootless = asked_for(argv, "rootless") && geteuid() == 0;
    const char *const doctor[] = {drtest, "doctor", NULL};
    scoped_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (child_exec(&c, doctor, NULL, null, NULL, NULL, NULL) == 0 && child_wait(&c, 60 * NS_PER_S, NULL) == 0 &&
        c.status != 0) {
        printf("skipped: this machine cannot run drills\n");
        return SKIPPED;
    }
    if (!mkdtemp(folder)) {
        return 1;
    }
    int side = child_fork(&c, NULL);
    if (side == 0) {
        int code = set_stage(folder, rootless) ? all(asked_for(argv, "short")) : 1;
        fflush(stdout);
        _exit(code);
    }
    bool passed =
        side > 0 && child_wait(&c, 3600 * NS_PER_S, NULL) == 0 && WIFEXITED(c.status) && WEXITSTATUS(c.status) == 0;
    if (passed) {
        nftw(folder, discard, 16, FTW_DEPTH | FTW_PHYS);
    } else {
        printf("its runs are in %s\n", folder);
    }
    return !passed;
}
