/* SPDX-License-Identifier: MIT */
/*
 * Faults about connections, carriers, lengths and stalls, each seen from outside by sockets that the injectors know
 * nothing of. What the kernel cannot do is said and passed over.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/wire.h"
#include "tests/live/lab_drill.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Nodes of the stage: us-east/1, us-east/2, us-east/origin-1, eu-west/1, ... Link 0 joins the two regions. */
enum { EAST = 0, WEST = 3 };

static bool can(enum lab_effect effect)
{
    struct lab_caps caps;
    bool able = lab_caps_probe(&caps, NULL) == 0 && caps.effects[effect].available;
    if (!able) {
        printf("skipped: %s: %s\n", lab_effect_words[effect], caps.effects[effect].why);
    }
    return able;
}

/* A connection of the test's own. */
struct line {
    int near, far;
};

static int listener(struct drill *d, uint16_t node, struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int fd = lab_netns.node_socket(d->lab, node, SOCK_STREAM, &d->stage->err);
    *at = (struct sockaddr_in){.sin_family = AF_INET};
    inet_pton(AF_INET, d->stage->topo.nodes[node].address, &at->sin_addr);
    drill_must(d, fd < 0 || bind(fd, (struct sockaddr *)at, len) != 0 || listen(fd, 1) != 0 ||
                      getsockname(fd, (struct sockaddr *)at, &len) != 0, "listening");
    return fd;
}

static bool ready(int fd, short what, int ms)
{
    struct pollfd p = {.fd = fd, .events = what};
    return poll(&p, 1, ms) == 1;
}

static struct line dial(struct drill *d, uint16_t from, uint16_t to)
{
    struct sockaddr_in at;
    scoped_fd int listening = listener(d, to, &at);
    struct line l = {.near = lab_netns.node_socket(d->lab, from, SOCK_STREAM, &d->stage->err), .far = -1};
    drill_must(d, connect(l.near, (struct sockaddr *)&at, sizeof(at)) != 0 && errno != EINPROGRESS, "dialling");
    drill_must(d, !ready(listening, POLLIN, 2000), "a call");
    l.far = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    drill_must(d, l.far < 0, "taking a call");
    return l;
}

static bool carries(const struct line *l)
{
    char byte = 'x';
    bool there =
        send(l->near, &byte, 1, MSG_NOSIGNAL) == 1 && ready(l->far, POLLIN, 2000) && recv(l->far, &byte, 1, 0) == 1;
    return there && send(l->far, &byte, 1, MSG_NOSIGNAL) == 1 && ready(l->near, POLLIN, 2000) &&
           recv(l->near, &byte, 1, 0) == 1;
}

static bool has_ended(int fd)
{
    char byte;
    ssize_t n = ready(fd, POLLIN, 1000) ? recv(fd, &byte, 1, 0) : 1;
    return n == 0 || (n < 0 && (errno == ECONNRESET || errno == ECONNABORTED));
}

static void hang_up(struct line *l)
{
    fd_close(&l->near);
    fd_close(&l->far);
}

static void blocking(struct stage *s, enum link_direction direction)
{
    struct drill d;
    drill_begin(&d, s, "block_new", &(struct action){.target = TARGET_LINK, .link = 0, .direction = direction});
    printf("by %s\n", lab_netns.mechanism(d.lab, EFFECT_FILTER).name);
    struct line old = dial(&d, EAST, WEST);
    CHECK(carries(&old));
    drill_apply(&d);
    CHECK(stage_knock(d.lab, EAST, WEST, 400 * NS_PER_MS) == KNOCK_SILENT);
    CHECK((stage_knock(d.lab, WEST, EAST, 400 * NS_PER_MS) == KNOCK_SILENT) == (direction == DIRECTION_BOTH));
    CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), WEST, 2 * NS_PER_S) == KNOCK_ANSWERED);
    CHECK(carries(&old));
    CHECK(stage_datagrams(d.lab, 0, 20) == 20);
    CHECK(drill_prove(&d, false, 4 * NS_PER_S) == PROOF_PROVEN);
    CHECK(drill_prove(&d, false, 4 * NS_PER_S) == PROOF_PROVEN);
    drill_heal(&d);
    CHECK(stage_knock(d.lab, EAST, WEST, 2 * NS_PER_S) == KNOCK_ANSWERED);
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    CHECK(carries(&old));
    hang_up(&old);
    drill_end(&d);
}

static void blocks_new(struct stage *s)
{
    if (can(EFFECT_FILTER)) {
        blocking(s, DIRECTION_BOTH);
    }
}

static void blocks_new_one_way(struct stage *s)
{
    if (can(EFFECT_FILTER)) {
        blocking(s, DIRECTION_FORWARD);
    }
}

static void blocks_new_by_wire(struct stage *s)
{
    s->options.forced[EFFECT_FILTER] = "wire";
    blocking(s, DIRECTION_FORWARD);
}

/* The lab is told to open the path again behind the fabric's back: neither the filter nor the silence is there. */
static void blocks_nothing(struct stage *s)
{
    if (!can(EFFECT_FILTER)) {
        return;
    }
    struct drill d;
    const struct path_state open = {0};
    drill_begin(&d, s, "block_new", &(struct action){.target = TARGET_LINK, .link = 0});
    drill_apply(&d);
    drill_must(&d, lab_netns.path_set(d.lab, 0, &open, &s->err), "behind the fabric's back");
    CHECK(drill_prove(&d, false, 500 * NS_PER_MS) == PROOF_REFUTED);
    drill_end(&d);
}

static void disconnecting(struct stage *s, const struct action *a)
{
    struct drill d;
    drill_begin(&d, s, "disconnect", a);
    struct line hit = dial(&d, EAST, WEST), spared = dial(&d, stage_client(&s->topo, 1), WEST);
    CHECK(carries(&hit) && carries(&spared));
    drill_apply(&d);
    CHECK(has_ended(hit.near) && has_ended(hit.far));
    CHECK(carries(&spared));
    CHECK(stage_knock(d.lab, EAST, WEST, 2 * NS_PER_S) == KNOCK_ANSWERED);
    CHECK(drill_prove(&d, false, 4 * NS_PER_S) == PROOF_PROVEN);
    drill_heal(&d);
    CHECK(drill_prove(&d, true, 4 * NS_PER_S) == PROOF_PROVEN);
    hang_up(&hit);
    hang_up(&spared);
    drill_end(&d);
}

static void disconnects_a_link(struct stage *s)
{
    if (can(EFFECT_DISCONNECT)) {
        disconnecting(s, &(struct action){.target = TARGET_LINK, .link = 0});
    }
}

static void disconnects_a_region(struct stage *s)
{
    if (can(EFFECT_DISCONNECT)) {
        disconnecting(s, &(struct action){.target = TARGET_REGION, .site = 0});
    }
}

static void disconnects_a_gateway(struct stage *s)
{
    if (can(EFFECT_DISCONNECT)) {
        disconnecting(s, &(struct action){.target = TARGET_NODE, .node = EAST});
    }
}

/* What a caller is told, and how soon: 0 nothing within two seconds. */
static int told(struct drill *d, uint16_t from, uint16_t to)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(TOPO_PORT_HTTP)};
    inet_pton(AF_INET, d->stage->topo.nodes[to].address, &at.sin_addr);
    scoped_fd int fd = lab_netns.node_socket(d->lab, from, SOCK_STREAM, &d->stage->err);
    int os = 0;
    socklen_t len = sizeof(os);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 && errno != EINPROGRESS) {
        return errno;
    }
    return ready(fd, POLLOUT, 2000) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &os, &len) == 0 ? os : 0;
}

/* With a wire, frames are under way while the devices at its ends go down. Whether the kernel drops them in silence
 * or says so hangs on when it notices that the carrier has gone; either way they are not lost of the wire's own
 * doing. */
static void unplug_under_way(struct drill *d, bool wired)
{
    const struct path_state slow = {.delay_ns = 200 * NS_PER_MS};
    for (uint16_t path = 0; path < 2 && wired; path++) {
        drill_must(d, fabric_lay(d->fabric, 2, path, &slow, &d->stage->err), "a delay");
    }
    drill_pass(d, 300 * NS_PER_MS);
    drill_apply(d);
    drill_must(d, fabric_lift(d->fabric, 2, &d->stage->err), "no delay");
}

static void check_books(struct drill *d)
{
    struct wire_counts counts;
    drill_must(d, lab_netns.carriage(d->lab, &counts, &d->stage->err), "the wire's books");
    printf("lost %llu as asked, %llu unasked\n", (unsigned long long)counts.lost, (unsigned long long)counts.overflow);
    CHECK(counts.overflow == 0);
}

static void unplugging(struct stage *s, bool wired)
{
    struct drill d;
    drill_begin(&d, s, "unplug", &(struct action){.target = TARGET_LINK, .link = 0});
    unplug_under_way(&d, wired);
    int os = told(&d, EAST, WEST), back = told(&d, WEST, EAST);
    printf("callers are told: %s, %s\n", strerror(os), strerror(back));
    CHECK((os == ENETUNREACH || os == EHOSTUNREACH) && (back == ENETUNREACH || back == EHOSTUNREACH));
    CHECK(stage_datagrams(d.lab, 0, 20) == 0 && stage_datagrams(d.lab, 1, 20) == 0);
    CHECK(stage_datagrams(d.lab, 2, 20) == 20);
    CHECK(drill_prove(&d, false, 3 * NS_PER_S) == PROOF_PROVEN);
    drill_heal(&d);
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    CHECK(stage_datagrams(d.lab, 0, 20) == 20 && stage_datagrams(d.lab, 1, 20) == 20);
    CHECK(stage_knock(d.lab, EAST, WEST, 2 * NS_PER_S) == KNOCK_ANSWERED);
    if (wired) {
        check_books(&d);
    }
    drill_end(&d);
}

static void unplugs(struct stage *s)
{
    unplugging(s, false);
}

static void unplugs_a_wired_link(struct stage *s)
{
    s->options.forced[EFFECT_DEGRADE] = "wire";
    drill_also(1u << EFFECT_DEGRADE);
    unplugging(s, true);
}

/* Of n IP packets of so many bytes, how many come through? */
static int packets(struct drill *d, uint16_t path, size_t ip_bytes, int n)
{
    char bytes[1500] = {0};
    int out = -1, in = -1, arrived = 0;
    drill_must(d, lab_netns.path_sockets(d->lab, path, 0, &out, &in, &d->stage->err), "sockets");
    for (int i = 0; i < n; i++) {
        CHECK(send(out, bytes, ip_bytes - 28, 0) == (ssize_t)(ip_bytes - 28));
        arrived += ready(in, POLLIN, 50) && recv(in, bytes, sizeof(bytes), 0) == (ssize_t)(ip_bytes - 28);
    }
    fd_close(&out);
    fd_close(&in);
    return arrived;
}

static void swallows_long_packets(struct stage *s)
{
    struct action a = {.target = TARGET_LINK, .link = 0, .direction = DIRECTION_FORWARD, .shape = {.mtu_bytes = 1000}};
    if (!can(EFFECT_FILTER)) {
        return;
    }
    struct drill d;
    if (can(EFFECT_DEGRADE)) {
        a.shape.delay_ns = 5 * NS_PER_MS;
    }
    drill_begin(&d, s, "degrade", &a);
    drill_pass(&d, 600 * NS_PER_MS); /* long canaries are few */
    CHECK(packets(&d, 0, 1001, 10) == 10);
    drill_apply(&d);
    CHECK(packets(&d, 0, 1000, 10) == 10 && packets(&d, 0, 1001, 10) == 0 && packets(&d, 0, 1500, 10) == 0);
    CHECK(packets(&d, 1, 1001, 10) == 10);
    CHECK(drill_prove(&d, false, 4 * NS_PER_S) == PROOF_PROVEN);
    drill_heal(&d);
    CHECK(packets(&d, 0, 1001, 10) == 10);
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    drill_end(&d);
}

/* Nothing comes while it lasts, then everything, in order, nothing twice. */
static void stalls(struct stage *s)
{
    const unsigned char sent = 50;
    struct drill d;
    int out = -1, in = -1, arrived = 0;
    if (!can(EFFECT_STALL)) {
        return;
    }
    drill_begin(&d, s, "stall", &(struct action){.target = TARGET_LINK, .link = 0, .direction = DIRECTION_FORWARD});
    drill_must(&d, lab_netns.path_sockets(d.lab, 0, 0, &out, &in, &s->err), "sockets");
    drill_apply(&d);
    for (unsigned char i = 0; i < sent; i++) {
        CHECK(send(out, &i, 1, 0) == 1);
    }
    CHECK(drill_prove(&d, false, 3 * NS_PER_S) == PROOF_PROVEN);
    CHECK(!ready(in, POLLIN, 300));
    CHECK(stage_datagrams(d.lab, 1, 20) == 20);
    drill_heal(&d);
    for (unsigned char i = 0, byte; i < sent; i++) {
        arrived += ready(in, POLLIN, 2000) && recv(in, &byte, 1, 0) == 1 && byte == i;
    }
    CHECK(arrived == sent && !ready(in, POLLIN, 100));
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    fd_close(&out);
    fd_close(&in);
    drill_end(&d);
}

static int state_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_state : -1;
}

/* A node without power is gone, and its peer does not know: the half of the
 * connection that is left stays established. */
static void leaves_half_a_connection(struct stage *s)
{
    struct drill d;
    drill_begin(&d, s, "kill", &(struct action){.target = TARGET_NODE, .node = EAST, .how = KILL_POWER});
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(TOPO_PORT_HTTP)};
    inet_pton(AF_INET, s->topo.nodes[EAST].address, &at.sin_addr);
    scoped_fd int fd = lab_netns.node_socket(d.lab, stage_client(&s->topo, 0), SOCK_STREAM, &s->err);
    drill_must(&d, connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 && errno != EINPROGRESS, "dialling");
    CHECK(ready(fd, POLLOUT, 2000) && state_of(fd) == TCP_ESTABLISHED);
    drill_apply(&d);
    CHECK(lab_netns.node_state(d.lab, EAST) == NODE_DOWN);
    CHECK(!ready(fd, POLLIN | POLLHUP, 1000));
    CHECK(state_of(fd) == TCP_ESTABLISHED);
    drill_heal(&d);
    drill_end(&d);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"block_new", blocks_new},
                                      {"block_new, one way", blocks_new_one_way},
                                      {"block_new by the wire", blocks_new_by_wire},
                                      {"a block_new that is none", blocks_nothing},
                                      {"disconnect a link", disconnects_a_link},
                                      {"disconnect a region", disconnects_a_region},
                                      {"disconnect a gateway", disconnects_a_gateway},
                                      {"unplug", unplugs},
                                      {"unplug a wired link", unplugs_a_wired_link},
                                      {"mtu", swallows_long_packets},
                                      {"stall", stalls},
                                      {"half a connection", leaves_half_a_connection}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
