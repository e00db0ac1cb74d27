/* SPDX-License-Identifier: MIT */
#include "tests/live/lab_probe.h"

#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/live/lab_stage.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVED_MAX = 64, QUEUED_MAX = 1024 };

/* The queue holds all that a prober sends at once, should the server not get a processor meanwhile. */
static int listen_at(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, QUEUED_MAX) == 0 ? fd : -1;
}

/* What comes is sent back; the newest SERVED_MAX connections are kept. */
_Noreturn void probe_echo(void)
{
    struct pollfd at[3 + SERVED_MAX];
    size_t next = 0;
    const uint16_t ports[] = {TOPO_PORT_HTTP, TOPO_PORT_REPLICATION, TOPO_PORT_LEASE};
    for (size_t i = 0; i < 3 + SERVED_MAX; i++) {
        at[i] = (struct pollfd){.fd = i < 3 ? listen_at(ports[i]) : -1, .events = POLLIN};
    }
    for (;;) {
        char bytes[512];
        poll(at, 3 + SERVED_MAX, -1);
        for (size_t i = 0; i < 3; i++) {
            struct pollfd *to = &at[3 + next % SERVED_MAX];
            if (at[i].revents & POLLIN) {
                fd_close(&to->fd);
                to->fd = accept4(at[i].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                next++;
            }
        }
        for (size_t i = 3; i < 3 + SERVED_MAX; i++) {
            ssize_t n = at[i].fd >= 0 ? recv(at[i].fd, bytes, sizeof(bytes), MSG_DONTWAIT) : -1;
            if (n > 0) {
                n = send(at[i].fd, bytes, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
            }
            if (n == 0 || (n < 0 && errno != EAGAIN)) {
                fd_close(&at[i].fd);
            }
        }
    }
}

struct question {
    enum order order;
    int times, wait_ms;
    struct sockaddr_in to;
};

static struct child prober;
static int prober_fd;

int probe_connect(int fd, const struct sockaddr_in *to, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int os = 0;
    socklen_t len = sizeof(os);
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 || errno != EINPROGRESS) {
        return errno == EINPROGRESS ? 0 : errno;
    }
    if (poll(&p, 1, wait_ms) != 1) {
        return ETIMEDOUT;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &os, &len) == 0 ? os : errno;
}

static void count(struct report *r, int os)
{
    r->good += os == 0;
    r->refused += os == ECONNREFUSED || os == ECONNRESET;
    r->unreachable += os == ENETUNREACH || os == EHOSTUNREACH;
    r->silent += os == ETIMEDOUT;
    r->other +=
        os && os != ECONNREFUSED && os != ECONNRESET && os != ENETUNREACH && os != EHOSTUNREACH && os != ETIMEDOUT;
}

int probe_socket(void)
{
    const struct linger hard = {.l_onoff = 1};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    return fd;
}

int probe_hear(int fd, int wait_ms)
{
    char byte;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, wait_ms) != 1) {
        return ETIMEDOUT;
    }
    return recv(fd, &byte, 1, 0) == 1 ? 0 : errno;
}

static _Noreturn void probe(int fd)
{
    struct question q;
    int stream = -1;
    while (recv(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q)) {
        struct report r = {0};
        for (int i = 0; i < q.times; i++) {
            int64_t begun = clock_mono_ns();
            errno = 0;
            if (q.order == ORDER_CONNECT) {
                scoped_fd int one = probe_socket();
                count(&r, probe_connect(one, &q.to, q.wait_ms));
            } else if (q.order == ORDER_OPEN) {
                fd_close(&stream);
                stream = probe_socket();
                count(&r, probe_connect(stream, &q.to, q.wait_ms));
            } else if (q.order == ORDER_SAY) {
                count(&r, send(stream, "x", 1, MSG_NOSIGNAL) == 1 ? 0 : errno);
            } else {
                count(&r, probe_hear(stream, q.wait_ms));
            }
            r.worst_ns = clock_mono_ns() - begun > r.worst_ns ? clock_mono_ns() - begun : r.worst_ns;
        }
        send(fd, &r, sizeof(r), MSG_NOSIGNAL);
    }
    _exit(0);
}

void probe_post(struct lab *lab, uint16_t node)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    int side = lab->ops->client_fork(lab, node, &prober, NULL);
    if (side == 0) {
        fd_close(&ends[0]);
        probe(ends[1]);
    }
    CHECK(side == 1);
    fd_close(&ends[1]);
    prober_fd = ends[0];
}

void probe_dismiss(void)
{
    fd_close(&prober_fd);
    child_stop(&prober, NS_PER_S, NULL);
}

struct report probe_ask(enum order order, const struct sockaddr_in *to, int times, int wait_ms)
{
    const struct question q = {.order = order, .times = times, .wait_ms = wait_ms * stage_slow(), .to = *to};
    struct report r = {0};
    CHECK(send(prober_fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q) &&
          recv(prober_fd, &r, sizeof(r), 0) == (ssize_t)sizeof(r));
    return r;
}

void probe_tell(const char *what, const struct report *r)
{
    printf("%s: %d good, %d refused, %d unreachable, %d silent, %d other; slowest %.1f ms\n", what, r->good, r->refused,
           r->unreachable, r->silent, r->other, (double)r->worst_ns / 1e6);
}
