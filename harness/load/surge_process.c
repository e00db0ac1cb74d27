/* SPDX-License-Identifier: MIT */
/*
 * A surge as a process of its own, and the conductor's end of it. Like a worker it ends when the conductor closes the
 * link; it gives way to the prober (nice), and tells its tally every 50 ms as decimal numbers in the order of SURGE_TALLY.
 */
#include "harness/load/link_frame.h"
#include "harness/load/load_process.h"
#include "harness/load/surge.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define TELL_EVERY_NS (50 * NS_PER_MS)
#define GIVE_WAY 5

struct process {
    int fd;
    struct loop *loop;
    struct transport *transport;
    struct surge *surge;
    struct loop_io link;
    struct loop_timer tell;
    bool told_idle, over;
};

static void tell_failure(int fd, const struct err *e)
{
    char text[400];
    snprintf(text, sizeof(text), "%.100s: %.260s", e->at, e->msg);
    link_send(fd, LINK_FAILED, 0, text, NULL);
}

static void on_tell(struct loop_timer *timer, int64_t now)
{
    struct process *p = (struct process *)(void *)((char *)timer - offsetof(struct process, tell));
    struct surge_tally t = surge_count(p->surge);
    scoped_text struct text numbers = {0};
#define X(name) text_addf(&numbers, "%" PRIu64 " ", t.name);
    SURGE_TALLY(X)
#undef X
    link_send(p->fd, LINK_TALLY, t.at_ns, text_str(&numbers), NULL);
    if (!p->told_idle && surge_idle(p->surge)) {
        p->told_idle = true;
        link_send(p->fd, LINK_IDLE, 0, NULL, NULL);
    }
    loop_timer_set(p->loop, timer, now + TELL_EVERY_NS);
}

static void obey(void *arg, const struct link_frame *f)
{
    struct process *p = arg;
    if (!p->surge) {
        return;
    }
    if (f->word == LINK_START) {
        surge_start(p->surge, f->number);
    } else if (f->word == LINK_HEAL) {
        surge_heal(p->surge);
    } else if (f->word == LINK_STOP) {
        surge_stop(p->surge);
    }
}

static void on_link(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct process *p = (struct process *)(void *)((char *)io - offsetof(struct process, link));
    p->over = link_take_all(p->fd, obey, p) != LINK_NOTHING;
}

static int start(struct process *p, const struct surge_config *c, struct err *e)
{
    size_t most = surge_max_in_flight(c->step);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (transport_curl_new(&p->transport, p->loop, most, e) != 0) {
        return -1;
    }
    if (c->authority) {
        transport_curl_secure(p->transport, c->authority);
    }
    if (surge_new(&p->surge, c, p->loop, p->transport, e) != 0) {
        return -1;
    }
    load_use_sources(p->transport, c->plan->topology, c->vantage);
    loop_timer_set(p->loop, &p->tell, loop_now(p->loop) + TELL_EVERY_NS);
    return link_send(p->fd, LINK_READY, 0, NULL, e);
}

_Noreturn void surge_main(const struct surge_config *c, int fd)
{
    load_ignore_signals();
    prctl(PR_SET_NAME, "drtest-surge");
    (void)setpriority(PRIO_PROCESS, 0, GIVE_WAY);
    struct err e = {0};
    struct process p = {.fd = fd, .link.ready = on_link, .tell.due = on_tell};
    p.loop = loop_new(&e);
    if (!p.loop || loop_io_set(p.loop, &p.link, fd, EPOLLIN, &e) != 0) {
        tell_failure(fd, &e);
        _exit(EXIT_FAILURE);
    }
    if (start(&p, c, &e) != 0) {
        tell_failure(fd, &e);
    }
    int broken = loop_run(p.loop, INT64_MAX, &p.over, &e);
    surge_free(p.surge);
    if (p.transport) {
        p.transport->ops->free(p.transport);
    }
    loop_io_stop(&p.link);
    loop_timer_stop(&p.tell);
    loop_free(p.loop);
    _exit(broken ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* The conductor's end. */

struct surge_link {
    struct loop_io io;
    int fd;
    bool ready, idle, failed;
    struct surge_tally tally;
    char failure[sizeof(((struct link_frame *)0)->text)];
};

static void fail(struct surge_link *l, const char *why)
{
    if (!l->failed) {
        snprintf(l->failure, sizeof(l->failure), "%s", why);
        l->failed = true;
    }
}

bool surge_tally_read(struct surge_tally *to, const char *text)
{
    const char *at = text;
    struct surge_tally t = {.at_ns = to->at_ns};
    char *end;
#define X(name)                                \
    t.name = strtoull(at, &end, 10);           \
    if (*at < '0' || *at > '9' || *end != ' ') \
        return false;                          \
    at = end + 1;
    SURGE_TALLY(X)
#undef X
    *to = t;
    return *at == '\0';
}

static void take(void *arg, const struct link_frame *f)
{
    struct surge_link *l = arg;
    if (f->word == LINK_READY) {
        l->ready = true;
    } else if (f->word == LINK_IDLE) {
        l->idle = true;
    } else if (f->word == LINK_FAILED) {
        fail(l, f->text);
    } else if (f->word == LINK_TALLY && surge_tally_read(&l->tally, f->text)) {
        l->tally.at_ns = f->number;
    } else {
        fail(l, "the surge's process said what is no message of its own");
    }
}

static void on_news(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct surge_link *l = (struct surge_link *)io; /* io is its first member */
    enum link_news news = link_take_all(l->fd, take, l);
    if (news != LINK_NOTHING) {
        fail(l, news == LINK_CLOSED ? "the surge's process ended" : "the surge's process sent what is no message");
        loop_io_stop(&l->io);
    }
}

int surge_link_new(struct surge_link **out, int fd, struct loop *loop, struct err *e)
{
    struct surge_link *l = xcalloc(1, sizeof(*l));
    l->io.ready = on_news;
    l->fd = fd;
    if (loop_io_set(loop, &l->io, fd, EPOLLIN, e) != 0) {
        free(l);
        return -1;
    }
    *out = l;
    return 0;
}

void surge_link_free(struct surge_link *l)
{
    if (l) {
        loop_io_stop(&l->io);
    }
    free(l);
}

int surge_link_tell(struct surge_link *l, enum surge_order order, int64_t at_ns, struct err *e)
{
    static const enum link_word words[] = {
        [SURGE_START] = LINK_START, [SURGE_HEAL] = LINK_HEAL, [SURGE_STOP] = LINK_STOP};
    return link_send(l->fd, words[order], at_ns, NULL, e);
}

bool surge_link_ready(const struct surge_link *l)
{
    return l->ready;
}

bool surge_link_idle(const struct surge_link *l)
{
    return l->idle;
}

struct surge_tally surge_link_count(const struct surge_link *l)
{
    return l->tally;
}

const char *surge_link_failure(const struct surge_link *l)
{
    return l->failed ? l->failure : NULL;
}
