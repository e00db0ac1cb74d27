/* SPDX-License-Identifier: MIT */
/*
 * Bytes gather in the connection's buffer; each empty line ends a request, and all requests that are whole are
 * answered with one send(2). A connection whose head does not fit, that asks by another method than GET, or that does
 * not take its answers at once, is closed: its peers here are load generators and gateways, which do none of this.
 */
#include "bench/echo.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define HEAD_MAX 8192
#define ANSWERS_MAX 16384

struct echo_peer {
    struct loop_io io; /* first: callbacks cast back */
    size_t len;
    char in[HEAD_MAX + 1];
};

static void hang_up(struct echo_peer *p)
{
    int fd = p->io.fd;
    loop_io_stop(&p->io);
    fd_close(&fd);
    free(p);
}

/* The answer to the NUL-terminated head; 0 when it is none that we serve. */
static size_t answer(const char *head, char *out, size_t room, bool *close_after)
{
    if (strncmp(head, "GET ", 4) != 0) {
        return 0;
    }
    char body[128];
    const char *key = strstr(head, "key=k");
    int digits = key ? (int)strspn(key + 5, "0123456789") : 0;
    if (digits > 0 && digits < 6) {
        snprintf(body, sizeof(body), "{\"key\":\"k%.*s\",\"version\":0,\"op\":null,\"value\":null}", digits, key + 5);
    } else {
        snprintf(body, sizeof(body), "{\"orders\":0}");
    }
    *close_after = strcasestr(head, "\r\nconnection: close") != NULL;
    int len =
        snprintf(out, room, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s",
                 strlen(body), *close_after ? "Connection: close\r\n" : "", body);
    return (size_t)len < room ? (size_t)len : 0;
}

/* Answer what is whole; false when the connection is over. */
static bool serve(struct echo_peer *p)
{
    char out[ANSWERS_MAX];
    size_t filled = 0, taken = 0;
    bool close_after = false;
    p->in[p->len] = '\0';
    for (char *end; !close_after && (end = strstr(p->in + taken, "\r\n\r\n")) != NULL;) {
        *end = '\0';
        size_t len = answer(p->in + taken, out + filled, sizeof(out) - filled, &close_after);
        if (len == 0) {
            return false;
        }
        filled += len;
        taken = (size_t)(end + 4 - p->in);
    }
    p->len -= taken;
    memmove(p->in, p->in + taken, p->len);
    bool whole = filled == 0 || send(p->io.fd, out, filled, MSG_NOSIGNAL) == (ssize_t)filled;
    return whole && !close_after && p->len < HEAD_MAX;
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
    if (n <= 0 || !serve(p)) {
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
        if (loop_io_set(io->loop, &p->io, fd, EPOLLIN, NULL) != 0) {
            fd_close(&fd);
            free(p);
        }
    }
}

int echo_open(struct echo *s, struct loop *l, uint16_t port, struct err *e)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int one = 1;
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        return err_os(e, ERR_MACHINE, errno, "echo", "cannot listen on port %u of 127.0.0.1", port);
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
           connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && send(fd, request, (size_t)len, MSG_NOSIGNAL) == len &&
           recv(fd, head, 12, MSG_WAITALL) == 12 && strcmp(head, "HTTP/1.1 200") == 0;
}
