/* SPDX-License-Identifier: MIT */
/*
 * A connection is taken from a list of free ones, read until the blank line and the body that Content-Length announces,
 * handed to the owner once, and closed by its answer, by the peer, or by a request longer than ours ever are. An answer
 * is one send(2): pages are kept small enough for a fresh socket's buffer, and one that does not fit is a reset, which
 * the measuring side would notice.
 */
#include "harness/selftest/http_stub.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/evidence/crc32c.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BACKLOG 4096

void stub_init(struct stub *s, struct loop *l, size_t capacity)
{
    s->loop = l;
    s->exchanges = xcalloc(capacity, sizeof(*s->exchanges));
    for (size_t i = 0; i < capacity; i++) {
        s->exchanges[i].stub = s;
        s->exchanges[i].next_free = s->free;
        s->free = &s->exchanges[i];
    }
}

void stub_close(struct stub_exchange *x, bool reset)
{
    int fd = x->io.fd;
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    loop_io_stop(&x->io);
    loop_timer_stop(&x->timer);
    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    fd_close(&fd);
    x->next_free = x->stub->free;
    x->stub->free = x;
}

void stub_answer(struct stub_exchange *x, const char *status, const char *head, const char *body, size_t len)
{
    scoped_text struct text answer = {0};
    text_addf(&answer,
              "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n"
              "X-DR-Nonce: %s\r\nX-DR-Check: %08x\r\n%s\r\n",
              status, len, x->nonce, crc32c(body, len), head);
    text_add_bytes(&answer, body, len);
    stub_close(x, send(x->io.fd, answer.at, answer.len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)answer.len);
}

/* The value of a header, trimmed at the front; NULL if it is not there. */
static const char *header(const struct stub_exchange *x, const char *name)
{
    const char *at = strcasestr(x->bytes, name);
    return at ? at + strlen(name) + strspn(at + strlen(name), ": ") : NULL;
}

static void take_nonce(struct stub_exchange *x)
{
    const char *at = header(x, "\r\nX-DR-Nonce");
    size_t n = 0;
    while (at && n + 1 < sizeof(x->nonce) && isxdigit((unsigned char)at[n])) {
        x->nonce[n] = at[n];
        n++;
    }
    x->nonce[n] = '\0';
}

/* Hands the request over once it is whole. */
static void examine(struct stub_exchange *x)
{
    char *end = strstr(x->bytes, "\r\n\r\n");
    const char *length = end ? header(x, "\r\nContent-Length") : NULL;
    size_t body = length && length < end ? strtoul(length, NULL, 10) : 0;
    if (!end || (size_t)(x->bytes + x->len - (end + 4)) < body)
        return;
    struct stub_request r = {.post = text_starts(x->bytes, "POST "), .nonce = x->nonce, .body = end + 4};
    take_nonce(x);
    char *space = strchr(x->bytes, ' '), *after = space ? strchr(space + 1, ' ') : NULL;
    if (!after || after > end) {
        stub_close(x, true);
        return;
    }
    *after = '\0';
    r.target = space + 1;
    x->whole = true;
    x->stub->asked(x, &r);
}

static void exchange_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct stub_exchange *x = (struct stub_exchange *)io; /* io is its first member */
    char unread[64];
    char *to = x->whole ? unread : x->bytes + x->len;
    ssize_t got = recv(io->fd, to, x->whole ? sizeof(unread) : STUB_REQUEST_MAX - x->len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        stub_close(x, false);
        return;
    }
    if (x->whole)
        return;
    x->len += (size_t)got;
    x->bytes[x->len] = '\0';
    examine(x);
    if (!x->whole && x->len == STUB_REQUEST_MAX)
        stub_close(x, true);
}

static void listener_ready(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct stub_listener *l = (struct stub_listener *)io; /* io is its first member */
    struct stub *s = l->stub;
    int fd;
    while (l->io.loop && (fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct stub_exchange *x = s->free;
        if (!x) {
            fd_close(&fd);
            continue;
        }
        s->free = x->next_free;
        *x = (struct stub_exchange){.stub = s, .from = l, .io.ready = exchange_ready};
        bool wanted = s->accepted(x);
        if (loop_io_set(s->loop, &x->io, fd, EPOLLIN, NULL) < 0) {
            x->next_free = s->free;
            s->free = x;
            fd_close(&fd);
        } else if (!wanted) {
            stub_close(x, true);
        }
    }
}

int stub_socket(const char *address, uint16_t *port, struct err *e)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    scoped_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 || bind(fd, (struct sockaddr *)&at, len) < 0 ||
        listen(fd, BACKLOG) < 0 || getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        return err_os(e, ERR_MACHINE, errno, address, "the self-test cannot listen on loopback");
    *port = ntohs(at.sin_port);
    return steal_fd(&fd);
}

int stub_listen(struct stub *s, struct stub_listener *l, int fd)
{
    l->stub = s;
    l->fd = fd;
    l->io.ready = listener_ready;
    return loop_io_set(s->loop, &l->io, fd, EPOLLIN, NULL);
}

void stub_listener_rest(struct stub_listener *l)
{
    loop_io_stop(&l->io);
}
