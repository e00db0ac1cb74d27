/* SPDX-License-Identifier: MIT */
/*
 * A client that needs more ports than one address has. Its range of ports is made tiny, so that what takes a minute at
 * 500 connections a second takes a moment here: with one address the ports run out and the requests that find none are
 * errors of ours; with four all leave, and the server sees four clients. That they run out at all shows who closes
 * first: the client, whose ports then stay in TIME_WAIT.
 */
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/load/client.h"
#include "harness/load/needs.h"
#include "tests/live/lab_stage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORTS = 64, SOURCES = 4, REQUESTS = 160, ONE_PORT = 9001, FOUR_PORT = 9002, PEERS_MAX = 16 };

/* What the processes tell each other. */
struct seen {
    volatile bool listening;
    uint32_t peers[PEERS_MAX]; /* who asked at FOUR_PORT */
    volatile size_t peer_count;
    size_t good_of_one, local_of_one, good_of_four, local_of_four;
};

static struct seen *seen;

/* The server: keeps every connection until the client closes it. */

struct visitor {
    struct loop_io io;
};

static void on_request(struct loop_io *io, uint32_t events)
{
    (void)events;
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    char bytes[4096];
    int fd = io->fd;
    if (recv(fd, bytes, sizeof(bytes), 0) <= 0) {
        loop_io_stop(io);
        fd_close(&fd);
        free(io);
        return;
    }
    if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0) {
        shutdown(fd, SHUT_RDWR);
    }
}

static void note_peer(uint32_t address)
{
    for (size_t i = 0; i < seen->peer_count; i++) {
        if (seen->peers[i] == address) {
            return;
        }
    }
    if (seen->peer_count < PEERS_MAX) {
        seen->peers[seen->peer_count] = address;
        seen->peer_count++;
    }
}

static void on_visit(struct loop_io *io, uint32_t events)
{
    (void)events;
    struct sockaddr_in peer = {0}, own = {0};
    socklen_t len = sizeof(peer), own_len = sizeof(own);
    int fd = accept4(io->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 && ntohs(own.sin_port) == FOUR_PORT) {
        note_peer(ntohl(peer.sin_addr.s_addr));
    }
    struct visitor *v = calloc(1, sizeof(*v));
    if (v) {
        v->io.ready = on_request;
        loop_io_set(io->loop, &v->io, fd, EPOLLIN, NULL);
    }
}

static void listen_on(struct loop *l, struct loop_io *io, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    io->ready = on_visit;
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 128) == 0);
    CHECK(loop_io_set(l, io, fd, EPOLLIN, NULL) == 0);
}

static _Noreturn void serve(void)
{
    struct loop_io one = {0}, four = {0};
    struct loop *l = loop_new(NULL);
    CHECK(l != NULL);
    listen_on(l, &one, ONE_PORT);
    listen_on(l, &four, FOUR_PORT);
    seen->listening = true;
    loop_run(l, loop_now(l) + 30 * NS_PER_S, NULL, NULL);
    _exit(0);
}

/* The client. */

struct tally {
    size_t ended, good, local;
};

static void on_done(void *arg, const struct exchange_answer *a)
{
    struct tally *t = arg;
    t->ended++;
    t->good += a->status == 200;
    t->local += a->local_error;
}

static struct tally ask(struct loop *l, struct transport *t, const char *address, uint16_t port)
{
    struct tally all = {0};
    for (size_t i = 0; i < REQUESTS; i++) {
        struct exchange_request r = {
            .fresh = true, .address = address, .port = port, .target = "/", .nonce = i, .timeout_ns = 2 * NS_PER_S};
        CHECK(t->ops->send(t, &r, on_done, &all, NULL) == 0);
        for (int turns = 0; all.ended <= i && turns < 300; turns++) {
            loop_run(l, loop_tick(l) + 10 * NS_PER_MS, NULL, NULL);
        }
    }
    return all;
}

static void shrink_ports(void)
{
    char range[32];
    int len = snprintf(range, sizeof(range), "40000 %d\n", 40000 + PORTS - 1);
    scoped_fd int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0 && write(fd, range, (size_t)len) == len);
}

static void check_ports(const struct stage *s, uint16_t site)
{
    struct plan_stream stream = {.kind = STREAM_READ_FRESH, .vantage = site, .timeout_ns = NS_PER_S, .path = "/"};
    struct topology t = s->topo;
    struct plan p = {.name = "test", .topology = &t, .streams = &stream, .stream_count = 1};
    struct err e = {0};
    t.failover.probe_every_ns = 0;
    stream.rate_micro = 4 * PPM; /* 240 in a minute and 8 under way: four addresses have 256 */
    CHECK(load_needs_check_ports(&p, site, &e) == 0);
    stream.rate_micro = 5 * PPM;
    CHECK(load_needs_check_ports(&p, site, &e) != 0 && e.kind == ERR_MACHINE && e.help[0]);
}

static _Noreturn void visit(struct stage *s, uint16_t site, const char *address)
{
    struct loop *l = loop_new(NULL);
    struct transport *t = NULL;
    struct in_addr own = {0};
    uint32_t sources[SOURCES];
    if (!l || transport_curl_new(&t, l, 16, &s->err) != 0) {
        stage_give_up(s, "transport");
    }
    shrink_ports();
    check_ports(s, site);
    struct tally one = ask(l, t, address, ONE_PORT);
    inet_pton(AF_INET, s->topo.nodes[s->topo.sites[site].first_node].address, &own);
    sources[0] = ntohl(own.s_addr);
    for (uint16_t i = 1; i < SOURCES; i++) {
        sources[i] = topo_source(site, i);
    }
    transport_curl_sources(t, sources, SOURCES);
    struct tally four = ask(l, t, address, FOUR_PORT);
    seen->good_of_one = one.good;
    seen->local_of_one = one.local;
    seen->good_of_four = four.good;
    seen->local_of_four = four.local;
    t->ops->free(t);
    loop_free(l);
    _exit(0);
}

static void fork_into(struct stage *s, struct lab *lab, uint16_t node, struct child *c, int *side)
{
    *side = lab_netns.client_fork(lab, node, c, &s->err);
    if (*side < 0) {
        stage_give_up(s, "forking into a node");
    }
}

static void four_addresses_have_four_times_the_ports(struct stage *s)
{
    struct child server = {0}, client = {0};
    int side;
    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(seen != MAP_FAILED);
    stage_topology(&s->topo, 2, 1);
    uint16_t node = stage_client(&s->topo, 0), site = s->topo.nodes[node].site;
    s->topo.sites[site].sources = SOURCES;
    struct lab *lab = NULL;
    if (lab_netns.open(&lab, &s->topo, &s->options, &s->err) != 0) {
        stage_give_up(s, "opening the lab");
    }
    fork_into(s, lab, 0, &server, &side);
    if (side == 0) {
        serve();
    }
    for (int i = 0; i < 500 && !seen->listening; i++) {
        stage_pass_ms(10);
    }
    CHECK(seen->listening);
    fork_into(s, lab, node, &client, &side);
    if (side == 0) {
        visit(s, site, s->topo.nodes[0].address);
    }
    CHECK(child_wait(&client, 40 * NS_PER_S, &s->err) == 0 && client.status == 0);
    printf("one address: %zu good, %zu without a port; four: %zu good, %zu without a port, seen as %zu clients\n",
           seen->good_of_one, seen->local_of_one, seen->good_of_four, seen->local_of_four, seen->peer_count);
    CHECK(seen->good_of_one <= PORTS && seen->local_of_one == REQUESTS - seen->good_of_one);
    CHECK(seen->good_of_four == REQUESTS && seen->local_of_four == 0);
    CHECK(seen->peer_count == SOURCES);
    child_stop(&server, 0, NULL);
    lab_netns.close(lab);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"four_addresses", four_addresses_have_four_times_the_ports}};
    return stage_main(argc, argv, acts, array_len(acts));
}
