/* SPDX-License-Identifier: MIT */
/*
 * Method: everything happens on one loop that ends when the link does. A timer of the embedding process looks at its
 * state and tells it, so that nothing has to call back from the depths.
 */
#include "harness/load/load_process.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

static void ignore_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        sigaction(ignored[i], &ignore, NULL);
    }
}

static void on_timer(struct loop_timer *timer, int64_t now)
{
    struct load_process *p = (struct load_process *)(void *)((char *)timer - offsetof(struct load_process, timer));
    p->tell(p);
    loop_timer_set(p->loop, timer, now + p->tell_every_ns);
}

static void on_link(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct load_process *p = (struct load_process *)(void *)((char *)io - offsetof(struct load_process, link));
    p->over = link_take_all(p->fd, p->obey, p) != LINK_NOTHING;
}

void load_process_begin(struct load_process *p, const char *name, int fd)
{
    struct err e = {0};
    ignore_signals();
    prctl(PR_SET_NAME, name);
    p->fd = fd;
    p->link.ready = on_link;
    p->timer.due = on_timer;
    p->loop = loop_new(&e);
    if (!p->loop || loop_io_set(p->loop, &p->link, fd, EPOLLIN, &e) != 0) {
        load_process_fail(p, &e);
        _exit(EXIT_FAILURE);
    }
}

static void use_sources(struct transport *transport, const struct topology *t, uint16_t vantage)
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

int load_process_connect(struct load_process *p, size_t in_flight, const char *authority, const struct topology *t,
                         uint16_t vantage, struct err *e)
{
    if (transport_curl_new(&p->transport, p->loop, in_flight, e) != 0) {
        return -1;
    }
    if (authority) {
        transport_curl_secure(p->transport, authority);
    }
    use_sources(p->transport, t, vantage);
    return 0;
}

int load_process_ready(struct load_process *p, struct err *e)
{
    loop_timer_set(p->loop, &p->timer, loop_now(p->loop) + p->tell_every_ns);
    return link_send(p->fd, LINK_READY, 0, NULL, e);
}

void load_process_fail(struct load_process *p, const struct err *e)
{
    char text[496];
    if (p->told_failure) {
        return;
    }
    p->told_failure = true;
    snprintf(text, sizeof(text), "%.120s: %.280s%s%.80s", e->at, e->msg, e->help[0] ? "; " : "", e->help);
    link_send(p->fd, LINK_FAILED, 0, text, NULL);
}

void load_process_idle(struct load_process *p)
{
    if (!p->told_idle) {
        p->told_idle = true;
        link_send(p->fd, LINK_IDLE, 0, NULL, NULL);
    }
}

int load_process_run(struct load_process *p)
{
    struct err e = {0};
    if (loop_run(p->loop, INT64_MAX, &p->over, &e) == 0) {
        return EXIT_SUCCESS;
    }
    load_process_fail(p, &e);
    return EXIT_FAILURE;
}

void load_process_end(struct load_process *p)
{
    if (p->transport) {
        p->transport->ops->free(p->transport);
    }
    loop_io_stop(&p->link);
    loop_timer_stop(&p->timer);
    loop_free(p->loop);
}
