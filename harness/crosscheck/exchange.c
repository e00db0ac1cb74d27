/* SPDX-License-Identifier: MIT */
/*
 * connect(2) answers EINPROGRESS; the socket turns writable when it is decided and SO_ERROR says how. Then the request
 * is written and the answer read until it is whole. "Connection: close" has the server close first, so that no port of
 * ours is left in TIME_WAIT beside those of the ordinary load.
 *
 * What ended it becomes an outcome by the same rules as the method's: nothing reached is refused, broken off after that
 * is reset, what this side lacks (descriptors, ports, memory) is unsent and no word about the service.
 */
#include "harness/crosscheck/exchange.h"

#include "harness/base/clock.h"
#include "harness/base/scoped.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { READ_AT_ONCE = 16384, READS_PER_TURN = 8 };

static bool is_ours(int os)
{
    return os == EMFILE || os == ENFILE || os == ENOBUFS || os == ENOMEM || os == EADDRNOTAVAIL;
}

void cross_exchange_close(struct cross_exchange *x)
{
    fd_close(&x->fd);
}

static enum cross_progress over(struct cross_exchange *x, enum outcome how, enum outcome *outcome)
{
    x->done_ns = clock_mono_ns();
    cross_exchange_close(x);
    *outcome = how;
    return CROSS_OVER;
}

/* Broken by this errno before or after the connection stood. */
static enum cross_progress broken(struct cross_exchange *x, int os, enum outcome *outcome)
{
    if (is_ours(os)) {
        return over(x, OUTCOME_UNSENT, outcome);
    }
    if (os == ETIMEDOUT) {
        return over(x, OUTCOME_TIMEOUT, outcome);
    }
    return over(x, x->connected ? OUTCOME_RESET : OUTCOME_REFUSED, outcome);
}

static bool compose(struct cross_exchange *x, const struct cross_target *to)
{
    const char *name = to->api_key ? "X-API-Key: " : to->token ? "Authorization: Bearer " : "";
    const char *value = to->api_key ? to->api_key : to->token ? to->token : "";
    int n = snprintf(x->out, sizeof(x->out),
                     "GET %s HTTP/1.1\r\nHost: %s:%u\r\nX-DR-Nonce: %016" PRIx64 "\r\nAccept: */*\r\n"
                     "User-Agent: drtest-crosscheck\r\nConnection: close\r\n%s%s%s\r\n",
                     to->path, to->address, (unsigned)to->port, x->nonce, name, value, *value ? "\r\n" : "");
    x->out_len = n > 0 ? (size_t)n : 0;
    return n > 0 && (size_t)n < sizeof(x->out);
}

enum cross_progress cross_exchange_begin(struct cross_exchange *x, const struct cross_target *to, uint64_t nonce,
                                         enum outcome *outcome)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    *x = (struct cross_exchange){.fd = -1, .nonce = nonce};
    bool possible = inet_pton(AF_INET, to->address, &address.sin_addr) == 1 && compose(x, to);
    x->sent_ns = clock_mono_ns();
    x->fd = possible ? socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (x->fd < 0) {
        return over(x, OUTCOME_UNSENT, outcome);
    }
    int yes = 1;
    setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(x->fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EINPROGRESS ||
        errno == EINTR) {
        return CROSS_WAITS;
    }
    return broken(x, errno, outcome);
}

uint32_t cross_exchange_events(const struct cross_exchange *x)
{
    return !x->connected || x->out_at < x->out_len ? EPOLLOUT : EPOLLIN;
}

/* 1: stands, 0: not decided yet, -1: failed with *os. */
static int look_at_connection(const struct cross_exchange *x, int *os)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof(*os), peer_len = sizeof(peer);
    *os = 0;
    if (getsockopt(x->fd, SOL_SOCKET, SO_ERROR, os, &len) != 0 || *os != 0) {
        return -1;
    }
    return getpeername(x->fd, (struct sockaddr *)&peer, &peer_len) == 0 ? 1 : 0;
}

enum outcome cross_outcome_of(const struct cross_reply *r, uint64_t nonce)
{
    if (r->status < 200 || r->status > 299) {
        return OUTCOME_HTTP_STATUS;
    }
    return r->bad_nonce || (r->has_nonce && r->nonce != nonce) ? OUTCOME_WRONG : OUTCOME_GOOD;
}

bool cross_blames(enum outcome outcome, int status)
{
    bool gateway = outcome == OUTCOME_HTTP_STATUS && (status == 502 || status == 503 || status == 504);
    return gateway || outcome == OUTCOME_REFUSED || outcome == OUTCOME_RESET || outcome == OUTCOME_TIMEOUT;
}

static enum cross_progress read_some(struct cross_exchange *x, enum outcome *outcome)
{
    char bytes[READ_AT_ONCE];
    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = recv(x->fd, bytes, sizeof(bytes), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return CROSS_WAITS;
        }
        if (n < 0) {
            return broken(x, errno, outcome);
        }
        switch (cross_reply_take(&x->reply, bytes, (size_t)n, n == 0)) {
        case CROSS_REPLY_MORE:
            continue;
        case CROSS_REPLY_WHOLE:
            return over(x, cross_outcome_of(&x->reply, x->nonce), outcome);
        case CROSS_REPLY_BAD:
        case CROSS_REPLY_SHORT:
            return over(x, OUTCOME_RESET, outcome);
        }
    }
    return CROSS_WAITS;
}

enum cross_progress cross_exchange_go(struct cross_exchange *x, enum outcome *outcome)
{
    int os;
    if (!x->connected) {
        int stands = look_at_connection(x, &os);
        if (stands <= 0) {
            return stands < 0 ? broken(x, os ? os : EIO, outcome) : CROSS_WAITS;
        }
        x->connected = true;
    }
    while (x->out_at < x->out_len) {
        ssize_t n = send(x->fd, x->out + x->out_at, x->out_len - x->out_at, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return CROSS_WAITS;
        }
        if (n < 0) {
            return broken(x, errno, outcome);
        }
        x->out_at += (size_t)n;
    }
    return read_some(x, outcome);
}
