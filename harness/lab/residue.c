/* SPDX-License-Identifier: MIT */
/*
 * Method: a child over two pipes. Its first answer is what it found at the beginning; after that it answers each byte
 * with what differs by now, and goes when the asking end is closed or its parent dies. It has closed all other
 * descriptors, so that it keeps nothing of the run alive, and turns a deaf ear to the signals of a terminal.
 *
 * An answer is a length and so much text; a negative one says that the look failed, and the text why.
 */
#include "harness/lab/residue.h"

#include "harness/base/arena.h"
#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/cgroup.h"
#include "harness/lab/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ANSWER_BOUND_NS (5 * NS_PER_S)
#define FOUND_MAX 16384

struct residue {
    struct child watcher;
    int ask_fd, answer_fd;
};

static bool answer(int fd, bool failed, const char *text)
{
    size_t all = strlen(text);
    int32_t len = (int32_t)(all < FOUND_MAX ? all : FOUND_MAX), head = failed ? -len - 1 : len;
    return write(fd, &head, sizeof(head)) == (ssize_t)sizeof(head) && write(fd, text, (size_t)len) == len;
}

static bool answer_difference(int fd, const struct host_scope *scope, const struct host *before)
{
    struct host now = {0};
    struct err e = {0};
    scoped_text struct text found = {0};
    int rc = host_look(&now, scope, &e);
    host_differ(before, &now, &found);
    host_deinit(&now);
    return answer(fd, rc != 0, rc != 0 ? e.msg : text_str(&found));
}

static void keep_only(int a, int b)
{
    int low = a < b ? a : b, high = a < b ? b : a;
    close_range(3, (unsigned)low - 1, 0);
    close_range((unsigned)low + 1, (unsigned)high - 1, 0);
    close_range((unsigned)high + 1, ~0U, 0);
}

static _Noreturn void watch(int ask_fd, int answer_fd, pid_t root, const char *run_path)
{
    static const int deaf[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    scoped_text struct text folder = {0}, disk = {0}, left = {0};
    char real[PATH_MAX];
    struct host before = {0};
    struct err e = {0};
    char byte;
    prctl(PR_SET_NAME, "drtest-audit", 0UL, 0UL, 0UL);
    keep_only(ask_fd, answer_fd);
    for (size_t i = 0; i < array_len(deaf); i++) {
        signal(deaf[i], SIG_IGN);
    }
    text_addf(&folder, "%s/lab/", run_path);
    text_addf(&disk, "%s/lab", realpath(run_path, real) ? real : run_path);
    struct cgroups groups;
    cgroup_find(&groups, run_path, false);
    const struct host_scope scope = {
        .root = root, .self = getpid(), .folder = text_str(&folder), .disk = text_str(&disk), .groups = groups.name};
    bool failed = host_look(&before, &scope, &e) != 0;
    host_differ(&before, &before, &left);
    bool heard = answer(answer_fd, failed, failed ? e.msg : text_str(&left));
    while (heard && !failed && read(ask_fd, &byte, 1) == 1) {
        heard = answer_difference(answer_fd, &scope, &before);
    }
    _exit(0);
}

static bool read_fully(int fd, void *to, size_t len, int64_t until_ns)
{
    char *at = to;
    while (len > 0) {
        int64_t left_ns = until_ns - clock_mono_ns();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = left_ns > 0 ? poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1) : 0;
        ssize_t n = ready > 0 ? read(fd, at, len) : -1;
        if (n == 0 || (n < 0 && (ready == 0 || errno != EINTR))) {
            return false;
        }
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static int hear(struct residue *r, char *found, size_t len, struct err *e)
{
    int64_t until_ns = clock_mono_ns() + ANSWER_BOUND_NS;
    int32_t head = 0;
    scoped_free char *text = xcalloc(1, FOUND_MAX + 1);
    if (!read_fully(r->answer_fd, &head, sizeof(head), until_ns) || head < -FOUND_MAX - 1 || head > FOUND_MAX ||
        !read_fully(r->answer_fd, text, head < 0 ? (size_t)(-head - 1) : (size_t)head, until_ns)) {
        return err_set(e, ERR_RUN, "audit", "the process that looks at the host did not answer");
    }
    snprintf(found, len, "%s", head < 0 ? "" : text);
    return head < 0 ? err_set(e, ERR_RUN, "audit", "cannot look at the host: %s", text) : 0;
}

int residue_begin(struct residue **out, const char *run_path, char *left, size_t len, struct err *e)
{
    int ask[2], answers[2] = {-1, -1};
    pid_t root = getppid();
    if (pipe2(ask, O_CLOEXEC) != 0) {
        return err_os(e, ERR_RUN, errno, "audit", "cannot make a pipe");
    }
    struct residue *r = xcalloc(1, sizeof(*r));
    int side = pipe2(answers, O_CLOEXEC) != 0 ? err_os(e, ERR_RUN, errno, "audit", "cannot make a pipe")
                                              : child_fork(&r->watcher, e);
    if (side == 0) {
        watch(ask[0], answers[1], root, run_path);
    }
    fd_close(&ask[0]);
    fd_close(&answers[1]);
    r->ask_fd = ask[1];
    r->answer_fd = answers[0];
    if (side < 0 || hear(r, left, len, e) != 0) {
        residue_end(r);
        return -1;
    }
    *out = r;
    return 0;
}

int residue_look(struct residue *r, char *found, size_t len, struct err *e)
{
    if (write(r->ask_fd, "?", 1) != 1) {
        return err_os(e, ERR_RUN, errno, "audit", "cannot ask the process that looks at the host");
    }
    return hear(r, found, len, e);
}

void residue_end(struct residue *r)
{
    if (!r) {
        return;
    }
    fd_close(&r->ask_fd);
    fd_close(&r->answer_fd);
    if (r->watcher.pid) {
        child_stop(&r->watcher, 0, NULL);
    }
    free(r);
}
