/* SPDX-License-Identifier: MIT */
/*
 * bench-pace PORT TARGET RATE SECONDS CONNECTIONS LATE_MS: GET TARGET from 127.0.0.1, RATE times a second, whatever
 * becomes of the answers.
 *
 * Request k is planned for start + k / RATE and leaves then, on a connection that is free, or on a new one when none
 * is; when there are CONNECTIONS of them it waits for one. All times count from the plan, such waits included. A
 * request has failed when it has no whole answer of status 200 within a second, and is late when that took more than
 * LATE_MS. Prints one line:
 *
 *     planned ok failed late p50_us p99_us behind_us
 *
 * Of the failed ones nothing but their number is known, so the quantiles are over the others. behind_us is how far
 * behind the plan we ourselves were, the 99th percentile of all: where that is not small against the others, they
 * tell of us and not of who answers.
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
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PATIENCE_NS NS_PER_S
#define ANSWER_MAX 16384

struct asker { /* a connection */
    struct loop_io io;
    struct loop_timer patience;
    struct pace *pace;
    struct asker *next; /* among the free ones */
    int64_t planned;
    int fd;
    size_t len;
    char in[ANSWER_MAX + 1];
};

struct pace {
    struct loop *loop;
    struct loop_timer due;
    struct sockaddr_in to;
    char request[512];
    int64_t start, interval, late_ns;
    int64_t planned, launched, total, failed, late, under_way;
    int64_t askers, askers_max;
    struct asker *free;
    struct figures took_us, behind_us;
    bool over;
};

static struct asker *asker_of_timer(struct loop_timer *t)
{
    return (struct asker *)((char *)t - offsetof(struct asker, patience));
}

static void hang_up(struct asker *a)
{
    loop_timer_stop(&a->patience);
    loop_io_stop(&a->io);
    fd_close(&a->fd);
    a->pace->askers--;
    free(a);
}

static void launch_due(struct pace *p);

static void count_off(struct pace *p)
{
    p->under_way--;
    launch_due(p);
    p->over = p->under_way == 0 && p->launched == p->total;
}

static void fail(struct asker *a)
{
    struct pace *p = a->pace;
    hang_up(a);
    p->failed++;
    count_off(p);
}

static void on_impatience(struct loop_timer *t, int64_t now)
{
    (void)now;
    fail(asker_of_timer(t));
}

static void answered(struct asker *a, bool good, bool again)
{
    struct pace *p = a->pace;
    int64_t took = clock_mono_ns() - a->planned;
    loop_timer_stop(&a->patience);
    if (!good || took > PATIENCE_NS) {
        fail(a);
        return;
    }
    p->late += took > p->late_ns;
    figures_add(&p->took_us, (double)took / (double)NS_PER_US);
    if (again) {
        a->planned = 0;
        a->next = p->free;
        p->free = a;
    } else {
        hang_up(a);
    }
    count_off(p);
}

static void forget(struct asker *a)
{
    struct asker **at = &a->pace->free;
    while (*at != a) {
        at = &(*at)->next;
    }
    *at = a->next;
    hang_up(a);
}

static void on_bytes(struct asker *a)
{
    ssize_t n = recv(a->fd, a->in + a->len, ANSWER_MAX - a->len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (a->planned == 0) {
        forget(a); /* closed, or spoke, while nothing was asked */
        return;
    }
    if (n <= 0) {
        fail(a);
        return;
    }
    a->len += (size_t)n;
    a->in[a->len] = '\0';
    const char *end = strstr(a->in, "\r\n\r\n");
    const char *length = end ? strcasestr(a->in, "\r\ncontent-length:") : NULL;
    bool told = length && length < end; /* the head is complete and says how long the body is */
    if (told && a->len >= (size_t)(end + 4 - a->in) + strtoul(length + 17, NULL, 10)) {
        const char *close = strcasestr(a->in, "\r\nconnection: close");
        answered(a, strncmp(a->in, "HTTP/1.1 200", 12) == 0, !close || close > end);
    } else if ((end && !told) || a->len == ANSWER_MAX) {
        fail(a);
    }
}

static void ask(struct asker *a)
{
    size_t len = strlen(a->pace->request);
    a->len = 0;
    if (send(a->fd, a->pace->request, len, MSG_NOSIGNAL) != (ssize_t)len) {
        fail(a);
    }
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    struct asker *a = (struct asker *)io; /* its first member */
    if (events & EPOLLOUT && loop_io_set(a->pace->loop, io, a->fd, EPOLLIN, NULL) == 0) {
        ask(a);
    } else {
        on_bytes(a);
    }
}

/* A new connection, on which is asked as soon as it is made. */
static void dial(struct pace *p, int64_t planned)
{
    int one = 1;
    struct asker *a = xcalloc(1, sizeof(*a));
    a->io.ready = on_ready;
    a->patience.due = on_impatience;
    a->pace = p;
    a->planned = planned;
    a->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    p->askers++;
    if (a->fd < 0 || setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        (connect(a->fd, (struct sockaddr *)&p->to, sizeof(p->to)) != 0 && errno != EINPROGRESS) ||
        loop_io_set(p->loop, &a->io, a->fd, EPOLLOUT, NULL) != 0) {
        fail(a);
        return;
    }
    loop_timer_set(p->loop, &a->patience, planned + PATIENCE_NS);
}

static void launch(struct pace *p, int64_t planned)
{
    struct asker *a = p->free;
    p->under_way++;
    if (!a) {
        dial(p, planned);
        return;
    }
    p->free = a->next;
    a->planned = planned;
    loop_timer_set(p->loop, &a->patience, planned + PATIENCE_NS);
    ask(a);
}

static void launch_due(struct pace *p)
{
    while (p->launched < p->planned && (p->free || p->askers < p->askers_max)) {
        launch(p, p->start + p->launched++ * p->interval);
    }
}

static void on_due(struct loop_timer *t, int64_t now)
{
    struct pace *p = (struct pace *)((char *)t - offsetof(struct pace, due));
    while (p->planned < p->total && p->start + p->planned * p->interval <= now) {
        figures_add(&p->behind_us, (double)(now - p->start - p->planned * p->interval) / (double)NS_PER_US);
        p->planned++;
    }
    launch_due(p);
    if (p->planned < p->total) {
        loop_timer_set(p->loop, t, p->start + p->planned * p->interval);
    }
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: bench-pace PORT TARGET RATE SECONDS CONNECTIONS LATE_MS\n");
        return 2;
    }
    struct err e = {0};
    static struct pace p;
    uint16_t port = (uint16_t)bench_number(argv[1], 1, 65535);
    int64_t rate = bench_number(argv[3], 1, 200000);
    p.loop = loop_new(&e);
    if (!p.loop) {
        bench_fail(&e, "pace");
    }
    snprintf(p.request, sizeof(p.request), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", argv[2]);
    p.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    p.total = rate * bench_number(argv[4], 1, 600);
    p.askers_max = bench_number(argv[5], 1, 10000);
    p.late_ns = bench_number(argv[6], 1, 1000) * NS_PER_MS;
    p.interval = NS_PER_S / rate;
    p.start = loop_tick(p.loop) + 10 * NS_PER_MS;
    p.due.due = on_due;
    loop_timer_set(p.loop, &p.due, p.start);
    if (loop_run(p.loop, INT64_MAX, &p.over, &e) < 0) {
        bench_fail(&e, "pace");
    }
    printf("%lld %zu %lld %lld %.0f %.0f %.0f\n", (long long)p.total, p.took_us.len, (long long)p.failed,
           (long long)p.late, figures_at(&p.took_us, 0.5), figures_at(&p.took_us, 0.99),
           figures_at(&p.behind_us, 0.99));
    return 0;
}
