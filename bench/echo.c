/* SPDX-License-Identifier: MIT */
/*
 * Bytes gather in the connection's buffer; each empty line ends a request, and all requests that are whole are answered
 * with one send(2). A connection whose head does not fit, that asks by another method than GET, that asks before it was
 * answered where answers take time, or that does not take its answers at once, is closed: its peers here are load
 * generators and gateways, which do none of this.
 */
#include "bench/echo.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define HEAD_MAX 8192
#define BODY_MAX 8192
#define ANSWERS_MAX 65536

struct echo_peer {
    struct loop_io io; /* first: callbacks cast back */
    struct loop_timer due;
    struct echo *server;
    size_t len, filled;
    bool close_after;
    char in[HEAD_MAX + 1], out[ANSWERS_MAX];
};

static void hang_up(struct echo_peer *p)
{
    int fd = p->io.fd;
    loop_io_stop(&p->io);
    loop_timer_stop(&p->due);
    fd_close(&fd);
    free(p);
}

/* The body for the NUL-terminated head. */
static size_t write_body(const char *head, char body[BODY_MAX])
{
    const char *key = strstr(head, "key=k");
    int digits = key ? (int)strspn(key + 5, "0123456789") : 0;
    if (strncmp(head, "GET /bytes/", 11) == 0) {
        long wanted = strtol(head + 11, NULL, 10);
        size_t len = wanted > 0 && wanted < BODY_MAX ? (size_t)wanted : 0;
        memset(body, 'x', len);
        return len;
    }
    if (digits > 0 && digits < 6) {
        return (size_t)sprintf(body, "{\"key\":\"k%.*s\",\"version\":0,\"op\":null,\"value\":null}", digits, key + 5);
    }
    return (size_t)sprintf(body, "{\"orders\":0}");
}

/* Add the answer to the NUL-terminated head; false when it is none that we serve. */
static bool answer(struct echo_peer *p, const char *head)
{
    char body[BODY_MAX];
    size_t room = sizeof(p->out) - p->filled;
    if (strncmp(head, "GET ", 4) != 0) {
        return false;
    }
    size_t body_len = write_body(head, body);
    p->close_after = strcasestr(head, "\r\nconnection: close") != NULL;
    int len = snprintf(p->out + p->filled, room,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%.*s",
                       body_len, p->close_after ? "Connection: close\r\n" : "", (int)body_len, body);
    p->filled += (size_t)len;
    return (size_t)len < room;
}

/* Answer what is whole; false when the connection is over. */
static bool serve(struct echo_peer *p)
{
    size_t taken = 0;
    bool awaited = p->filled > 0;
    p->in[p->len] = '\0';
    for (char *end; !p->close_after && (end = strstr(p->in + taken, "\r\n\r\n")) != NULL;) {
        *end = '\0';
        if (awaited || !answer(p, p->in + taken)) {
            return false;
        }
        taken = (size_t)(end + 4 - p->in);
    }
    p->len -= taken;
    memmove(p->in, p->in + taken, p->len);
    return p->len < HEAD_MAX;
}

/* Send what has gathered; false when the connection is over. */
static bool let_out(struct echo_peer *p)
{
    bool whole = p->filled == 0 || send(p->io.fd, p->out, p->filled, MSG_NOSIGNAL) == (ssize_t)p->filled;
    p->filled = 0;
    return whole && !p->close_after;
}

static void on_due(struct loop_timer *t, int64_t now)
{
    (void)now;
    struct echo_peer *p = (struct echo_peer *)((char *)t - offsetof(struct echo_peer, due));
    if (!let_out(p)) {
        hang_up(p);
    }
}

static void on_bytes(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct echo_peer *p = (struct echo_peer *)io;
    ssize_t n = recv(io->fd, p->in + p->len, HEAD_MAX - p->len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    p->len += n > 0 ? (size_t)n : 0;
    bool stays = n > 0 && serve(p);
    if (stays && p->server->delay_ns > 0 && p->filled > 0) {
        loop_timer_set(io->loop, &p->due, loop_now(io->loop) + p->server->delay_ns);
    } else if (!stays || !let_out(p)) {
        hang_up(p);
    }
}

static void on_connection(struct loop_io *io, uint32_t events)
{
    (void)events;
    for (;;) {
        int one = 1, fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct echo_peer *p = xcalloc(1, sizeof(*p));
        p->io.ready = on_bytes;
        p->due.due = on_due;
        p->server = (struct echo *)((char *)io - offsetof(struct echo, listener));
        if (loop_io_set(io->loop, &p->io, fd, EPOLLIN, NULL) != 0) {
            fd_close(&fd);
            free(p);
        }
    }
}

int echo_open(struct echo *s, struct loop *l, bool everywhere, uint16_t port, struct err *e)
{
    struct in_addr address = {htonl(everywhere ? INADDR_ANY : INADDR_LOOPBACK)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = address};
    socklen_t len = sizeof(at);
    int one = 1;
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        return err_os(e, ERR_MACHINE, errno, "echo", "cannot listen on port %u", port);
    }
    *s = (struct echo){.loop = l, .listener.ready = on_connection, .port = ntohs(at.sin_port)};
    if (loop_io_set(l, &s->listener, fd, EPOLLIN, e) != 0) {
        return -1;
    }
    s->fd = steal_fd(&fd);
    return 0;
}

bool echo_answers(uint16_t port, const char *target)
{
    char request[256], head[13] = "";
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n", target);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval bound = {.tv_sec = 1};
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && (size_t)len < sizeof(request) &&
           setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound)) == 0 &&
           connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
           send(fd, request, (size_t)len, MSG_NOSIGNAL) == len && recv(fd, head, 12, MSG_WAITALL) == 12 &&
           strcmp(head, "HTTP/1.1 200") == 0;
}
