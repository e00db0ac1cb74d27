/* SPDX-License-Identifier: MIT */
/*
 * The lab's side of the tap, and the few lines that run in the child that is attached: a filter of system calls that
 * lets everything pass but what may touch a file's content, and a listener for these, sent to the tap's process.
 *
 * Order in the child: the listener is sent before the child counts itself as attached, and it can do no write before
 * its listener is in the tap's mailbox, so none of its calls waits for nobody. A child that fails half-way is not
 * counted and ends. Where the filter is in place and the program cannot be executed, its death is dealt with like any
 * other.
 */
#include "harness/lab/tap.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#else
#define OUR_ARCH 0 /* of no call: the filter tells nothing, and the trial says that the tap cannot be had */
#endif

int tap_open(struct tap **out, struct err *e)
{
    int ends[2];
    struct tap *t = xcalloc(1, sizeof(*t));
    t->send_fd = -1;
    t->page = mmap(NULL, sizeof(*t->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (t->page == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        t->page = t->page == MAP_FAILED ? NULL : t->page;
        tap_close(t);
        return err_os(e, ERR_RUN, errno, "tap", "cannot make its page and its mailbox");
    }
    t->send_fd = ends[0];
    int side = child_fork(&t->process, e);
    if (side == 0) {
        tap_live(ends[1], t->page);
    }
    fd_close(&ends[1]);
    if (side < 0) {
        tap_close(t);
        return -1;
    }
    *out = t;
    return 0;
}

void tap_close(struct tap *t)
{
    if (!t) {
        return;
    }
    if (t->process.pid != 0) {
        child_stop(&t->process, 0, NULL);
    }
    if (t->page) {
        munmap(t->page, sizeof(*t->page));
    }
    fd_close(&t->send_fd);
    free(t);
}

void tap_disk(struct tap *t, dev_t disk)
{
    t->page->disk = disk;
}

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##what)
#define TELL(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), RETURN(USER_NOTIF)

/* The descriptor on which the kernel tells of our calls from here on. */
static int filter_us(void)
{
    struct sock_filter rules[] = {
        LOAD(arch),       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
        RETURN(ALLOW),    LOAD(nr),
        TELL(read),       TELL(pread64),   TELL(readv),     TELL(preadv), TELL(preadv2),
        TELL(write),      TELL(pwrite64),  TELL(writev),    TELL(pwritev), TELL(pwritev2),
        TELL(fsync),      TELL(fdatasync), TELL(ftruncate), RETURN(ALLOW),
    };
    struct sock_fprog program = {.len = array_len(rules), .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) {
        return -1;
    }
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static bool send_listener(int to, int listener, enum tap_kind kind)
{
    struct tap_letter letter = {getpid(), kind};
    struct iovec body = {&letter, sizeof(letter)};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr m = {
        .msg_iov = &body, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(c), &listener, sizeof(listener));
    return sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(letter);
}

int tap_attach(struct tap *t, enum tap_kind kind)
{
    scoped_fd int listener = filter_us();
    if (listener < 0 || !send_listener(t->send_fd, listener, kind)) {
        return -1;
    }
    t->page->attached[kind]++;
    return 0;
}

bool tap_settled(const struct tap *t, enum tap_kind kind)
{
    return t->page->buried[kind] == t->page->attached[kind];
}

int tap_await_settled(const struct tap *t, enum tap_kind kind, int64_t bound_ns, struct err *e)
{
    int64_t until_ns = clock_mono_ns() + bound_ns;
    while (!tap_settled(t, kind)) {
        if (clock_mono_ns() > until_ns) {
            return err_set(e, ERR_RUN, "tap", "it does not end with those who died");
        }
        poll(NULL, 0, 1);
    }
    return 0;
}

/* Line "Seccomp:" of a process: 2 is filtered. */
static bool filtered(pid_t pid)
{
    char path[64], words[4096];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, words, sizeof(words) - 1);
    words[n > 0 ? n : 0] = '\0';
    return strstr(words, "\nSeccomp:\t2\n") != NULL;
}

bool tap_holds(struct tap *t, pid_t pid)
{
    return !child_dead(&t->process) && filtered(pid);
}
