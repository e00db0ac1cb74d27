/* SPDX-License-Identifier: MIT */
/*
 * bench-writes rush PORT CONNECTIONS SECONDS: orders, each a new one, written to the store behind a port of 127.0.0.1
 * over that many kept-alive connections, the next one on each as soon as the last one is answered. Prints acknowledged
 * writes, answers that were none, and the seconds it took.
 *
 * bench-writes lag PORT OTHER COUNT: one order after the other, 20 ms apart, and how long after its acknowledgement the
 * store behind OTHER has it, as its /metrics tell, asked again and again. Prints p50, p99 and max in microseconds: the
 * last question's own way is in them.
 *
 * Anything unexpected ends it with exit code 4.
 */
#include "bench/bench.h"
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/loop.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 65536

struct writer {
    struct loop_io io; /* first: callbacks cast back */
    struct rush *rush;
    size_t len;
    char in[ANSWER_MAX + 1];
};

struct rush {
    struct loop *loop;
    int64_t end_ns, written, acknowledged, other;
};

static int connect_to(uint16_t port)
{
    int one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0) {
        struct err e = {0};
        err_os(&e, ERR_RUN, errno, "connection", "cannot connect to port %u", port);
        bench_fail(&e, "writes");
    }
    return fd;
}

static void give_up(const char *what)
{
    struct err e = {0};
    err_set(&e, ERR_RUN, "answer", "%s", what);
    bench_fail(&e, "writes");
}

/* The n-th order; run tells the orders of one start of this program from those of another. */
static void send_order(int fd, int64_t n)
{
    static int64_t run;
    char body[160], request[512];
    run = run ? run : clock_wall_ns() / NS_PER_MS % 1000000000;
    int len = snprintf(body, sizeof(body), "{\"op\":\"b%lld-%lld\",\"key\":\"k%lld\",\"value\":\"v%lld\"}",
                       (long long)run, (long long)n, (long long)(n % 1000), (long long)n);
    len = snprintf(request, sizeof(request),
                   "POST /v1/orders HTTP/1.1\r\nHost: bench\r\nIdempotency-Key: b%lld-%lld\r\n"
                   "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                   (long long)run, (long long)n, len, body);
    if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len) {
        give_up("an order could not be sent");
    }
}

/* Bytes of the whole answer at the NUL-terminated in; 0 while it is not whole. */
static size_t answer_len(const char *in, size_t len)
{
    const char *end = strstr(in, "\r\n\r\n"), *length = strstr(in, "\r\nContent-Length: ");
    if (!end || !length) {
        return 0;
    }
    size_t whole = (size_t)(end + 4 - in) + strtoul(length + 18, NULL, 10);
    return len >= whole ? whole : 0;
}

static void on_answer(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct writer *w = (struct writer *)io;
    struct rush *r = w->rush;
    ssize_t n = recv(io->fd, w->in + w->len, ANSWER_MAX - w->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        give_up("a connection was closed");
    }
    w->len += (size_t)n;
    w->in[w->len] = '\0';
    if (answer_len(w->in, w->len) == 0) {
        return;
    }
    bool acknowledged = strncmp(w->in, "HTTP/1.1 200", 12) == 0;
    r->acknowledged += acknowledged;
    r->other += !acknowledged;
    w->len = 0;
    if (loop_now(r->loop) < r->end_ns) {
        send_order(io->fd, r->written++);
    }
}

static int rush(uint16_t port, int64_t connections, int64_t seconds)
{
    struct err e = {0};
    struct rush r = {.loop = loop_new(&e)};
    if (!r.loop) {
        bench_fail(&e, "writes");
    }
    int64_t begun = loop_tick(r.loop);
    r.end_ns = begun + seconds * NS_PER_S;
    for (int64_t i = 0; i < connections; i++) {
        struct writer *w = xcalloc(1, sizeof(*w));
        w->io.ready = on_answer;
        w->rush = &r;
        if (loop_io_set(r.loop, &w->io, connect_to(port), EPOLLIN, &e) != 0) {
            bench_fail(&e, "writes");
        }
        send_order(w->io.fd, r.written++);
    }
    if (loop_run(r.loop, r.end_ns, NULL, &e) < 0) {
        bench_fail(&e, "writes");
    }
    printf("%lld %lld %.3f\n", (long long)r.acknowledged, (long long)r.other, bench_ms_since(begun) / 1000);
    return 0;
}

/* One whole answer from a blocking connection; the NUL-terminated text of it. */
static const char *await(int fd)
{
    static char in[ANSWER_MAX + 1];
    for (size_t len = 0; len < ANSWER_MAX;) {
        ssize_t n = recv(fd, in + len, ANSWER_MAX - len, 0);
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
        in[len] = '\0';
        if (answer_len(in, len) > 0) {
            return in;
        }
    }
    give_up("no whole answer came");
    return NULL;
}

static int64_t number_after(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);
    return at ? (int64_t)strtod(at + strlen(mark), NULL) : -1;
}

static int lag(uint16_t port, uint16_t other, int64_t count)
{
    static const char question[] = "GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n";
    scoped_figures struct figures us = {0};
    int to = connect_to(port), peer = connect_to(other);
    for (int64_t i = 0; i < count; i++) {
        send_order(to, i);
        int64_t lsn = number_after(await(to), "\r\nX-DR-LSN: "), acknowledged = clock_mono_ns(), there;
        if (lsn < 1) {
            give_up("an order was not acknowledged");
        }
        do {
            if (send(peer, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0) {
                give_up("the other store went away");
            }
            there = number_after(await(peer), "\ndrgateway_lsn ");
        } while (there < lsn && clock_mono_ns() < acknowledged + NS_PER_S);
        figures_add(&us, (double)(clock_mono_ns() - acknowledged) / (double)NS_PER_US);
        poll(NULL, 0, 20);
    }
    printf("%.0f %.0f %.0f\n", figures_at(&us, 0.5), figures_at(&us, 0.99), figures_at(&us, 1));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "rush") == 0) {
        return rush((uint16_t)bench_number(argv[2], 1, 65535), bench_number(argv[3], 1, 1000),
                    bench_number(argv[4], 1, 600));
    }
    if (argc == 5 && strcmp(argv[1], "lag") == 0) {
        return lag((uint16_t)bench_number(argv[2], 1, 65535), (uint16_t)bench_number(argv[3], 1, 65535),
                   bench_number(argv[4], 1, 10000));
    }
    fprintf(stderr, "usage: bench-writes rush PORT CONNECTIONS SECONDS | lag PORT OTHER COUNT\n");
    return 2;
}
