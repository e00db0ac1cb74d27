/* SPDX-License-Identifier: MIT */
/*
 * Faults that select by port or by many links, and rejects, measured from outside: a process in the namespace of one
 * node connects to echo servers in those of the others, hundreds of times, holds streams open, and counts errors.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "injectors/injector.h"
#include "tests/live/lab_probe.h"
#include "tests/live/lab_stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTS = 400, DATAGRAMS = 20, PATHS_MAX = 64, HEALS = 20, ATTEMPTS_MAX = 20000 };

/* ---- the world: echo servers instead of nodes ---- */

static struct child servers[64];

static struct lab *open_world(struct stage *s, uint16_t regions, const struct action *a)
{
    static unsigned effects[64];
    struct lab *lab = NULL;
    stage_topology(&s->topo, regions, 1);
    injection_link_effects(&s->topo, a, effects);
    s->options.link_effects = effects;
    if (lab_netns.open(&lab, &s->topo, &s->options, &s->err) != 0) {
        stage_give_up(s, "opening the lab");
    }
    for (uint16_t n = 0; n < s->topo.node_count; n++) {
        int side = lab_netns.client_fork(lab, n, &servers[n], &s->err);
        if (side == 0) {
            probe_echo();
        }
        CHECK(side == 1);
    }
    for (int i = 0; i < 100 && stage_knock(lab, 0, 0, NS_PER_S) != KNOCK_ANSWERED; i++) {
        stage_pass_ms(10);
    }
    stage_pass_ms(50 * stage_slow());
    return lab;
}

static void close_world(struct stage *s, struct lab *lab)
{
    for (uint16_t n = 0; n < s->topo.node_count; n++) {
        child_stop(&servers[n], 0, NULL);
    }
    lab_netns.close(lab);
}

/* ---- a fault, as the conductor goes about it ---- */

struct drill {
    struct stage *stage;
    struct lab *lab;
    struct fabric *fabric;
    struct action action;
    struct injection in;
    const struct injector *injector;
    struct canary *canaries[PATHS_MAX], *control;
};

static void must(struct drill *d, int rc, const char *doing)
{
    if (rc != 0) {
        stage_give_up(d->stage, doing);
    }
}

static void begin(struct drill *d, struct stage *s, uint16_t regions, const char *verb, const struct action *a)
{
    *d = (struct drill){.stage = s, .action = *a, .injector = injector_find(verb)};
    d->action.type = &d->injector->type;
    d->action.shape.gate_count = a->port || a->way;
    d->action.shape.gates[0] = (struct path_gate){a->port, a->way};
    d->action.shape.cut = d->action.shape.gate_count == 0;
    d->lab = open_world(s, regions, &d->action);
    must(d, fabric_new(&d->fabric, d->lab, &s->topo, &s->err), "fabric");
    uint16_t paths[PATHS_MAX], other = 0;
    size_t n = injection_paths(&s->topo, a, paths, PATHS_MAX);
    for (size_t i = 0; i < n; i++) {
        must(d, canary_new(&d->canaries[i], d->lab, paths[i], 0, &s->err), "canary");
    }
    while (action_hits_link(&s->topo, a, other / 2)) {
        other++;
    }
    must(d, canary_new(&d->control, d->lab, other, 0, &s->err), "control");
    d->in = (struct injection){.fault = 1, .action = &d->action, .fabric = d->fabric, .canaries = d->canaries,
                               .canary_count = n, .control = d->control};
    loop_run(lab_netns.loop(d->lab), clock_mono_ns() + 400 * NS_PER_MS, NULL, NULL);
}

static void end(struct drill *d)
{
    for (size_t i = 0; i < d->in.canary_count; i++) {
        canary_free(d->canaries[i]);
    }
    canary_free(d->control);
    fabric_free(d->fabric);
    close_world(d->stage, d->lab);
    free(d->in.state);
}

static enum proof prove(struct drill *d, bool healed, int64_t bound_ns)
{
    int64_t begun = clock_mono_ns();
    enum proof p;
    do {
        p = d->injector->prove(&d->in, healed);
        loop_run(lab_netns.loop(d->lab), clock_mono_ns() + 20 * NS_PER_MS, NULL, NULL);
    } while (p != PROOF_PROVEN && clock_mono_ns() - begun < bound_ns * stage_slow());
    printf("%s %s after %.0f ms: %s\n", d->action.type->verb, healed ? "healed" : "proven",
           (double)(clock_mono_ns() - begun) / 1e6, d->in.method);
    return p;
}

static void apply(struct drill *d)
{
    d->in.begun_at_ns = lab_now(d->lab);
    must(d, d->injector->apply(&d->in, &d->stage->err), "apply");
    d->in.applied_at_ns = loop_tick(lab_netns.loop(d->lab)) - d->lab->zero_ns;
}

static void heal(struct drill *d)
{
    must(d, d->injector->heal(&d->in, &d->stage->err), "heal");
    must(d, d->injector->heal(&d->in, &d->stage->err), "heal again");
    d->in.healed_at_ns = loop_tick(lab_netns.loop(d->lab)) - d->lab->zero_ns;
}

static struct report ask(const struct drill *d, enum order order, uint16_t node, uint16_t port, int times, int wait_ms)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, d->stage->topo.nodes[node].address, &to.sin_addr);
    return probe_ask(order, &to, times, wait_ms);
}

/* ---- acts; nodes 0, 1 are us-east's, 2, 3 eu-west's, 4, 5 ap-south's where there are three regions ---- */

enum { HERE = 0, THERE = 2, ELSEWHERE = 4, WAIT_MS = 1000 };

/* A question on the open stream and its answer, or what came instead. */
static struct report exchange(const struct drill *d, int wait_ms)
{
    ask(d, ORDER_SAY, THERE, TOPO_PORT_HTTP, 1, 0);
    return ask(d, ORDER_HEAR, THERE, TOPO_PORT_HTTP, 1, wait_ms);
}

static void rejects(struct stage *s, enum gate_way way)
{
    struct drill d;
    begin(&d, s, 3, "reject", &(struct action){.target = TARGET_LINK, .link = 0, .way = way});
    probe_post(d.lab, HERE);
    CHECK(ask(&d, ORDER_OPEN, THERE, TOPO_PORT_HTTP, 1, WAIT_MS).good == 1 && exchange(&d, WAIT_MS).good == 1);
    apply(&d);
    struct report r = ask(&d, ORDER_CONNECT, THERE, TOPO_PORT_HTTP, CONNECTS, WAIT_MS);
    probe_tell("connects while rejected", &r);
    CHECK((way == GATE_REFUSE ? r.refused : r.unreachable) == CONNECTS);
    r = exchange(&d, 300);
    probe_tell("the open stream", &r);
    CHECK(way == GATE_REFUSE ? r.refused == 1 : r.silent == 1);
    r = ask(&d, ORDER_CONNECT, ELSEWHERE, TOPO_PORT_HTTP, 20, WAIT_MS);
    CHECK(r.good == 20); /* another link */
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    r = ask(&d, ORDER_CONNECT, THERE, TOPO_PORT_HTTP, CONNECTS, WAIT_MS);
    probe_tell("connects after the heal", &r);
    CHECK(r.good == CONNECTS);
    if (way == GATE_UNREACHABLE) { /* it hung and was not broken: the next retransmission gets through */
        r = ask(&d, ORDER_HEAR, THERE, TOPO_PORT_HTTP, 1, 5000);
        CHECK(r.good == 1);
    }
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    probe_dismiss();
    end(&d);
}

static void refused(struct stage *s)
{
    rejects(s, GATE_REFUSE);
}

static void unreachable(struct stage *s)
{
    rejects(s, GATE_UNREACHABLE);
}

static void one_way(struct stage *s)
{
    struct drill d;
    begin(&d, s, 2, "reject",
          &(struct action){.target = TARGET_LINK, .link = 0, .way = GATE_REFUSE, .direction = DIRECTION_BACKWARD});
    apply(&d);
    CHECK(stage_knock(d.lab, THERE, HERE, 300 * NS_PER_MS) == KNOCK_REFUSED);
    CHECK(stage_knock(d.lab, HERE, THERE, 300 * NS_PER_MS) == KNOCK_SILENT); /* the answers are turned away */
    CHECK(stage_datagrams(d.lab, 0, DATAGRAMS) == DATAGRAMS && stage_datagrams(d.lab, 1, DATAGRAMS) == 0);
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    end(&d);
}

/* The port one way, then the other, then everything else on the same link; a third region as it was. */
static void check_port(struct drill *d, int good, int (*of)(const struct report *))
{
    static const uint16_t ends[2] = {HERE, THERE};
    for (int i = 0; i < 2; i++) {
        probe_post(d->lab, ends[i]);
        struct report r = ask(d, ORDER_CONNECT, ends[1 - i], TOPO_PORT_REPLICATION, 10, 100);
        probe_tell("port 7001", &r);
        CHECK(of(&r) == 10);
        r = ask(d, ORDER_CONNECT, ends[1 - i], TOPO_PORT_HTTP, CONNECTS, WAIT_MS);
        probe_tell("port 8080", &r);
        CHECK(r.good == CONNECTS);
        CHECK(ask(d, ORDER_CONNECT, ELSEWHERE, TOPO_PORT_REPLICATION, 10, WAIT_MS).good == 10);
        probe_dismiss();
    }
    CHECK(stage_datagrams(d->lab, 0, DATAGRAMS) == good && stage_datagrams(d->lab, 1, DATAGRAMS) == good);
}

static int silent(const struct report *r)
{
    return r->silent;
}

static int turned_away(const struct report *r)
{
    return r->refused;
}

static int well(const struct report *r)
{
    return r->good;
}

static void only_replication(struct stage *s)
{
    struct drill d;
    begin(&d, s, 3, "partition", &(struct action){.target = TARGET_LINK, .link = 0, .port = TOPO_PORT_REPLICATION});
    apply(&d);
    check_port(&d, DATAGRAMS, silent);
    CHECK(prove(&d, false, 3 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    check_port(&d, DATAGRAMS, well);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    end(&d);
}

static void reject_only_replication(struct stage *s)
{
    struct drill d;
    begin(&d, s, 3, "reject",
          &(struct action){.target = TARGET_LINK, .link = 0, .port = TOPO_PORT_REPLICATION, .way = GATE_REFUSE});
    apply(&d);
    check_port(&d, DATAGRAMS, turned_away);
    CHECK(prove(&d, false, 3 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    end(&d);
}

static void isolates(struct stage *s)
{
    static const uint8_t alone[] = {1, 2, 2, 2, 2, 2, 2};
    struct drill d;
    const struct action a = {.target = TARGET_LINK, .sides = alone};
    begin(&d, s, 3, "partition", &a);
    apply(&d);
    size_t cut = 0;
    for (uint16_t p = 0; p < 2 * s->topo.link_count; p++) {
        bool touches = path_from(&s->topo, p) == 0 || path_to(&s->topo, p) == 0;
        cut += touches;
        CHECK(stage_datagrams(d.lab, p, DATAGRAMS) == (touches ? 0 : DATAGRAMS));
    }
    CHECK(cut == d.in.canary_count && cut == 12); /* two regions, three vantages, the witness */
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    end(&d);
}

/* Layers of three faults on one link, lifted in another order: a cut hides a reject, a port's gate comes before all. */
static void composes(struct stage *s)
{
    struct drill d;
    begin(&d, s, 2, "reject", &(struct action){.target = TARGET_LINK, .link = 0, .way = GATE_REFUSE});
    const struct path_state cut = {.cut = true};
    const struct path_state port = {.gate_count = 1, .gates = {{TOPO_PORT_HTTP, GATE_DROP}}};
    apply(&d);
    CHECK(stage_knock(d.lab, HERE, THERE, 300 * NS_PER_MS) == KNOCK_REFUSED);
    must(&d, fabric_lay(d.fabric, 2, 0, &port, &s->err), "a port");
    CHECK(stage_knock(d.lab, HERE, THERE, 300 * NS_PER_MS) == KNOCK_SILENT);
    must(&d, fabric_lay(d.fabric, 3, 0, &cut, &s->err), "a cut");
    must(&d, fabric_lift(d.fabric, 2, &s->err), "no port");
    CHECK(stage_knock(d.lab, HERE, THERE, 300 * NS_PER_MS) == KNOCK_SILENT);
    must(&d, fabric_lift(d.fabric, 3, &s->err), "no cut");
    CHECK(stage_knock(d.lab, HERE, THERE, 300 * NS_PER_MS) == KNOCK_REFUSED);
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    CHECK(stage_knock(d.lab, HERE, THERE, NS_PER_S) != KNOCK_REFUSED);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    end(&d);
}

/* The rules are gone behind the fabric's back. */
static void a_reject_that_is_none(struct stage *s)
{
    struct drill d;
    const struct path_state open = {0};
    begin(&d, s, 2, "reject", &(struct action){.target = TARGET_LINK, .link = 0, .way = GATE_REFUSE});
    apply(&d);
    must(&d, lab_netns.path_set(d.lab, 1, &open, &s->err), "behind the fabric's back");
    CHECK(prove(&d, false, 500 * NS_PER_MS) == PROOF_REFUTED);
    end(&d);
}

/* Connections one after the other, each with a word and its echo, through twenty rejects and heals. Those that began
 * after a heal and ended before the next reject were healthy. */
struct attempt {
    int64_t from_ns, to_ns;
    int os;
};

struct traffic {
    volatile bool stop;
    volatile size_t n;
    struct attempt at[ATTEMPTS_MAX];
};

static _Noreturn void send_traffic(struct traffic *t, const struct sockaddr_in *to)
{
    while (!t->stop && t->n < ATTEMPTS_MAX) {
        struct attempt *a = &t->at[t->n];
        scoped_fd int fd = probe_socket();
        a->from_ns = clock_mono_ns();
        errno = 0;
        a->os = probe_connect(fd, to, 200 * stage_slow());
        if (a->os == 0) {
            a->os = send(fd, "x", 1, MSG_NOSIGNAL) == 1 ? probe_hear(fd, 200 * stage_slow()) : errno;
        }
        a->to_ns = clock_mono_ns();
        t->n = t->n + 1;
    }
    _exit(0);
}

static void heals_under_traffic(struct stage *s)
{
    struct drill d;
    struct child sender;
    int64_t healed[HEALS + 1], rejected[HEALS + 1];
    struct traffic *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(TOPO_PORT_HTTP)};
    begin(&d, s, 2, "reject", &(struct action){.target = TARGET_LINK, .link = 0, .way = GATE_REFUSE});
    inet_pton(AF_INET, s->topo.nodes[THERE].address, &to.sin_addr);
    int side = lab_netns.client_fork(d.lab, HERE, &sender, &s->err);
    if (side == 0) {
        send_traffic(t, &to);
    }
    for (int i = 0; i < HEALS; i++) {
        apply(&d);
        stage_pass_ms(20);
        heal(&d);
        healed[i] = clock_mono_ns();
        stage_pass_ms(60);
        rejected[i] = clock_mono_ns();
    }
    t->stop = true;
    child_stop(&sender, NS_PER_S, NULL);
    size_t healthy = 0, broken = 0, refusals = 0;
    for (size_t k = 0; k < t->n; k++) {
        refusals += t->at[k].os == ECONNREFUSED || t->at[k].os == ECONNRESET;
        for (int i = 0; i < HEALS; i++) {
            bool within = t->at[k].from_ns > healed[i] && t->at[k].to_ns < rejected[i];
            healthy += within;
            broken += within && t->at[k].os != 0;
        }
    }
    printf("%zu attempts, %zu refused while rejected, %zu healthy ones after %d heals, %zu of them broken\n", t->n,
           refusals, healthy, HEALS, broken);
    CHECK(refusals > HEALS && healthy > HEALS && broken == 0);
    munmap(t, sizeof(*t));
    end(&d);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"refused", refused},
                                      {"unreachable", unreachable},
                                      {"one way", one_way},
                                      {"partition, only replication", only_replication},
                                      {"reject, only replication", reject_only_replication},
                                      {"isolate", isolates},
                                      {"a cut over a reject, and a port before it", composes},
                                      {"a reject that is none", a_reject_that_is_none},
                                      {"twenty heals under traffic", heals_under_traffic}};
    stage_need(EFFECT_REJECT);
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
