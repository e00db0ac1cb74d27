/* SPDX-License-Identifier: MIT */
/*
 * Exchanges by libcurl's multi socket interface (libcurl-multi(3)) on our loop. The handles, their options and the
 * reading of results are in curl_transfer.c, the descriptors in curl_sockets.c.
 *
 * Starting: the clock is read, the handle is added, and libcurl is driven at once so that the SYN or request leaves now
 * and not a turn later. Completions are only collected from the loop, never from within send: what has ended on
 * the spot waits for a timer that is due at once.
 *
 * Timeouts: libcurl counts in whole milliseconds, hence each transfer has a timer of its own in nanoseconds;
 * libcurl's own, rounded up, stand behind it. A transfer whose timer fires is taken from the multi handle, which
 * closes its connection.
 *
 * A stall, ours or the service's, ends in thousands of answers at once. Nothing here may then cost more per answer for
 * there being many; what libcurl cannot help is that it looks for an idle connection among all there are.
 *
 * The open loop must stay open: nothing is queued. With max_in_flight requests under way the next one is refused,
 * which its stream records as a harness error.
 */
#include "harness/load/client.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/base/vec.h"
#include "harness/load/curl_transfer.h"

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct curl_transport {
    struct transport base;
    struct loop *loop;
    CURLM *multi;
    struct curl_sockets sockets;
    struct loop_timer timer; /* libcurl's */
    struct loop_timer collect;
    size_t max;
    char *authority; /* NULL: http */
    struct {
        struct transfer **at;
        size_t len, cap;
    } all, idle, ended;
};

#define TRANSPORT_OF(t) ((struct curl_transport *)(t)) /* base is its first member */
#define OWNER_OF(member_ptr, member) \
    ((struct curl_transport *)(void *)((char *)(member_ptr)-offsetof(struct curl_transport, member)))

/* What libcurl calls. */

static int on_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    (void)unused;
    struct curl_transport *t = arg;
    struct transfer *x = NULL;
    if (what != CURL_POLL_REMOVE && curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&x) == CURLE_OK && x) {
        x->watched_fd = fd;
    }
    return curl_sockets_watch(&t->sockets, fd, what);
}

static int on_timer(CURLM *multi, long after_ms, void *arg)
{
    (void)multi;
    struct curl_transport *t = arg;
    if (after_ms < 0) {
        loop_timer_stop(&t->timer);
    } else {
        loop_timer_set(t->loop, &t->timer, loop_now(t->loop) + after_ms * NS_PER_MS);
    }
    return 0;
}

/* Hand the answer over; the transfer is free again once its owner has seen it. */
static void finish(struct transfer *x, CURLcode code, int64_t now)
{
    struct curl_transport *t = x->home;
    transfer_read(x, code, now);
    loop_timer_stop(&x->timeout);
    curl_multi_remove_handle(t->multi, x->easy);
    if (!x->answer.connected) {
        curl_sockets_gone(&t->sockets, x->fd, x);
    }
    if (x->peer) {
        x->peer->busy--;
    }
    x->active = x->ended = false;
    x->done(x->arg, &x->answer);
    *vec_push(&t->idle) = x;
}

/* Let libcurl work, and take its messages at once: to remove a handle it looks for it among those still there, and
 * after a stall there may be thousands. */
static void drive(struct curl_transport *t, curl_socket_t fd, int bits)
{
    int running, left;
    int64_t now = 0;
    curl_multi_socket_action(t->multi, fd, bits, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(t->multi, &left));) {
        struct transfer *x = NULL;
        if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x) == CURLE_OK) {
            now = now ? now : loop_tick(t->loop);
            x->ended = true;
            x->code = m->data.result;
            x->ended_ns = now;
            *vec_push(&t->ended) = x;
        }
    }
}

/* What ended before this call; what ends while the owners are told waits for a turn of its own. */
static void collect(struct curl_transport *t)
{
    loop_timer_stop(&t->collect);
    size_t count = t->ended.len;
    for (size_t i = 0; i < count; i++) {
        finish(t->ended.at[i], t->ended.at[i]->code, t->ended.at[i]->ended_ns);
    }
    t->ended.len -= count;
    if (t->ended.len > 0) {
        memmove(t->ended.at, t->ended.at + count, t->ended.len * sizeof(*t->ended.at));
        loop_timer_set(t->loop, &t->collect, loop_now(t->loop));
    }
}

/* What the loop calls. */

static void on_socket_ready(struct curl_sockets *s, int fd, int bits)
{
    struct curl_transport *t = OWNER_OF(s, sockets);
    drive(t, fd, bits);
    collect(t);
}

static void on_timer_due(struct loop_timer *timer, int64_t now)
{
    (void)now;
    struct curl_transport *t = OWNER_OF(timer, timer);
    drive(t, CURL_SOCKET_TIMEOUT, 0);
    collect(t);
}

static void on_collect_due(struct loop_timer *timer, int64_t now)
{
    (void)now;
    collect(OWNER_OF(timer, collect));
}

/* Its time is up. When we come late ourselves, its answer may be here and only not looked at yet: then it ends as what
 * it is, and its connection lives. */
static void on_timeout(struct loop_timer *timer, int64_t now)
{
    struct transfer *x = (struct transfer *)(void *)((char *)timer - offsetof(struct transfer, timeout));
    struct pollfd p = {.fd = x->watched_fd, .events = POLLIN};
    if (poll(&p, 1, 0) > 0) {
        drive(x->home, p.fd, CURL_CSELECT_IN);
    }
    collect(x->home); /* it may have ended by itself, even have begun anew, or end by libcurl's own clock meanwhile */
    if (x->active && !x->ended && !x->timeout.loop) {
        finish(x, CURLE_OPERATION_TIMEDOUT, now);
    }
}

static struct transfer *transfer_take(struct curl_transport *t, struct err *e)
{
    if (t->idle.len > 0) {
        return t->idle.at[--t->idle.len];
    }
    if (t->all.len >= t->max) {
        err_set(e, ERR_RUN, "client", "%zu requests are under way, more than were planned for", t->max);
        return NULL;
    }
    struct transfer *x = transfer_new(t, &t->sockets, t->authority);
    if (!x) {
        err_set(e, ERR_RUN, "client", "libcurl gives no handle");
        return NULL;
    }
    x->timeout.due = on_timeout;
    *vec_push(&t->all) = x;
    return x;
}

static int curl_send(struct transport *base, const struct exchange_request *r, exchange_done *done, void *arg,
                     struct err *e)
{
    struct curl_transport *t = TRANSPORT_OF(base);
    struct transfer *x = transfer_take(t, e);
    if (!x) {
        return -1;
    }
    if (!transfer_prepare(x, r)) {
        *vec_push(&t->idle) = x;
        return err_set(e, ERR_RUN, r->address, "'%.100s' is no request target", r->target);
    }
    x->done = done;
    x->arg = arg;
    x->answer.sent_ns = loop_tick(t->loop);
    CURLMcode bad = curl_multi_add_handle(t->multi, x->easy);
    if (bad) {
        *vec_push(&t->idle) = x;
        return err_set(e, ERR_RUN, r->address, "libcurl takes no request: %s", curl_multi_strerror(bad));
    }
    x->active = true;
    if (x->peer) {
        x->peer->busy++;
    }
    loop_timer_set(t->loop, &x->timeout, x->answer.sent_ns + r->timeout_ns);
    drive(t, CURL_SOCKET_TIMEOUT, 0);
    if (t->ended.len > 0) {
        loop_timer_set(t->loop, &t->collect, x->answer.sent_ns);
    }
    return 0;
}

static void curl_free_transport(struct transport *base)
{
    if (!base) {
        return;
    }
    struct curl_transport *t = TRANSPORT_OF(base);
    for (size_t i = 0; i < t->all.len; i++) {
        struct transfer *x = t->all.at[i];
        loop_timer_stop(&x->timeout);
        if (x->active) {
            curl_multi_remove_handle(t->multi, x->easy);
        }
        transfer_free(x);
    }
    curl_multi_cleanup(t->multi);
    curl_sockets_deinit(&t->sockets);
    free(t->sockets.sources);
    free(t->authority);
    loop_timer_stop(&t->timer);
    loop_timer_stop(&t->collect);
    vec_deinit(&t->all);
    vec_deinit(&t->idle);
    vec_deinit(&t->ended);
    curl_global_cleanup();
    free(t);
}

static const struct transport_ops curl_ops = {.send = curl_send, .free = curl_free_transport};

static bool set_multi(struct curl_transport *t)
{
    CURLMcode bad = CURLM_OK;
#define SET(option, value) (bad = bad ? bad : curl_multi_setopt(t->multi, option, value))
    SET(CURLMOPT_SOCKETFUNCTION, on_watch);
    SET(CURLMOPT_SOCKETDATA, t);
    SET(CURLMOPT_TIMERFUNCTION, on_timer);
    SET(CURLMOPT_TIMERDATA, t);
    SET(CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    SET(CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
    SET(CURLMOPT_MAX_HOST_CONNECTIONS, 0L);
    SET(CURLMOPT_MAXCONNECTS, (long)(2 * t->max));
#undef SET
    return !bad;
}

int transport_curl_new(struct transport **out, struct loop *l, size_t max_in_flight, struct err *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(e, ERR_MACHINE, "libcurl", "the library cannot be initialised");
    }
    struct curl_transport *t = xcalloc(1, sizeof(*t));
    t->base.ops = &curl_ops;
    t->loop = t->sockets.loop = l;
    t->sockets.ready = on_socket_ready;
    t->timer.due = on_timer_due;
    t->collect.due = on_collect_due;
    t->max = max_in_flight;
    t->multi = curl_multi_init();
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) || !t->multi || !set_multi(t)) {
        curl_free_transport(&t->base);
        err_set(e, ERR_MACHINE, "libcurl", "this build of the library cannot do what the load needs");
        return err_help(e, "install libcurl4 of Debian 12, or another build with an asynchronous resolver");
    }
    *out = &t->base;
    return 0;
}

void transport_curl_secure(struct transport *t, const char *authority)
{
    struct curl_transport *own = TRANSPORT_OF(t);
    free(own->authority);
    own->authority = xstrdup(authority);
}

void transport_curl_sources(struct transport *base, const uint32_t *addresses, size_t count)
{
    struct curl_sockets *s = &TRANSPORT_OF(base)->sockets;
    free(s->sources);
    s->sources = xcalloc(count + 1, sizeof(*s->sources));
    s->source_count = count > 1 ? count : 0;
    s->next_source = 0;
    for (size_t i = 0; i < s->source_count; i++) {
        s->sources[i].s_addr = htonl(addresses[i]);
    }
}
