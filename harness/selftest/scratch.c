/* SPDX-License-Identifier: MIT */
/*
 * The evidence of a rehearsal is files, since files are what the measures read. The keeper makes the folder itself, so
 * that there is no instant at which a folder stands and nobody is there to remove it. It leaves our process group and
 * gives up the death signal that child_fork set: it has to outlive us. It removes what it finds, two folders deep.
 */
#include "harness/selftest/scratch.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MS 5000

/* Files of a folder, and of the folders in it while depth lasts. */
static void empty(int folder, int depth)
{
    DIR *d = fdopendir(folder);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (text_eq(entry->d_name, ".") || text_eq(entry->d_name, ".."))
            continue;
        int inner = depth > 0 ? openat(dirfd(d), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (inner >= 0)
            empty(inner, depth - 1);
        unlinkat(dirfd(d), entry->d_name, inner >= 0 ? AT_REMOVEDIR : 0);
    }
    closedir(d);
}

static _Noreturn void keep(char *path, int lifeline)
{
    char word;
    prctl(PR_SET_PDEATHSIG, 0);
    setpgid(0, 0);
    signal(SIGHUP, SIG_IGN);
    int os = mkdtemp(path) ? 0 : errno;
    if (send(lifeline, os ? strerror(os) : path, 128, MSG_NOSIGNAL) < 0 && os)
        _exit(1);
    while (recv(lifeline, &word, 1, 0) < 0 && errno == EINTR)
        continue;
    int folder = os ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder >= 0)
        empty(folder, 1);
    rmdir(path);
    _exit(0);
}

int scratch_open(struct selftest_scratch *s, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    int pair[2];
    *s = (struct selftest_scratch){.lifeline = -1, .keeper.pidfd = -1};
    bool fits = tmp && *tmp == '/' && strlen(tmp) < 80;
    snprintf(s->path, sizeof(s->path), "%.80s/drtest-selftest-XXXXXX", fits ? tmp : "/tmp");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_os(e, ERR_MACHINE, errno, "socketpair", "the self-test cannot guard its scratch folder");
    scoped_fd int ours = pair[0], theirs = pair[1];
    int side = child_fork(&s->keeper, e);
    if (side == 0) {
        fd_close(&ours);
        keep(s->path, theirs);
    }
    if (side < 0)
        return -1;
    struct pollfd p = {.fd = ours, .events = POLLIN};
    char answer[sizeof(s->path)] = "";
    fd_close(&theirs);
    if (poll(&p, 1, ANSWER_MS) != 1 || recv(ours, answer, sizeof(answer) - 1, 0) <= 0 || *answer != '/') {
        err_set(e, ERR_OUTPUT, s->path, "the self-test cannot make its scratch folder: %s", answer);
        s->lifeline = steal_fd(&ours);
        scratch_close(s);
        return -1;
    }
    memcpy(s->path, answer, sizeof(s->path));
    s->lifeline = steal_fd(&ours);
    return 0;
}

void scratch_close(struct selftest_scratch *s)
{
    fd_close(&s->lifeline);
    if (s->keeper.pid && child_wait(&s->keeper, 2 * NS_PER_S, NULL) != 0)
        child_stop(&s->keeper, 0, NULL);
    *s = (struct selftest_scratch){.lifeline = -1, .keeper.pidfd = -1};
}
