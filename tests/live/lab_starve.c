/* SPDX-License-Identifier: MIT */
/*
 * Every resource in a real world of reference gateways and stores: proven by the injector, and felt from outside by
 * plain HTTP from a client's namespace. Beside each: another node that is well, and the heal.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "injectors/injector.h"
#include "tests/live/inside.h"
#include "tests/live/lab_stage.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GATEWAY = 0, OTHER_GATEWAY = 1, STORE = 2, OTHER_STORE = 5 };

struct drill {
    struct stage *stage;
    struct lab *lab;
    struct fabric *fabric;
    struct action action;
    struct injection in;
    const struct injector *injector;
};

static void must(struct drill *d, int rc, const char *doing)
{
    if (rc != 0) {
        stage_give_up(d->stage, doing);
    }
}

static void pass(struct drill *d, int64_t ns)
{
    loop_run(lab_netns.loop(d->lab), clock_mono_ns() + ns, NULL, NULL);
}

static bool can(struct stage *s, const char *verb, struct action *a)
{
    struct lab_caps caps;
    a->type = &injector_find(verb)->type;
    enum lab_effect effect = injector_effect(a);
    CHECK(lab_caps_probe(&caps, &s->err) == 0);
    if (!caps.effects[effect].available) {
        printf("skipped: %s: %s\n", lab_effect_words[effect], caps.effects[effect].why);
        CHECK(!getenv("DRTEST_ACTS")); /* who asks for it by name wants it */
    }
    s->options.effects = 1u << effect;
    return caps.effects[effect].available;
}

static void begin_with(enum replication_durability durability, struct drill *d, struct stage *s, const char *verb,
                       const struct action *a)
{
    stage_topology(&s->topo, 2, 2);
    s->topo.replication.durability = durability;
    *d = (struct drill){.stage = s, .action = *a, .injector = injector_find(verb)};
    d->action.type = &d->injector->type;
    d->lab = stage_open(s);
    must(d, fabric_new(&d->fabric, d->lab, &s->topo, &s->err), "fabric");
    d->in = (struct injection){.fault = 1, .action = &d->action, .fabric = d->fabric};
}

static void begin(struct drill *d, struct stage *s, const char *verb, const struct action *a)
{
    begin_with(DURABILITY_OS, d, s, verb, a);
}

static void end(struct drill *d)
{
    fabric_free(d->fabric);
    lab_netns.close(d->lab);
    free(d->in.state);
}

static enum proof prove(struct drill *d, bool healed, int64_t bound_ns)
{
    int64_t begun = clock_mono_ns();
    enum proof p;
    do {
        p = d->injector->prove(&d->in, healed);
        pass(d, 20 * NS_PER_MS);
    } while (p != PROOF_PROVEN && clock_mono_ns() - begun < bound_ns * stage_slow());
    printf("%s %s after %.0f ms: %s\n", d->action.type->verb, healed ? "healed" : "proven",
           (double)(clock_mono_ns() - begun) / 1e6, d->in.method);
    return p;
}

static void apply(struct drill *d)
{
    must(d, d->injector->apply(&d->in, &d->stage->err), "apply");
    CHECK(prove(d, false, 6 * NS_PER_S) == PROOF_PROVEN);
    CHECK(prove(d, false, 6 * NS_PER_S) == PROOF_PROVEN);
}

static void heal(struct drill *d)
{
    must(d, d->injector->heal(&d->in, &d->stage->err), "heal");
    must(d, d->injector->heal(&d->in, &d->stage->err), "heal again");
    CHECK(prove(d, true, 8 * NS_PER_S) == PROOF_PROVEN);
}

static int get(struct drill *d, uint16_t node, const char *target)
{
    return inside_get(d->lab, stage_client(&d->stage->topo, 0), node, target, 3000 * stage_slow());
}

static int write_order(struct drill *d, uint16_t node)
{
    return inside_write_order(d->lab, stage_client(&d->stage->topo, 0), node, 3000 * stage_slow());
}

/* The first leader needs its lease. */
static void await_leader(struct drill *d)
{
    int status = 0;
    for (int i = 0; i < 100 && (status = write_order(d, STORE)) != 200; i++) {
        pass(d, 100 * NS_PER_MS);
    }
    CHECK(status == 200);
}

/* Handshakes succeed, nobody is served, nothing spins; the others and, later, the node itself are well. */
static void descriptors(struct stage *s)
{
    struct action a = {.target = TARGET_NODE, .node = GATEWAY, .starve.descriptors = 32};
    struct drill d;
    CHECK(can(s, "starve", &a));
    begin(&d, s, "starve", &a);
    apply(&d);
    int64_t before = inside_processor_ns(d.lab, GATEWAY);
    CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), GATEWAY, 500 * NS_PER_MS) == KNOCK_CONNECTED_SILENT);
    CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), OTHER_GATEWAY, NS_PER_S) == KNOCK_ANSWERED);
    pass(&d, NS_PER_S);
    int64_t spent = inside_processor_ns(d.lab, GATEWAY) - before;
    printf("%.0f ms of processor time in 1.5 s without descriptors\n", (double)spent / 1e6);
    CHECK(spent < 500 * NS_PER_MS);
    heal(&d);
    CHECK(get(&d, GATEWAY, "/healthz") == 200);
    end(&d);
}

/* The gateway raises its limit as it starts; one that comes back under the fault is short of them all the same. */
static void descriptors_after_a_death(struct stage *s)
{
    struct action a = {.target = TARGET_NODE, .node = GATEWAY, .starve.descriptors = 32};
    struct drill d;
    CHECK(can(s, "starve", &a));
    begin(&d, s, "starve", &a);
    apply(&d);
    must(&d, fabric_hold(d.fabric, 2, GATEWAY, HOLD_DOWN, &s->err), "kill");
    must(&d, fabric_release(d.fabric, 2, &s->err), "start again");
    pass(&d, NS_PER_S);
    CHECK(prove(&d, false, 3 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    end(&d);
}

static bool takes_orders(struct drill *d, uint16_t store, int64_t within_ns)
{
    for (int64_t until = clock_mono_ns() + within_ns * stage_slow(); clock_mono_ns() < until;) {
        if (write_order(d, store) == 200) {
            return true;
        }
        pass(d, 50 * NS_PER_MS);
    }
    return false;
}

/* The store refuses what it cannot write, hands the lead to the one that can, and
 * has it back, and writes, after the heal. */
static void store_without(struct stage *s, struct action *a)
{
    struct drill d;
    CHECK(can(s, "starve", a));
    begin(&d, s, "starve", a);
    await_leader(&d);
    apply(&d);
    int refused = 0, taken = 0;
    for (int i = 0; i < 300 && refused < 20; i++) { /* the last page of the log still has room for some */
        int status = write_order(&d, STORE);
        taken += status == 200;
        refused += status == 503;
        CHECK(status == 200 || status == 503);
    }
    printf("%d writes taken, %d refused\n", taken, refused);
    CHECK(a->starve.disk != DISK_FULL || refused > 0);
    CHECK(get(&d, STORE, "/healthz") == 200);
    CHECK(refused == 0 || takes_orders(&d, OTHER_STORE, 3 * NS_PER_S));
    int64_t before = inside_processor_ns(d.lab, STORE);
    pass(&d, NS_PER_S);
    CHECK(inside_processor_ns(d.lab, STORE) - before < 500 * NS_PER_MS);
    heal(&d);
    CHECK(takes_orders(&d, STORE, 5 * NS_PER_S));
    end(&d);
}

static void disk_full(struct stage *s)
{
    store_without(s, &(struct action){.target = TARGET_NODE, .node = STORE, .starve.disk = DISK_FULL});
}

static void no_inodes(struct stage *s)
{
    store_without(s, &(struct action){.target = TARGET_NODE, .node = STORE, .starve.inodes_given = true});
}

/* A store that is started on a disk it cannot write to does not serve; a gateway keeps nothing there. */
static void disk_readonly(struct stage *s)
{
    struct action a = {.target = TARGET_NODE, .node = STORE, .starve.disk = DISK_READONLY};
    struct drill d;
    CHECK(can(s, "starve", &a));
    begin(&d, s, "starve", &a);
    await_leader(&d);
    apply(&d);
    CHECK(write_order(&d, STORE) != 200);
    CHECK(get(&d, OTHER_STORE, "/healthz") == 200);
    heal(&d);
    await_leader(&d);
    end(&d);
}

/* A gateway has ten ports to its store: who asks more at once than that is told 5xx at once, nobody hangs. */
static void ports(struct stage *s)
{
    struct action a = {.target = TARGET_NODE, .node = GATEWAY, .starve.ports = 4};
    struct drill d;
    CHECK(can(s, "starve", &a));
    begin(&d, s, "starve", &a);
    await_leader(&d);
    apply(&d);
    CHECK(get(&d, GATEWAY, "/healthz") == 200);
    CHECK(get(&d, OTHER_GATEWAY, "/healthz") == 200);
    heal(&d);
    end(&d);
}

/* Connections that the kernel leaves without an answer while nobody accepts. */
static int unanswered(struct drill *d, uint16_t node, int n)
{
    int held[16], silent = 0;
    const struct sockaddr_in to = inside_address(d->lab, node);
    must(d, lab_netns.node_freeze(d->lab, node, true, &d->stage->err), "freeze");
    for (int i = 0; i < n; i++) {
        held[i] = inside_socket(d->lab, stage_client(&d->stage->topo, 0));
        (void)connect(held[i], (const struct sockaddr *)&to, sizeof(to));
        struct pollfd p = {.fd = held[i], .events = POLLOUT};
        silent += poll(&p, 1, 200 * stage_slow()) == 0;
    }
    for (int i = 0; i < n; i++) {
        fd_close(&held[i]);
    }
    must(d, lab_netns.node_freeze(d->lab, node, false, &d->stage->err), "thaw");
    return silent;
}

static void backlog(struct stage *s)
{
    struct action a = {.target = TARGET_NODE, .node = GATEWAY, .starve.backlog = 1};
    struct drill d;
    if (!can(s, "starve", &a)) { /* Linux 6.1 shows somaxconn to no user namespace */
        return;
    }
    begin(&d, s, "starve", &a);
    apply(&d);
    int hit = unanswered(&d, GATEWAY, 6), other = unanswered(&d, OTHER_GATEWAY, 6);
    printf("%d of 6 connections unanswered, %d at the other gateway\n", hit, other);
    CHECK(hit == 4 && other == 0);
    heal(&d);
    CHECK(unanswered(&d, GATEWAY, 6) == 0);
    end(&d);
}

static void by_group(struct stage *s, struct action *a)
{
    struct drill d;
    if (!can(s, "starve", a)) {
        return;
    }
    begin(&d, s, "starve", a);
    apply(&d);
    CHECK(get(&d, GATEWAY, "/healthz") == 200);
    CHECK(lab_netns.node_state(d.lab, GATEWAY) == NODE_UP);
    heal(&d);
    end(&d);
}

static void processes(struct stage *s)
{
    by_group(s, &(struct action){.target = TARGET_NODE, .node = GATEWAY, .starve.processes = 8});
}

static void processor(struct stage *s)
{
    by_group(s, &(struct action){.target = TARGET_NODE, .node = GATEWAY, .starve.cpu_ppm = 200000});
}

static void memory(struct stage *s)
{
    by_group(s, &(struct action){.target = TARGET_NODE, .node = GATEWAY, .starve.memory_bytes = 32000000});
}

/* It is given less than it will want: the kernel kills it, which its pidfd tells,
 * nobody else is; the heal starts it again. */
static void out_of_memory(struct stage *s)
{
    enum { CROWD = 40 };
    struct action a = {.target = TARGET_NODE, .node = GATEWAY, .starve.memory_bytes = 12000000};
    static char part[600000] = "POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n";
    struct drill d;
    int fds[CROWD];
    if (!can(s, "starve", &a)) {
        return;
    }
    begin(&d, s, "starve", &a);
    apply(&d);
    const struct sockaddr_in to = inside_address(d.lab, GATEWAY);
    memset(part + strlen(part), ' ', sizeof(part) - strlen(part));
    for (int i = 0; i < CROWD; i++) {
        size_t sent = 0;
        fds[i] = inside_socket(d.lab, stage_client(&s->topo, 0));
        (void)connect(fds[i], (const struct sockaddr *)&to, sizeof(to));
        for (int k = 0; k < 50 && sent < sizeof(part) && lab_netns.node_state(d.lab, GATEWAY) == NODE_UP; k++) {
            struct pollfd p = {.fd = fds[i], .events = POLLOUT};
            ssize_t n = poll(&p, 1, 100) == 1 ? send(fds[i], part + sent, sizeof(part) - sent, MSG_NOSIGNAL) : 0;
            sent += n > 0 ? (size_t)n : 0;
        }
    }
    for (int i = 0; i < 100 && lab_netns.node_state(d.lab, GATEWAY) == NODE_UP; i++) {
        pass(&d, 10 * NS_PER_MS);
    }
    CHECK(lab_netns.node_state(d.lab, GATEWAY) == NODE_DOWN);
    CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), GATEWAY, NS_PER_S) == KNOCK_REFUSED);
    CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), OTHER_GATEWAY, NS_PER_S) == KNOCK_ANSWERED);
    CHECK(prove(&d, false, NS_PER_S) == PROOF_PROVEN);
    for (int i = 0; i < CROWD; i++) {
        fd_close(&fds[i]);
    }
    heal(&d);
    end(&d);
}

/* Milliseconds until a write is acknowledged: the quickest of five. */
static double quickest_write(struct drill *d, uint16_t node)
{
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        int64_t begun = clock_mono_ns();
        CHECK(write_order(d, node) == 200);
        double took = (double)(clock_mono_ns() - begun) / 1e6;
        best = took < best ? took : best;
    }
    return best;
}

/* A hundred milliseconds asked, a write acknowledged that much later; reads come
 * from memory, the gateway has its own disk. */
static void io_slow(struct stage *s)
{
    struct action a = {
        .target = TARGET_NODE, .node = STORE, .starve.io = IO_SLOW, .starve.io_delay_ns = 100 * NS_PER_MS};
    struct drill d;
    if (!can(s, "starve", &a)) {
        return;
    }
    begin(&d, s, "starve", &a);
    await_leader(&d);
    double before = quickest_write(&d, STORE);
    apply(&d);
    double slow = quickest_write(&d, STORE);
    int64_t begun = clock_mono_ns();
    CHECK(get(&d, OTHER_STORE, "/healthz") == 200 && get(&d, GATEWAY, "/healthz") == 200);
    double control = (double)(clock_mono_ns() - begun) / 1e6;
    heal(&d);
    double after = quickest_write(&d, STORE);
    printf("a write acknowledged in %.1f ms, on the slow disk %.1f, healed %.1f; two others answered in %.1f\n", before,
           slow, after, control);
    CHECK(slow - before >= 98 && slow - before < 140 * stage_slow());
    CHECK(after < before + 50 * stage_slow() && control < 90 * stage_slow());
    end(&d);
}

/* Writes are refused, not lost and not hanging; what was there can be read; the heal needs no restart. */
static void io_error(struct stage *s)
{
    struct action a = {.target = TARGET_NODE, .node = STORE, .starve.io = IO_ERROR};
    if (can(s, "starve", &a)) {
        store_without(s, &a);
    }
}

static long log_bytes(struct drill *d, uint16_t node)
{
    char path[512];
    struct stat st = {0};
    snprintf(path, sizeof(path), "%s/lab/%s/data/orders.log", d->stage->options.run_path,
             d->stage->topo.nodes[node].name);
    CHECK(stat(path, &st) == 0);
    return (long)st.st_size;
}

/* A disk that forgets at a death what was not synced. A store that promises the operating system only comes back with
 * what it had before the fault, one that promises the disk with every order that it has acknowledged. */
static void forgetful_disk(struct stage *s, enum replication_durability durability)
{
    struct action a = {.target = TARGET_NODE, .node = STORE, .starve.io = IO_LOST_WRITES};
    struct drill d;
    if (!can(s, "starve", &a)) {
        return;
    }
    begin_with(durability, &d, s, "starve", &a);
    await_leader(&d);
    long before = log_bytes(&d, STORE);
    apply(&d);
    for (int i = 0; i < 5; i++) {
        CHECK(write_order(&d, STORE) == 200);
    }
    long alive = log_bytes(&d, STORE);
    must(&d, fabric_hold(d.fabric, 2, STORE, HOLD_DOWN, &s->err), "kill");
    long dead = log_bytes(&d, STORE);
    printf("%ld bytes of log before, %ld with five writes, %ld after the death\n", before, alive, dead);
    CHECK(alive > before && dead == (durability == DURABILITY_DISK ? alive : before));
    must(&d, fabric_release(d.fabric, 2, &s->err), "start again");
    CHECK(prove(&d, false, 6 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    await_leader(&d);
    alive = log_bytes(&d, STORE);
    must(&d, fabric_hold(d.fabric, 2, STORE, HOLD_DOWN, &s->err), "kill");
    CHECK(log_bytes(&d, STORE) == alive); /* healed, a death costs nothing */
    must(&d, fabric_release(d.fabric, 2, &s->err), "start again");
    end(&d);
}

static void io_lost_writes(struct stage *s)
{
    forgetful_disk(s, DURABILITY_OS);
}

static void io_kept_writes(struct stage *s)
{
    forgetful_disk(s, DURABILITY_DISK);
}

/* A lab that takes the limit away again behind our back is found out. */
static void a_starve_that_is_none(struct stage *s)
{
    struct action a = {.target = TARGET_NODE, .node = STORE, .starve.disk = DISK_FULL};
    struct drill d;
    begin(&d, s, "starve", &a);
    must(&d, d.injector->apply(&d.in, &s->err), "apply");
    must(&d, lab_netns.node_starve(d.lab, STORE, RESOURCE_DISK, LAB_PLENTY, &s->err), "behind the fabric's back");
    CHECK(prove(&d, false, 300 * NS_PER_MS) == PROOF_REFUTED);
    CHECK(d.injector->heal(&d.in, &s->err) == 0);
    end(&d);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"descriptors", descriptors},
                                      {"descriptors after a death", descriptors_after_a_death},
                                      {"disk full", disk_full},
                                      {"no inodes", no_inodes},
                                      {"disk readonly", disk_readonly},
                                      {"ports", ports},
                                      {"backlog", backlog},
                                      {"processes", processes},
                                      {"processor", processor},
                                      {"memory", memory},
                                      {"out of memory", out_of_memory},
                                      {"slow disk", io_slow},
                                      {"broken disk", io_error},
                                      {"forgetful disk", io_lost_writes},
                                      {"forgetful disk, forced", io_kept_writes},
                                      {"a starve that is none", a_starve_that_is_none}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
