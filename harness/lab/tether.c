/* SPDX-License-Identifier: MIT */
/*
 * Three watches: the listener, the calling end and the accepted end of the standing connection, and one more for a
 * trial.
 *
 * Which of the accepted is the standing one's other end is told by its port; all others are trials and closed at once.
 * A connect that is not done within a second is given up and tried anew, so that after a fault nobody waits for a
 * retransmission that has backed off. Whatever goes wrong at either end, end of file included, means "broken": both
 * ends are closed and, a twentieth of a second later, made again.
 *
 * What is read comes from our own end, unless the world is worse than thought: only whole messages with an instant that
 * lies in the past count.
 */
#include "harness/lab/tether.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BEAT_NS (50 * NS_PER_MS)
#define CONNECT_BOUND_NS (1 * NS_PER_S)

/* A connect under way, or what came of it. */
struct call {
    int fd;
    struct loop_io io;
    struct loop_timer bound;
    int64_t begun_ns;
};

struct tether {
    struct lab *lab;
    struct loop *loop;
    uint16_t from, to;
    struct sockaddr_in at; /* of the listener */
    uint16_t port;         /* of the standing connection's calling end, network order */
    int listen_fd, far_fd; /* far: the accepted end */
    struct loop_io listen_io, far_io;
    struct call near, trial;
    struct loop_timer beat;
    size_t partial; /* bytes of a message that has come in part */
    unsigned char message[sizeof(int64_t)];
    struct tether_view view;
};

#define tether_of(ptr, member) ((struct tether *)(void *)((char *)(ptr) - offsetof(struct tether, member)))

static int64_t run_now(const struct tether *t)
{
    return loop_now(t->loop) - t->lab->zero_ns;
}

static void call_end(struct call *c)
{
    loop_io_stop(&c->io);
    loop_timer_stop(&c->bound);
    fd_close(&c->fd);
}

/* From the calling node; its ready and bound callbacks have been set. */
static int call_begin(struct tether *t, struct call *c, int64_t patience_ns)
{
    c->begun_ns = run_now(t);
    c->fd = t->lab->ops->node_socket(t->lab, t->from, SOCK_STREAM, NULL);
    int one = 1;
    if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        (connect(c->fd, (const struct sockaddr *)&t->at, sizeof(t->at)) != 0 && errno != EINPROGRESS) ||
        loop_io_set(t->loop, &c->io, c->fd, EPOLLOUT, NULL) != 0) {
        call_end(c);
        return -1;
    }
    loop_timer_set(t->loop, &c->bound, loop_now(t->loop) + patience_ns);
    return 0;
}

static int call_outcome(const struct call *c)
{
    int os = 0;
    socklen_t len = sizeof(os);
    return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &os, &len) == 0 ? os : errno;
}

/* ---- the standing connection ---- */

static void take_down(struct tether *t)
{
    if (t->view.up_ns >= 0) {
        t->view.broke_ns = run_now(t);
        t->view.stood_ns = t->view.up_ns;
        t->view.up_ns = -1;
    }
    call_end(&t->near);
    loop_io_stop(&t->far_io);
    fd_close(&t->far_fd);
    t->partial = 0;
    t->port = 0;
}

static void call_again(struct tether *t)
{
    struct sockaddr_in own = {0};
    socklen_t len = sizeof(own);
    if (call_begin(t, &t->near, CONNECT_BOUND_NS) == 0 && getsockname(t->near.fd, (struct sockaddr *)&own, &len) == 0) {
        t->port = own.sin_port;
    }
}

static void near_ready(struct loop_io *io, uint32_t events)
{
    struct tether *t = tether_of(io, near.io);
    if (call_outcome(&t->near) != 0 || events & ~(uint32_t)EPOLLOUT) {
        take_down(t); /* nothing is ever sent this way: readable means an end */
        return;
    }
    if (t->near.bound.loop) { /* it was under way */
        loop_timer_stop(&t->near.bound);
        loop_io_set(t->loop, io, io->fd, EPOLLIN | EPOLLRDHUP, NULL);
        t->view.up_ns = run_now(t);
    }
}

static void near_bound(struct loop_timer *timer, int64_t now)
{
    (void)now;
    take_down(tether_of(timer, near.bound));
}

static void beat(struct loop_timer *timer, int64_t now)
{
    struct tether *t = tether_of(timer, beat);
    int64_t sent_ns = run_now(t);
    if (t->near.fd < 0) {
        call_again(t);
    } else if (t->view.up_ns >= 0) {
        ssize_t n = send(t->near.fd, &sent_ns, sizeof(sent_ns), MSG_NOSIGNAL | MSG_DONTWAIT);
        bool full = n < 0 && (errno == EAGAIN || errno == EINTR);
        if (n != (ssize_t)sizeof(sent_ns) && !full) {
            take_down(t);
        }
    }
    loop_timer_set(t->loop, timer, now + BEAT_NS);
}

static void arrive(struct tether *t)
{
    int64_t sent_ns;
    memcpy(&sent_ns, t->message, sizeof(sent_ns));
    t->partial = 0;
    if (sent_ns > t->view.carried_ns && sent_ns <= run_now(t)) {
        t->view.carried_ns = sent_ns;
    }
}

static void far_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct tether *t = tether_of(io, far_io);
    for (;;) {
        ssize_t n = recv(io->fd, t->message + t->partial, sizeof(t->message) - t->partial, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            take_down(t);
            return;
        }
        t->partial += (size_t)n;
        if (t->partial == sizeof(t->message)) {
            arrive(t);
        }
    }
}

static void listen_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct tether *t = tether_of(io, listen_io);
    struct sockaddr_in peer = {0};
    socklen_t len = sizeof(peer);
    int fd;
    while ((fd = accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (t->port != 0 && peer.sin_port == t->port && t->far_fd < 0) {
            t->far_fd = fd;
            loop_io_set(t->loop, &t->far_io, fd, EPOLLIN | EPOLLRDHUP, NULL);
        } else {
            fd_close(&fd);
        }
        len = sizeof(peer);
    }
}

/* ---- trials ---- */

static void trial_over(struct tether *t, enum tether_trial how)
{
    t->view.trial = how;
    t->view.tried_ns = t->trial.begun_ns;
    call_end(&t->trial);
}

static void trial_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct tether *t = tether_of(io, trial.io);
    trial_over(t, call_outcome(&t->trial) == 0 ? TRIAL_LET_IN : TRIAL_REFUSED);
}

static void trial_bound(struct loop_timer *timer, int64_t now)
{
    (void)now;
    trial_over(tether_of(timer, trial.bound), TRIAL_SILENT);
}

void tether_try(struct tether *t, int64_t patience_ns)
{
    if (t->trial.fd < 0 && call_begin(t, &t->trial, patience_ns) != 0) {
        trial_over(t, TRIAL_REFUSED); /* no route, for instance: an answer, too */
    }
}

/* ---- life ---- */

static int place_listener(struct tether *t, const char *address, struct err *e)
{
    socklen_t len = sizeof(t->at);
    t->at.sin_family = AF_INET;
    if (inet_pton(AF_INET, address, &t->at.sin_addr) != 1) {
        return err_set(e, ERR_DEFECT, "tether", "the node has no address: %s", address);
    }
    t->listen_fd = t->lab->ops->node_socket(t->lab, t->to, SOCK_STREAM, e);
    if (t->listen_fd < 0) {
        return -1;
    }
    if (bind(t->listen_fd, (struct sockaddr *)&t->at, len) != 0 || listen(t->listen_fd, 16) != 0 ||
        getsockname(t->listen_fd, (struct sockaddr *)&t->at, &len) != 0) {
        return err_os(e, ERR_RUN, errno, "tether", "cannot place its listening socket");
    }
    return loop_io_set(t->loop, &t->listen_io, t->listen_fd, EPOLLIN, e);
}

int tether_new(struct tether **out, struct lab *lab, const struct topology *topo, uint16_t from, uint16_t to,
               struct err *e)
{
    if (!lab->ops->node_socket) {
        return err_set(e, ERR_DEFECT, "tether", "a %s lab has no sockets to put one into", lab->ops->kind);
    }
    struct tether *t = xcalloc(1, sizeof(*t));
    *t = (struct tether){.lab = lab, .loop = lab->ops->loop(lab), .from = from, .to = to, .listen_fd = -1, .far_fd = -1,
                         .near.fd = -1, .trial.fd = -1,
                         .view = {.up_ns = -1, .carried_ns = -1, .broke_ns = -1, .stood_ns = -1, .tried_ns = -1}};
    t->listen_io.ready = listen_ready;
    t->far_io.ready = far_ready;
    t->near.io.ready = near_ready;
    t->near.bound.due = near_bound;
    t->trial.io.ready = trial_ready;
    t->trial.bound.due = trial_bound;
    t->beat.due = beat;
    if (place_listener(t, topo->nodes[to].address, e) != 0) {
        tether_free(t);
        return -1;
    }
    loop_timer_set(t->loop, &t->beat, loop_tick(t->loop));
    *out = t;
    return 0;
}

void tether_free(struct tether *t)
{
    if (!t) {
        return;
    }
    take_down(t);
    call_end(&t->trial);
    loop_timer_stop(&t->beat);
    loop_io_stop(&t->listen_io);
    fd_close(&t->listen_fd);
    free(t);
}

uint16_t tether_from(const struct tether *t)
{
    return t->from;
}

uint16_t tether_to(const struct tether *t)
{
    return t->to;
}

struct tether_view tether_look(const struct tether *t)
{
    return t->view;
}
