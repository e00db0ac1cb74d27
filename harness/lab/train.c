/* SPDX-License-Identifier: MIT */
/*
 * A bucket lets through at once what it holds, and the rest at its rate; netem and the wire let the first datagram
 * through and space the others. So of twice a bucket the second half is spaced by the rate whatever makes it: its bytes
 * after the first datagram, over the time between the first and the last.
 *
 * The instants of arrival are the kernel's (SO_TIMESTAMPNS): a loop that comes late to read does not matter. A sender
 * that is interrupted half-way does, since it spaces the datagrams itself. A train whose departure took more than two
 * fifths of its passage tells nothing and is counted apart: of a quicker one, on an open path, the second half is
 * faster than the rate and a quarter, wherever in it the sender was interrupted. The kernel's stamps are wall time, of
 * which only differences within a train are used; should somebody set the clock in between, the next train says
 * otherwise.
 *
 * What does not arrive makes the speed smaller, never larger; so does whoever else uses the path.
 */
#include "harness/lab/train.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define MARK 0x6472746573743032u /* "drtest02" */
#define LINK_BYTES 14
#define IP_AND_UDP_BYTES 28
#define IP_BYTES_MIN 128
#define IP_BYTES_MAX 1428
#define DATAGRAMS_WANTED 16
#define TELLING_MIN 3 /* datagrams behind the first of the second half */
#define KEPT 8
#define RECEIVE_ROOM (1 << 20)

struct coach {
    uint64_t mark, path, run, sequence;
};

struct passage {
    int64_t begun_ns; /* run time */
    int64_t speed_bps, departure_ns;
    bool held_up;
};

struct train {
    struct lab *lab;
    struct loop *loop;
    uint16_t path;
    struct train_size size;
    int send_fd, receive_fd;
    struct loop_io io;
    struct loop_timer timer;
    uint64_t run;  /* number of the one under way, or of the last */
    bool under_way;
    int64_t begun_ns, departure_ns, passage_ns; /* of it; passage at the rate in force */
    size_t arrived;
    int64_t at_ns[TRAIN_DATAGRAMS_MAX];
    struct passage kept[KEPT];
    uint64_t ended; /* runs */
};

#define train_of(ptr, member) ((struct train *)(void *)((char *)(ptr) - offsetof(struct train, member)))

static int64_t passage_ns(size_t bytes, int64_t rate_bps)
{
    return (int64_t)((double)bytes * 8 * (double)NS_PER_S / (double)rate_bps);
}

struct train_size train_size_for(int64_t rate_bps)
{
    struct train_size s = {0};
    if (rate_bps <= 0 || rate_bps > TRAIN_RATE_MAX_BPS) {
        return s;
    }
    size_t all = 2 * (size_t)shape_bucket_bytes(rate_bps), each = all / DATAGRAMS_WANTED;
    s.ip_bytes = each < IP_BYTES_MIN ? IP_BYTES_MIN : each > IP_BYTES_MAX ? IP_BYTES_MAX : each;
    s.datagrams = (all + s.ip_bytes + LINK_BYTES - 1) / (s.ip_bytes + LINK_BYTES) + 1;
    s.passage_ns = passage_ns(s.datagrams * (s.ip_bytes + LINK_BYTES), rate_bps);
    return s;
}

int64_t train_speed_bps(const int64_t *at_ns, size_t n, size_t link_bytes)
{
    size_t behind = 0;
    int64_t first_ns = -1, last_ns = -1;
    for (size_t i = n / 2; i < n; i++) {
        if (at_ns[i] < 0) {
            continue;
        }
        behind += first_ns >= 0;
        first_ns = first_ns < 0 || at_ns[i] < first_ns ? at_ns[i] : first_ns;
        last_ns = at_ns[i] > last_ns ? at_ns[i] : last_ns;
    }
    if (behind < TELLING_MIN) {
        return -1;
    }
    return last_ns == first_ns
               ? INT64_MAX
               : (int64_t)((double)(behind * link_bytes) * 8 * (double)NS_PER_S / (double)(last_ns - first_ns));
}

static int64_t tick(const struct train *t)
{
    return loop_tick(t->loop) - t->lab->zero_ns;
}

static void end_run(struct train *t)
{
    struct passage *p = &t->kept[t->ended++ % KEPT];
    *p = (struct passage){.begun_ns = t->begun_ns,
                          .speed_bps = train_speed_bps(t->at_ns, t->size.datagrams, t->size.ip_bytes + LINK_BYTES),
                          .departure_ns = t->departure_ns,
                          .held_up = t->departure_ns > t->passage_ns / 5 * 2};
    t->under_way = false;
    loop_timer_stop(&t->timer);
}

static void give_up(struct loop_timer *timer, int64_t now)
{
    (void)now;
    end_run(train_of(timer, timer));
}

/* The kernel's instant of arrival; -1: it told none. */
static int64_t arrival(struct msghdr *m)
{
    struct timespec at;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS &&
            c->cmsg_len >= CMSG_LEN(sizeof(at))) {
            memcpy(&at, CMSG_DATA(c), sizeof(at));
            return (int64_t)at.tv_sec * NS_PER_S + at.tv_nsec;
        }
    }
    return -1;
}

static void take(struct train *t, const struct coach *c, int64_t at_ns)
{
    bool ours = c->mark == MARK && c->path == t->path && c->run == t->run && c->sequence < t->size.datagrams;
    if (ours && t->under_way && at_ns >= 0 && t->at_ns[c->sequence] < 0) {
        t->at_ns[c->sequence] = at_ns;
        t->arrived++;
    }
}

static void ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct train *t = train_of(io, io);
    struct coach c;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    ssize_t n;
    do {
        struct iovec iov = {.iov_base = &c, .iov_len = sizeof(c)};
        struct msghdr m = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
        n = recvmsg(t->receive_fd, &m, MSG_DONTWAIT | MSG_TRUNC);
        if (n == (ssize_t)(t->size.ip_bytes - IP_AND_UDP_BYTES)) {
            take(t, &c, arrival(&m));
        }
    } while (n >= 0 || errno == EINTR);
    if (t->under_way && t->arrived == t->size.datagrams) {
        end_run(t);
    }
}

int train_new(struct train **out, struct lab *lab, uint16_t path, uint16_t port, int64_t rate_bps, struct err *e)
{
    static const int on = 1, room = RECEIVE_ROOM;
    struct train *t = xcalloc(1, sizeof(*t));
    *t = (struct train){.lab = lab, .loop = lab->ops->loop(lab), .path = path, .size = train_size_for(rate_bps),
                        .send_fd = -1, .receive_fd = -1, .io.ready = ready, .timer.due = give_up};
    if (t->size.datagrams == 0 || t->size.datagrams > TRAIN_DATAGRAMS_MAX) {
        free(t);
        return err_set(e, ERR_DEFECT, "train", "no train shows a rate of %lld bit/s", (long long)rate_bps);
    }
    if (lab->ops->path_sockets(lab, path, port, &t->send_fd, &t->receive_fd, e) != 0 ||
        loop_io_set(t->loop, &t->io, t->receive_fd, EPOLLIN, e) != 0) {
        train_free(t);
        return -1;
    }
    (void)setsockopt(t->receive_fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)); /* too little shows as loss */
    if (setsockopt(t->receive_fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0) {
        err_os(e, ERR_MACHINE, errno, "train", "the kernel does not say when a datagram came");
        train_free(t);
        return -1;
    }
    *out = t;
    return 0;
}

void train_free(struct train *t)
{
    if (!t) {
        return;
    }
    loop_io_stop(&t->io);
    loop_timer_stop(&t->timer);
    fd_close(&t->send_fd);
    fd_close(&t->receive_fd);
    free(t);
}

static void depart(struct train *t)
{
    struct {
        struct coach c;
        unsigned char padding[IP_BYTES_MAX];
    } out = {.c = {.mark = MARK, .path = t->path, .run = t->run}};
    for (size_t i = 0; i < t->size.datagrams; i++) {
        out.c.sequence = i;
        t->at_ns[i] = -1;
        ssize_t n = send(t->send_fd, &out, t->size.ip_bytes - IP_AND_UDP_BYTES, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)n; /* not sent is not arrived */
    }
}

void train_run(struct train *t, int64_t rate_bps, int64_t way_ns)
{
    if (t->under_way) {
        return;
    }
    t->run++;
    t->under_way = true;
    t->arrived = 0;
    t->begun_ns = tick(t);
    depart(t);
    int64_t now = tick(t);
    t->departure_ns = now - t->begun_ns;
    t->passage_ns = passage_ns(t->size.datagrams * (t->size.ip_bytes + LINK_BYTES), rate_bps);
    loop_timer_set(t->loop, &t->timer, now + t->lab->zero_ns + way_ns + 2 * t->passage_ns);
}

static int64_t median(int64_t *speeds, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        for (unsigned k = i; k > 0 && speeds[k] < speeds[k - 1]; k--) {
            int64_t other = speeds[k];
            speeds[k] = speeds[k - 1];
            speeds[k - 1] = other;
        }
    }
    return n > 0 ? speeds[n / 2] : 0;
}

struct train_view train_look(const struct train *t, int64_t since_ns, unsigned judged)
{
    struct train_view v = {.under_way = t->under_way};
    int64_t speeds[KEPT];
    unsigned n = 0;
    for (uint64_t i = 0; i < KEPT && i < t->ended; i++) { /* the newest first */
        const struct passage *p = &t->kept[(t->ended - 1 - i) % KEPT];
        if (p->begun_ns < since_ns) {
            break;
        }
        v.held_up += p->held_up;
        v.departure_ns = i == 0 ? p->departure_ns : v.departure_ns;
        if (!p->held_up && p->speed_bps >= 0) {
            v.passed++;
            if (n < judged) {
                speeds[n++] = p->speed_bps;
            }
        }
    }
    v.speed_bps = median(speeds, n);
    return v;
}
