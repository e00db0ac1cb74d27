/* SPDX-License-Identifier: MIT */
/*
 * One loop: a listener, at most CONNECTIONS short exchanges, and the owner's control socket. An exchange is read until
 * the blank line, answered with one write, and closed. The mode is looked at when the answer is due, so the truth of a
 * switch is the instant between two turns of the loop in which the control word was read.
 */
#include "harness/selftest/outage_server.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/loop.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_write.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 256
#define REQUEST_MAX 2048

const char *const outage_words[OUTAGE_COUNT] = {
#define X(name, word) word,
    OUTAGE_MODES(X)
#undef X
};

struct exchange {
    struct loop_io io;
    struct server *server;
    bool used;
    size_t len;
    char request[REQUEST_MAX];
};

struct server {
    struct loop *loop;
    struct loop_io listener, control;
    enum outage_mode mode;
    bool over;
    struct exchange exchanges[CONNECTIONS];
};

static void exchange_close(struct exchange *x, bool reset)
{
    int fd = x->io.fd;
    loop_io_stop(&x->io);
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    fd_close(&fd);
    x->used = false;
}

static void exchange_answer(struct exchange *x)
{
    static const char body[] = "{\"key\":null,\"version\":0,\"op\":null,\"value\":null}";
    char nonce[17] = "", answer[512];
    const char *at = strcasestr(x->request, "\r\nX-DR-Nonce: ");
    if (at)
        sscanf(at, "%*[^:]: %16[0-9a-fA-F]", nonce);
    bool good = x->server->mode == OUTAGE_NONE;
    int len = snprintf(answer, sizeof(answer),
                       "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n"
                       "X-DR-Nonce: %s\r\nX-DR-Check: %08x\r\nX-DR-Region: truth\r\n\r\n%s",
                       good ? "200 OK" : "503 Service Unavailable", strlen(body), nonce, crc32c(body, strlen(body)),
                       body);
    if (send(x->io.fd, answer, (size_t)len, MSG_NOSIGNAL) != len)
        exchange_close(x, true);
    else
        exchange_close(x, false);
}

static void exchange_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct exchange *x = (struct exchange *)io;
    ssize_t got = recv(io->fd, x->request + x->len, sizeof(x->request) - 1 - x->len, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || x->server->mode == OUTAGE_RST) {
        exchange_close(x, got > 0);
        return;
    }
    x->len += (size_t)got;
    x->request[x->len] = '\0';
    if (strstr(x->request, "\r\n\r\n"))
        exchange_answer(x);
    else if (x->len + 1 == sizeof(x->request))
        exchange_close(x, true);
}

static void listener_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct server *s = (struct server *)((char *)io - offsetof(struct server, listener));
    int fd;
    while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct exchange *x = NULL;
        for (size_t i = 0; i < CONNECTIONS && !x; i++)
            if (!s->exchanges[i].used)
                x = &s->exchanges[i];
        if (!x) {
            fd_close(&fd);
            continue;
        }
        *x = (struct exchange){.server = s, .used = true, .io.ready = exchange_ready};
        if (loop_io_set(s->loop, &x->io, fd, EPOLLIN, NULL) < 0) {
            x->used = false;
            fd_close(&fd);
        } else if (s->mode == OUTAGE_RST) {
            exchange_close(x, true);
        }
    }
}

static void control_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct server *s = (struct server *)((char *)io - offsetof(struct server, control));
    uint8_t mode;
    if (recv(io->fd, &mode, 1, MSG_DONTWAIT) != 1 || mode >= OUTAGE_COUNT) {
        s->over = true;
        return;
    }
    s->mode = (enum outage_mode)mode;
    int64_t at = clock_mono_ns();
    if (send(io->fd, &at, sizeof(at), MSG_NOSIGNAL) != (ssize_t)sizeof(at))
        s->over = true;
}

static _Noreturn void server_main(int listener, int control)
{
    static struct server s;
    s.loop = loop_new(NULL);
    s.listener.ready = listener_ready;
    s.control.ready = control_ready;
    if (s.loop && loop_io_set(s.loop, &s.listener, listener, EPOLLIN, NULL) == 0 &&
        loop_io_set(s.loop, &s.control, control, EPOLLIN, NULL) == 0)
        loop_run(s.loop, clock_mono_ns() + 120 * NS_PER_S, &s.over, NULL);
    _exit(0);
}

static int listener_open(uint16_t *port, struct err *e)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, CONNECTIONS) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        return err_os(e, ERR_MACHINE, errno, "127.0.0.1", "the self-test cannot listen on loopback");
    *port = ntohs(at.sin_port);
    return steal_fd(&fd);
}

int outage_server_start(struct outage_server *s, struct err *e)
{
    int pair[2];
    *s = (struct outage_server){.control = -1, .process.pidfd = -1};
    scoped_fd int listener = listener_open(&s->port, e);
    if (listener < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_os(e, ERR_MACHINE, errno, "socketpair", "the self-test cannot talk to its server");
    scoped_fd int ours = pair[0], theirs = pair[1];
    int side = child_fork(&s->process, e);
    if (side == 0) {
        fd_close(&ours);
        server_main(listener, theirs);
    }
    s->control = side > 0 ? steal_fd(&ours) : -1;
    return side > 0 ? 0 : -1;
}

int outage_server_switch(struct outage_server *s, enum outage_mode mode, int64_t *at_ns, struct err *e)
{
    uint8_t word = (uint8_t)mode;
    struct pollfd p = {.fd = s->control, .events = POLLIN};
    if (send(s->control, &word, 1, MSG_NOSIGNAL) != 1 || poll(&p, 1, 1000) != 1 ||
        recv(s->control, at_ns, sizeof(*at_ns), 0) != (ssize_t)sizeof(*at_ns))
        return err_set(e, ERR_RUN, "selftest", "the outage server did not answer within 1 s");
    return 0;
}

void outage_server_stop(struct outage_server *s)
{
    fd_close(&s->control);
    if (s->process.pid)
        child_stop(&s->process, 0, NULL);
}
