/* SPDX-License-Identifier: MIT */
/*
 * The answerer's process: a packet socket in each router that it was told of, and the orders, one per path.
 *
 * A packet socket sees what comes in before routing decides, hence before the rule drops it; so we see exactly the
 * packets that the rule is about to drop, as long as we look at those of the order only. A classic BPF filter on each
 * socket lets through what is for the networks of its orders, and nothing while there are none: a run that rejects
 * nothing at the moment pays next to nothing for us.
 *
 * The lab adds the rule before it gives the order, and takes the order back before it deletes the rule. Taking back:
 * the new filter is set, what still waits in the socket (dropped all of it, the rule being there yet) is answered as
 * the old order says, then the new order counts and the lab is told. From there on no packet that the kernel forwards
 * can be answered, and no healthy connection reset.
 *
 * Answers leave by the device that the packet came in by, towards the sender. They do not cross the link.
 */
#include "harness/lab/answerer_private.h"

#include "harness/base/arena.h"
#include "harness/base/loop.h"
#include "harness/base/scoped.h"
#include "harness/base/vec.h"
#include "harness/lab/gate.h"
#include "harness/lab/reject_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3 /* behind the standard ones */
#define TURN_PACKETS 256
#define DRAIN_PACKETS 100000
#define NETWORKS_MAX 200 /* of one router: jumps of a filter reach 255 */
#define RECEIVE_BYTES (4 << 20)
#define NETWORK 0xffff0000u

struct standing {
    struct answerer_order order;
    uint64_t answered;
};

struct post {
    struct loop_io io; /* first */
    struct live *live;
    int fd; /* -1: none in this site */
};

struct live {
    struct loop *loop;
    struct loop_io control_io;
    int control_fd;
    struct post *posts; /* by site */
    size_t site_count;
    vec_of(struct standing) standing; /* by path, in the order of the first order for it */
    bool stop;
};

static struct standing *standing_of(struct live *l, uint16_t path)
{
    for (size_t i = 0; i < l->standing.len; i++) {
        if (l->standing.at[i].order.path == path) {
            return &l->standing.at[i];
        }
    }
    struct standing *s = vec_push(&l->standing);
    s->order.path = path;
    return s;
}

static struct standing *standing_for(struct live *l, size_t site, uint32_t to)
{
    for (size_t i = 0; i < l->standing.len; i++) {
        struct standing *s = &l->standing.at[i];
        if (s->order.gate_count > 0 && s->order.site == site && s->order.to == (to & NETWORK)) {
            return s;
        }
    }
    return NULL;
}

static void answer(struct post *p, const unsigned char *frame, size_t len, int device)
{
    struct reject_view v;
    unsigned char out[REJECT_BYTES];
    struct live *l = p->live;
    struct standing *s = reject_read(frame, len, &v) ? standing_for(l, (size_t)(p - l->posts), v.to) : NULL;
    const struct path_gate *gate = s ? gate_met(s->order.gates, s->order.gate_count, v.from_port, v.to_port) : NULL;
    size_t n = gate ? reject_answer(frame, len, gate->way, out) : 0;
    const struct sockaddr_ll back = {.sll_family = AF_PACKET, .sll_ifindex = device};
    if (n > 0 && sendto(p->fd, out, n, MSG_DONTWAIT, (const struct sockaddr *)&back, sizeof(back)) == (ssize_t)n) {
        s->answered++;
    }
}

static void take(struct post *p, int most)
{
    for (int i = 0; i < most; i++) {
        unsigned char frame[2048];
        struct sockaddr_ll from = {0};
        socklen_t from_len = sizeof(from);
        ssize_t n = recvfrom(p->fd, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
        if (n <= 0) {
            return;
        }
        answer(p, frame, (size_t)n, from.sll_ifindex);
    }
}

static void packets_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    take((struct post *)(void *)io, TURN_PACKETS);
}

/* Lets through what is for one of the networks, n of them, at most NETWORKS_MAX. */
static int set_filter(int fd, const uint32_t *networks, size_t n)
{
    struct sock_filter code[NETWORKS_MAX + 5];
    size_t at = 0;
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ETH_HLEN + 16);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, NETWORK);
    for (size_t i = 0; i < n; i++) {
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, networks[i], (uint8_t)(n - i), 0);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
    const struct sock_fprog program = {.len = (unsigned short)at, .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* The filter of a router, as if the order given were in force. */
static int refilter(struct live *l, const struct answerer_order *next)
{
    uint32_t networks[NETWORKS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < l->standing.len; i++) {
        const struct answerer_order *o = &l->standing.at[i].order;
        bool counts = o->path == next->path ? next->gate_count > 0 : o->gate_count > 0 && o->site == next->site;
        if (counts && n < NETWORKS_MAX) {
            networks[n++] = o->path == next->path ? next->to : o->to;
        }
    }
    return set_filter(l->posts[next->site].fd, networks, n);
}

static bool sensible(const struct live *l, const struct answerer_order *o)
{
    return o->site < l->site_count && l->posts[o->site].fd >= 0 && o->gate_count <= PATH_GATES_MAX;
}

static void obey(struct live *l, const struct answerer_ask *q, struct answerer_answer *a)
{
    struct standing *s = standing_of(l, q->order.path);
    if (q->set && (!sensible(l, &q->order) || refilter(l, &q->order) != 0)) {
        err_set(&a->head.failed, ERR_RUN, "answerer", "an order for path %u cannot be carried out", q->order.path);
        return;
    }
    if (q->set) {
        take(&l->posts[q->order.site], DRAIN_PACKETS);
        s->order = q->order;
    }
    a->order = s->order;
    a->answered = s->answered;
    a->head.right = true;
}

static void asked(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct live *l = (struct live *)(void *)((char *)io - offsetof(struct live, control_io));
    struct answerer_ask q;
    struct answerer_answer a = {0};
    ssize_t n = recv(io->fd, &q, sizeof(q), MSG_DONTWAIT);
    if (n == (ssize_t)sizeof(q)) {
        obey(l, &q, &a);
        n = send(io->fd, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (n <= 0) { /* the lab has gone */
        loop_io_stop(io);
        l->stop = true;
    }
}

/* A socket that hears what comes in by any device of a router, deaf until the first order. */
static int listen_in(int netns_fd, struct err *e)
{
    const int one = 1, room = RECEIVE_BYTES;
    const struct sockaddr_ll every = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    if (setns(netns_fd, CLONE_NEWNET) != 0) {
        return err_os(e, ERR_RUN, errno, "answerer", "cannot enter a router");
    }
    scoped_fd int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || set_filter(fd, NULL, 0) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
        bind(fd, (const struct sockaddr *)&every, sizeof(every)) != 0) {
        return err_os(e, ERR_MACHINE, errno, "answerer", "cannot make a packet socket in a router");
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)); /* as much as an ordinary user may have */
    }
    return steal_fd(&fd);
}

static int post_all(struct live *l, const struct answerer_options *o, struct err *e)
{
    l->posts = xcalloc(o->site_count, sizeof(*l->posts));
    l->site_count = o->site_count;
    for (size_t i = 0; i < o->site_count; i++) {
        struct post *p = &l->posts[i];
        *p = (struct post){.io.ready = packets_ready, .live = l, .fd = -1};
        if (o->routers[i] >= 0 && (p->fd = listen_in(o->routers[i], e)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Everything but our own sockets is closed: namespaces and nodes must not live longer because a copy of us holds on to
 * them. */
static void let_go(const struct live *l)
{
    scoped_free int *keep = xcalloc(l->site_count + 1, sizeof(*keep));
    size_t n = 0;
    unsigned first = FIRST_FD;
    keep[n++] = l->control_fd;
    for (size_t i = 0; i < l->site_count; i++) {
        if (l->posts[i].fd >= 0) {
            keep[n++] = l->posts[i].fd;
        }
    }
    qsort(keep, n, sizeof(*keep), by_number);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned)keep[i] > first) {
            close_range(first, (unsigned)keep[i] - 1, 0);
        }
        first = (unsigned)keep[i] + 1;
    }
    close_range(first, ~0U, 0);
}

static int begin(struct live *l, const struct answerer_options *o, struct err *e)
{
    l->control_io.ready = asked;
    if (post_all(l, o, e) != 0) {
        return -1;
    }
    let_go(l);
    l->loop = loop_new(e);
    if (!l->loop || loop_io_set(l->loop, &l->control_io, l->control_fd, EPOLLIN, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < l->site_count; i++) {
        struct post *p = &l->posts[i];
        if (p->fd >= 0 && loop_io_set(l->loop, &p->io, p->fd, EPOLLIN, e) != 0) {
            return -1;
        }
    }
    return 0;
}

void answerer_live(int control_fd, const struct answerer_options *o)
{
    struct live l = {.control_fd = control_fd};
    struct answerer_answer hello = {0};
    prctl(PR_SET_NAME, "drtest-answer", 0UL, 0UL, 0UL);
    hello.head.right = begin(&l, o, &hello.head.failed) == 0;
    bool told = send(control_fd, &hello, sizeof(hello), MSG_NOSIGNAL) == (ssize_t)sizeof(hello);
    if (told && hello.head.right) {
        loop_run(l.loop, INT64_MAX, &l.stop, NULL);
    }
    _exit(told && hello.head.right ? 0 : 1);
}
