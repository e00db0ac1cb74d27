/* SPDX-License-Identifier: MIT */
/*
 * A surge in a real world, counted where it arrives: what the gateway says it was asked, and the connections that the
 * kernel has on the gateway's port, seen from the gateway's own namespace.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/load/surge.h"
#include "tests/live/lab_stage.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RATE = 150, SLOW = 20, GATEWAY = 0, TABLE_MAX = 1 << 20 };

static struct lab *lab;

/* Established connections to port 8080, by /proc/net/tcp of the node's namespace. */
static int established(uint16_t node)
{
    struct child c;
    struct err e = {0};
    int side = lab_netns.client_fork(lab, node, &c, &e);
    if (side == 0) {
        scoped_text struct text table = {0};
        unsigned port, state, n = 0;
        if (text_read_file(&table, "/proc/thread-self/net/tcp", TABLE_MAX, NULL) != 0) {
            _exit(255);
        }
        for (const char *line = strchr(text_str(&table), '\n'); line; line = strchr(line + 1, '\n')) {
            n += sscanf(line, " %*d: %*8x:%4x %*8x:%*4x %2x", &port, &state) == 2 && port == 8080 && state == 1;
        }
        _exit(n < 255 ? (int)n : 254);
    }
    return side < 0 || child_wait(&c, 5 * NS_PER_S, NULL) != 0 ? -1 : (c.status >> 8) & 255;
}

struct counted {
    json_int_t requests;
    bool done;
};

static void take_status(void *arg, const struct lab_answer *a)
{
    struct counted *c = arg;
    c->requests = json_integer_value(json_object_get(a->body, "requests"));
    c->done = true;
}

static json_int_t requests_of(uint16_t gateway)
{
    struct counted c = {0};
    CHECK(lab_netns.admin(lab, gateway, "GET", "/status", NULL, NS_PER_S, take_status, &c, NULL) == 0);
    loop_run(lab_netns.loop(lab), clock_mono_ns() + 2 * NS_PER_S, &c.done, NULL);
    return c.requests;
}

static void pass(int64_t ns)
{
    loop_run(lab_netns.loop(lab), clock_mono_ns() + ns, NULL, NULL);
}

static struct surge_link *begin(struct stage *s, struct plan *plan, struct plan_step *step, struct child *process,
                                int *control)
{
    struct surge_link *link = NULL;
    int pair[2];
    uint16_t vantage = (uint16_t)(s->topo.site_count / 2);
    const struct surge_config c = {.plan = plan, .step = step, .vantage = vantage, .http_port = TOPO_PORT_HTTP};
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    int side = lab_netns.client_fork(lab, stage_client(&s->topo, 0), process, &s->err);
    if (side == 0) {
        close(pair[0]);
        surge_main(&c, pair[1]);
    }
    if (side < 0 || surge_link_new(&link, pair[0], lab_netns.loop(lab), &s->err) != 0) {
        stage_give_up(s, "starting the surge");
    }
    close(pair[1]);
    *control = pair[0];
    for (int i = 0; i < 200 && !surge_link_ready(link); i++) {
        pass(10 * NS_PER_MS);
    }
    CHECK(surge_link_ready(link) && !surge_link_failure(link));
    return link;
}

static void arrives(struct stage *s)
{
    uint16_t endpoints[] = {GATEWAY, 1};
    if (strstr(s->options.gateway_path, "lab_echo")) {
        printf("the stand-in counts no requests\n");
        return;
    }
    stage_topology(&s->topo, 1, 2);
    s->topo.endpoints = endpoints;
    s->topo.endpoint_count = 2;
    struct plan plan = {.seed = 1, .topology = &s->topo};
    struct plan_step step = {.id = 1};
    step.action.surge = (struct surge_wish){
        .rate_micro = RATE * PPM, .slow_clients = SLOW, .timeout_ns = NS_PER_S, .path = "/v1/orders"};
    lab = stage_open(s);
    pass(500 * NS_PER_MS);
    struct child process = {.pidfd = -1};
    int control = -1;
    struct surge_link *link = begin(s, &plan, &step, &process, &control);
    json_int_t before = requests_of(GATEWAY);
    CHECK(surge_link_tell(link, SURGE_START, clock_mono_ns(), &s->err) == 0);
    pass(2500 * NS_PER_MS);
    int standing = established(GATEWAY);
    CHECK(standing >= SLOW * 9 / 10);
    CHECK(surge_link_tell(link, SURGE_STOP, clock_mono_ns(), &s->err) == 0);
    for (int i = 0; i < 300 && !surge_link_idle(link); i++) {
        pass(10 * NS_PER_MS);
    }
    struct surge_tally t = surge_link_count(link);
    json_int_t arrived = requests_of(GATEWAY) - before;
    printf("%llu planned, %llu offered, %lld arrived (with those of slow clients), %d connections stood\n",
           (unsigned long long)t.planned, (unsigned long long)t.offered, (long long)arrived, standing);
    CHECK(surge_link_idle(link) && t.planned >= 2 * RATE && t.offered == t.planned && t.unsent == 0);
    CHECK(arrived >= (json_int_t)t.offered && t.sent == t.offered && t.good + t.bad == t.offered && t.held == 0);
    pass(200 * NS_PER_MS);
    CHECK(established(GATEWAY) < SLOW / 2);
    surge_link_free(link);
    fd_close(&control);
    CHECK(child_wait(&process, 2 * NS_PER_S, NULL) == 0);
    lab_netns.close(lab);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"a surge arrives", arrives}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
