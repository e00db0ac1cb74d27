/* SPDX-License-Identifier: MIT */
/*
 * c-ares on our loop: it says which descriptors it wants watched, and is given the time whenever its next time-out is
 * due. A query has three tries, of one, two and four sevenths of its limit, since c-ares doubles them: a lost datagram
 * is no failed request yet, and a silent server is one before the request's own time-out.
 *
 * What is kept: the first address of an answer (servers turn them round), for exactly its time to live by clients who
 * honour it, for 30 s at least by those who clamp, for ever by those who pin; all addresses by those who take several.
 * Failures are kept by nobody: the next request asks again. With a time to live of 0 an answer is good for those who
 * waited for it.
 *
 * Whoever asks from within a callback of an answer starts a new query; the list of those who waited is taken first.
 */
#include "harness/load/resolver.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define CLAMP_NS (30 * NS_PER_S)
#define TRIES 3
#define SHARES 7 /* 1 + 2 + 4 */

enum { ADDRESSES_MAX = 64 };

struct watch {
    struct loop_io io;
    struct resolver *home;
};

struct resolver {
    struct loop *loop;
    ares_channel channel;
    enum dns_class kept;
    struct watch watches[ARES_GETSOCK_MAXNUM];
    struct loop_timer timer;
    struct naming *waiting;
    char addresses[ADDRESSES_MAX][INET_ADDRSTRLEN];
    size_t count;     /* of addresses kept; the first is everybody's first choice */
    int64_t until_ns; /* they are good before this instant */
    bool asking;
};

static void set_timer(struct resolver *r)
{
    struct timeval left, *wait = ares_timeout(r->channel, NULL, &left);
    if (wait) {
        int64_t ns = (int64_t)wait->tv_sec * NS_PER_S + (int64_t)wait->tv_usec * 1000;
        loop_timer_set(r->loop, &r->timer, loop_now(r->loop) + ns + NS_PER_MS);
    } else {
        loop_timer_stop(&r->timer);
    }
}

static void on_timer(struct loop_timer *timer, int64_t now)
{
    (void)now;
    struct resolver *r = (struct resolver *)(void *)((char *)timer - offsetof(struct resolver, timer));
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(r);
}

static void on_ready(struct loop_io *io, uint32_t events)
{
    struct resolver *r = ((struct watch *)(void *)io)->home; /* io is its first member */
    bool reads = events & (EPOLLIN | EPOLLERR | EPOLLHUP), writes = events & EPOLLOUT;
    ares_process_fd(r->channel, reads ? io->fd : ARES_SOCKET_BAD, writes ? io->fd : ARES_SOCKET_BAD);
    set_timer(r);
}

/* A descriptor that cannot be watched brings no answer: its query runs into its time-out. */
static void on_socket(void *arg, ares_socket_t fd, int reads, int writes)
{
    struct resolver *r = arg;
    struct watch *idle = NULL, *own = NULL;
    for (size_t i = 0; i < array_len(r->watches); i++) {
        struct watch *w = &r->watches[i];
        own = w->io.loop && w->io.fd == fd ? w : own;
        idle = w->io.loop ? idle : w;
    }
    if (!reads && !writes) {
        if (own) {
            loop_io_stop(&own->io);
        }
        return;
    }
    if (own || idle) {
        loop_io_set(r->loop, own ? &own->io : &idle->io, fd, (reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U), NULL);
    }
}

static int64_t kept_for_ns(const struct resolver *r, int ttl_s)
{
    int64_t ttl_ns = ttl_s * NS_PER_S;
    return r->kept != DNS_CLAMPS || ttl_ns > CLAMP_NS ? ttl_ns : CLAMP_NS;
}

/* The answer is hostile; c-ares reads it. False: it names no address. */
static bool take_answer(struct resolver *r, int status, unsigned char *bytes, int len)
{
    struct ares_addrttl found[ADDRESSES_MAX];
    int n = ADDRESSES_MAX;
    if (status != ARES_SUCCESS || ares_parse_a_reply(bytes, len, NULL, found, &n) != ARES_SUCCESS || n == 0) {
        return false;
    }
    r->count = r->kept == DNS_SEVERAL ? (size_t)n : 1;
    for (size_t i = 0; i < r->count; i++) {
        inet_ntop(AF_INET, &found[i].ipaddr, r->addresses[i], sizeof(r->addresses[i]));
    }
    r->until_ns = r->kept == DNS_PINS ? INT64_MAX : loop_tick(r->loop) + kept_for_ns(r, found[0].ttl);
    return true;
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct resolver *r = arg;
    struct naming *next, *n = r->waiting;
    char address[INET_ADDRSTRLEN];
    bool named = take_answer(r, status, bytes, len);
    memcpy(address, r->addresses[0], sizeof(address));
    r->waiting = NULL;
    r->asking = false;
    for (; n; n = next) {
        next = n->next;
        n->named(n, named ? address : NULL);
    }
}

void resolver_ask(struct resolver *r, struct naming *n)
{
    if (loop_now(r->loop) < r->until_ns) {
        n->named(n, r->addresses[0]);
        return;
    }
    n->next = r->waiting;
    r->waiting = n;
    if (!r->asking) {
        r->asking = true;
        ares_query(r->channel, TOPO_DNS_NAME "." TOPO_DNS_ZONE, ns_c_in, ns_t_a, on_answer, r);
        set_timer(r);
    }
}

size_t resolver_after(const struct resolver *r, const char *address, const char **next)
{
    for (size_t i = 0; i + 1 < r->count; i++) {
        if (strcmp(r->addresses[i], address) == 0) {
            *next = r->addresses[i + 1];
            return r->count - i - 1;
        }
    }
    return 0;
}

static int give_up(struct resolver *r, int code, struct err *e)
{
    resolver_free(r);
    return err_set(e, ERR_MACHINE, "c-ares", "the resolver cannot be set up: %s", ares_strerror(code));
}

int resolver_new(struct resolver **out, struct loop *l, const char *server, uint16_t port, enum dns_class kept,
                 int64_t limit_ns, struct err *e)
{
    struct resolver *r = xcalloc(1, sizeof(*r));
    char address[32];
    r->loop = l;
    r->kept = kept;
    r->until_ns = INT64_MIN;
    r->timer.due = on_timer;
    for (size_t i = 0; i < array_len(r->watches); i++) {
        r->watches[i] = (struct watch){.io.ready = on_ready, .home = r};
    }
    struct ares_options o = {.flags = ARES_FLAG_NORECURSE | ARES_FLAG_NOSEARCH,
                             .timeout = (int)(limit_ns / NS_PER_MS / SHARES),
                             .tries = TRIES,
                             .sock_state_cb = on_socket,
                             .sock_state_cb_data = r};
    int code = ares_library_init(ARES_LIB_INIT_ALL);
    code = code ? code
                : ares_init_options(&r->channel, &o,
                                    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (code) {
        return give_up(r, code, e);
    }
    snprintf(address, sizeof(address), "%s:%u", server, (unsigned)port);
    code = ares_set_servers_ports_csv(r->channel, address);
    if (code) {
        return give_up(r, code, e);
    }
    *out = r;
    return 0;
}

void resolver_free(struct resolver *r)
{
    if (!r) {
        return;
    }
    if (r->channel) {
        ares_destroy(r->channel); /* ends the query, and so tells who waits */
    }
    loop_timer_stop(&r->timer);
    free(r);
}
