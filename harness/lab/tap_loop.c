/* SPDX-License-Identifier: MIT */
/*
 * The tap's process: hears of the calls of all who are attached, and answers one after the other, as a disk with one
 * head would. A call waits in the kernel meanwhile; who is killed there dies at once, who is stopped there asks again
 * when it goes on.
 *
 * The kernel tells a call by its numbers. Which file a descriptor means we see by borrowing it (pidfd_getfd); other
 * files, sockets and pipes pass without delay. A call that is let pass is made by the kernel as if nobody had asked: we
 * never copy anybody's data, save what undo.h keeps.
 *
 * A listener hangs up when the last of those it tells of is dead and reaped. Then, if the disk is forgetful, what was
 * not synced is put back, and only after that the death counts as dealt with: nobody starts again on a disk that is
 * about to change. Calls that come through io_uring, sendfile, or a file mapped into memory are not told and pass.
 */
#include "harness/lab/tap.h"

#include "harness/base/scoped.h"
#include "harness/lab/undo.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAILBOX_FD 3
#define LISTENERS_MAX 16

struct listener {
    enum tap_kind kind;
    int fd, leader; /* leader: a pidfd of who attached, for calls of its other threads */
    struct undo undo;
};

struct desk {
    struct tap_page *page;
    struct listener at[LISTENERS_MAX];
    size_t count;
};

static void admit(struct desk *d)
{
    struct tap_letter letter;
    struct iovec body = {&letter, sizeof(letter)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr m = {
        .msg_iov = &body, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(MAILBOX_FD, &m, MSG_CMSG_CLOEXEC);
    if (n <= 0) {
        _exit(0); /* the lab is gone */
    }
    const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (n != (ssize_t)sizeof(letter) || !c || c->cmsg_type != SCM_RIGHTS) {
        return;
    }
    struct listener *l = &d->at[d->count++];
    *l = (struct listener){.kind = letter.kind, .leader = pidfd_open(letter.who, 0)};
    memcpy(&l->fd, CMSG_DATA(c), sizeof(l->fd));
}

static int borrow(const struct listener *l, pid_t thread, int fd)
{
    scoped_fd int self = pidfd_open(thread, 0); /* refused for threads that lead no process */
    return pidfd_getfd(self >= 0 ? self : l->leader, fd, 0);
}

static bool on_disk(const struct desk *d, int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == d->page->disk;
}

static void take_note(struct undo *u, int fd, const struct seccomp_data *call)
{
    switch (call->nr) {
    case SYS_write:
        undo_note(u, fd, -1, call->args[2]);
        break;
    case SYS_pwrite64:
        undo_note(u, fd, (off_t)call->args[3], call->args[2]);
        break;
    case SYS_writev:
        undo_note_rest(u, fd, -1);
        break;
    case SYS_pwritev:
    case SYS_pwritev2:
        undo_note_rest(u, fd, (off_t)call->args[3]);
        break;
    case SYS_ftruncate:
        undo_note_rest(u, fd, (off_t)call->args[1]);
        break;
    case SYS_fsync:
    case SYS_fdatasync:
        undo_synced(u, fd);
        break;
    default:
        break; /* reads */
    }
}

/* What becomes of a call: 0 it is made, else the error in its stead. */
static int decide(struct desk *d, struct listener *l, const struct seccomp_notif *q)
{
    struct tap_page *page = d->page;
    int64_t delay_ns = page->delay_ns;
    if (delay_ns == 0 && !page->failing && !page->forgetful) {
        undo_deinit(&l->undo);
        return 0;
    }
    scoped_fd int fd = borrow(l, (pid_t)q->pid, (int)q->data.args[0]);
    if (!on_disk(d, fd)) {
        return 0;
    }
    const struct timespec wait = {.tv_sec = delay_ns / 1000000000, .tv_nsec = delay_ns % 1000000000};
    nanosleep(&wait, NULL);
    if (page->failing) {
        return -EIO;
    }
    if (page->forgetful) {
        take_note(&l->undo, fd, &q->data);
    }
    return 0;
}

static void serve(struct desk *d, struct listener *l)
{
    struct seccomp_notif q = {0};
    if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, &q) != 0) {
        return; /* it died, or was interrupted, before we looked */
    }
    struct seccomp_notif_resp r = {.id = q.id, .error = decide(d, l, &q)};
    r.flags = r.error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    (void)ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void bury(struct desk *d, size_t i)
{
    struct listener *l = &d->at[i];
    if (d->page->forgetful) {
        undo_all(&l->undo);
    }
    undo_deinit(&l->undo);
    fd_close(&l->fd);
    fd_close(&l->leader);
    d->page->buried[l->kind]++;
    *l = d->at[--d->count];
}

static void turn(struct desk *d)
{
    struct pollfd p[LISTENERS_MAX + 1];
    size_t n = d->count;
    for (size_t i = 0; i < n; i++) {
        p[i] = (struct pollfd){.fd = d->at[i].fd, .events = POLLIN};
    }
    p[n] = (struct pollfd){.fd = n < LISTENERS_MAX ? MAILBOX_FD : -1, .events = POLLIN};
    if (poll(p, n + 1, -1) < 0) {
        return;
    }
    for (size_t i = n; i > 0; i--) { /* from the end: the last one takes the place of one that goes */
        if (p[i - 1].revents & POLLIN) {
            serve(d, &d->at[i - 1]);
        } else if (p[i - 1].revents) {
            bury(d, i - 1);
        }
    }
    if (p[n].revents) {
        admit(d);
    }
}

_Noreturn void tap_live(int receive_fd, struct tap_page *page)
{
    struct desk d = {.page = page};
    prctl(PR_SET_NAME, "drtest-tap", 0UL, 0UL, 0UL);
    if (dup2(receive_fd, MAILBOX_FD) != MAILBOX_FD) {
        _exit(1);
    }
    close_range(MAILBOX_FD + 1, ~0U, 0);
    for (;;) {
        turn(&d);
    }
}
