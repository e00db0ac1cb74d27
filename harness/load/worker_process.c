/* SPDX-License-Identifier: MIT */
/*
 * A worker as a process of its own: loop, transport, worker, and the far end of the link.
 *
 * It ends when the conductor closes the link, be it on purpose or by dying. Signals from a terminal go to the whole
 * process group; they are ignored here, for the conductor decides when load ends and rolls back first. Every 20 ms
 * the state is looked at and told: a failure once, idle once.
 *
 * What fails before there is a worker is told as a failure, too, and the process stays until the link closes, so
 * that the reason arrives before the end does.
 */
#include "harness/load/link_frame.h"
#include "harness/load/load.h"
#include "harness/load/load_process.h"
#include "harness/load/needs.h"

#include "harness/base/err.h"
#include "harness/base/units.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#define TELL_EVERY_NS (20 * NS_PER_MS)

struct process {
    int fd;
    struct loop *loop;
    struct transport *transport;
    struct worker *worker;
    struct loop_io link;
    struct loop_timer tell;
    bool told_failure, told_idle, over;
};

static void tell_failure(struct process *p, const struct err *e)
{
    char text[496];
    snprintf(text, sizeof(text), "%.120s: %.280s%s%.80s", e->at, e->msg, e->help[0] ? "; " : "", e->help);
    p->told_failure = true;
    link_send(p->fd, LINK_FAILED, 0, text, NULL);
}

static void tell(struct process *p)
{
    const struct err *e = worker_failure(p->worker);
    if (e && !p->told_failure) {
        tell_failure(p, e);
    }
    if (!p->told_idle && worker_idle(p->worker)) {
        p->told_idle = true;
        link_send(p->fd, LINK_IDLE, 0, NULL, NULL);
    }
}

static void on_tell(struct loop_timer *timer, int64_t now)
{
    struct process *p = (struct process *)(void *)((char *)timer - offsetof(struct process, tell));
    tell(p);
    loop_timer_set(p->loop, timer, now + TELL_EVERY_NS);
}

static void obey(void *arg, const struct link_frame *f)
{
    struct process *p = arg;
    if (!p->worker) {
        return;
    }
    if (f->word == LINK_START) {
        worker_start(p->worker, f->number);
    } else if (f->word == LINK_STOP_WRITES) {
        worker_stop_writes(p->worker);
    } else if (f->word == LINK_STOP) {
        worker_stop(p->worker);
    }
}

static void on_link(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct process *p = (struct process *)(void *)((char *)io - offsetof(struct process, link));
    p->over = link_take_all(p->fd, obey, p) != LINK_NOTHING;
}

void load_ignore_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        sigaction(ignored[i], &ignore, NULL);
    }
}

/* The lab gave the client as many addresses as its ports take. */
void load_use_sources(struct transport *transport, const struct topology *t, uint16_t vantage)
{
    const struct topo_site *site = &t->sites[vantage];
    uint32_t addresses[TOPO_MAX_SOURCES];
    struct in_addr own = {0};
    inet_pton(AF_INET, t->nodes[site->first_node].address, &own);
    addresses[0] = ntohl(own.s_addr);
    for (uint16_t i = 1; i < site->sources; i++) {
        addresses[i] = topo_source(vantage, i);
    }
    transport_curl_sources(transport, addresses, site->sources);
}

static int start(struct process *p, const struct worker_config *c, struct err *e)
{
    size_t in_flight = worker_max_in_flight(c->plan, c->vantage);
    if (load_needs_check_ports(c->plan, c->vantage, e) != 0 ||
        transport_curl_new(&p->transport, p->loop, in_flight, e) != 0) {
        return -1;
    }
    if (c->authority) {
        transport_curl_secure(p->transport, c->authority);
    }
    if (worker_new(&p->worker, c, p->loop, p->transport, e) != 0) {
        return -1;
    }
    load_use_sources(p->transport, c->plan->topology, c->vantage);
    loop_timer_set(p->loop, &p->tell, loop_now(p->loop) + TELL_EVERY_NS);
    return link_send(p->fd, LINK_READY, 0, NULL, e);
}

_Noreturn void worker_main(const struct worker_config *c, int fd)
{
    load_ignore_signals();
    prctl(PR_SET_NAME, "drtest-load");
    struct err e = {0};
    struct process p = {.fd = fd, .link.ready = on_link, .tell.due = on_tell};
    p.loop = loop_new(&e);
    if (!p.loop || loop_io_set(p.loop, &p.link, fd, EPOLLIN, &e) != 0) {
        tell_failure(&p, &e);
        _exit(EXIT_FAILURE);
    }
    if (start(&p, c, &e) != 0) {
        tell_failure(&p, &e);
    }
    int broken = loop_run(p.loop, INT64_MAX, &p.over, &e);
    if (broken) {
        tell_failure(&p, &e);
    }
    worker_free(p.worker);
    if (p.transport) {
        p.transport->ops->free(p.transport);
    }
    loop_io_stop(&p.link);
    loop_timer_stop(&p.tell);
    loop_free(p.loop);
    _exit(broken ? EXIT_FAILURE : EXIT_SUCCESS);
}
