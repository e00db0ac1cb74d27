/* SPDX-License-Identifier: MIT */
/*
 * Certificates and handshakes in a real world, with customers outside: a process in a client's namespace asks the
 * target, on new connections and on one that it keeps, and a gateway that is not hit, all the while; what became of its
 * requests is counted by the phase in which they left. Injectors are driven as the conductor does.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/lab/authority.h"
#include "harness/load/client.h"
#include "injectors/injector.h"
#include "tests/live/lab_stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TARGET = 0, PHASES = 32, EVERY_MS = 40, PATIENCE_MS = 400, ENOUGH = 4 };
enum who { NEWCOMER, REGULAR, ELSEWHERE, WHO };

struct tally {
    volatile unsigned sent, asked, good, insecure, timed_out; /* asked: and answered */
};

/* What the processes tell each other. */
struct seen {
    volatile int phase; /* requests leave in it; 0 is not looked at */
    volatile bool over;
    struct tally at[PHASES][WHO];
};

static struct seen *seen;

/* The customer. */

struct visit {
    struct loop *loop;
    struct transport *transport;
    const char *address[WHO];
};

/* Of the requests that left together: a regular customer with two at once would need a newcomer's connection. */
static bool all_landed;
static unsigned under_way;

static void on_done(void *arg, const struct exchange_answer *a)
{
    struct tally *t = arg;
    all_landed = --under_way == 0;
    t->good += a->code == 0 && a->status == 200 && !a->reconnected;
    t->insecure += a->insecure && !a->connected;
    t->timed_out += a->timed_out;
    t->asked++;
}

static void ask(struct visit *v, enum who who)
{
    struct exchange_request r = {.fresh = who != REGULAR,
                                 .address = v->address[who],
                                 .port = TOPO_PORT_HTTPS,
                                 .target = "/healthz",
                                 .timeout_ns = PATIENCE_MS * NS_PER_MS};
    struct tally *t = &seen->at[seen->phase][who];
    t->sent++;
    CHECK(v->transport->ops->send(v->transport, &r, on_done, t, NULL) == 0);
}

static _Noreturn void visit(struct stage *s, const char *authority)
{
    struct visit v = {.loop = loop_new(NULL)};
    if (!v.loop || transport_curl_new(&v.transport, v.loop, 256, &s->err) != 0) {
        _exit(1);
    }
    transport_curl_secure(v.transport, authority);
    v.address[NEWCOMER] = v.address[REGULAR] = s->topo.nodes[TARGET].address;
    v.address[ELSEWHERE] = s->topo.nodes[s->topo.sites[1].first_node].address;
    int64_t until = clock_mono_ns() + 45 * NS_PER_S * stage_slow();
    while (!seen->over && clock_mono_ns() < until) {
        all_landed = false;
        under_way = WHO;
        for (enum who who = 0; who < WHO; who++) {
            ask(&v, who);
        }
        loop_run(v.loop, until, &all_landed, NULL);
        loop_run(v.loop, loop_tick(v.loop) + EVERY_MS * NS_PER_MS, NULL, NULL);
    }
    _exit(0);
}

/* The drill. */

struct drill {
    struct stage *stage;
    struct lab *lab;
    struct fabric *fabric;
    struct action action;
    struct injection in;
    const struct injector *injector;
    struct child customer;
    int phases;
};

static void pass(struct drill *d, int64_t ns)
{
    loop_run(lab_netns.loop(d->lab), clock_mono_ns() + ns, NULL, NULL);
}

static void must(struct drill *d, int rc, const char *doing)
{
    if (rc != 0) {
        stage_give_up(d->stage, doing);
    }
}

static void begin(struct drill *d, struct stage *s)
{
    stage_topology(&s->topo, 2, 2);
    s->topo.tls = true;
    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(seen != MAP_FAILED);
    *d = (struct drill){.stage = s, .injector = injector_find("tls")};
    d->lab = stage_open(s);
    must(d, fabric_new(&d->fabric, d->lab, &s->topo, &s->err), "fabric");
    int side = lab_netns.client_fork(d->lab, stage_client(&s->topo, 1), &d->customer, &s->err);
    if (side == 0) {
        visit(s, lab_netns.tls_authority(d->lab));
    }
    must(d, side < 0 ? -1 : 0, "forking a customer");
}

static void end(struct drill *d)
{
    seen->over = true;
    child_wait(&d->customer, 5 * NS_PER_S, NULL);
    child_stop(&d->customer, 0, NULL);
    free(d->in.state);
    fabric_free(d->fabric);
    lab_netns.close(d->lab);
}

static void aim(struct drill *d, const struct action *a)
{
    free(d->in.state);
    d->action = *a;
    d->action.type = &d->injector->type;
    d->in = (struct injection){.fault = 1, .action = &d->action, .fabric = d->fabric};
}

/* End of a phase, when what left in it has landed. */
static void settle(struct drill *d)
{
    const struct tally *t = seen->at[d->phases];
    int64_t until = clock_mono_ns() + 2 * NS_PER_S * stage_slow();
    seen->phase = 0;
    pass(d, 2 * EVERY_MS * NS_PER_MS);
    while (clock_mono_ns() < until && (t[NEWCOMER].sent > t[NEWCOMER].asked || t[REGULAR].sent > t[REGULAR].asked ||
                                       t[ELSEWHERE].sent > t[ELSEWHERE].asked)) {
        pass(d, 20 * NS_PER_MS);
    }
}

/* Let the customer go about his business until everybody has enough answers; what he met. */
static const struct tally *look(struct drill *d)
{
    int phase = ++d->phases;
    const struct tally *t = seen->at[phase];
    int64_t until = clock_mono_ns() + 5 * NS_PER_S * stage_slow();
    seen->phase = phase;
    while (clock_mono_ns() < until &&
           (t[NEWCOMER].asked < ENOUGH || t[REGULAR].asked < ENOUGH || t[ELSEWHERE].asked < ENOUGH)) {
        pass(d, 20 * NS_PER_MS);
    }
    settle(d);
    return t;
}

static bool fine(const struct tally *t)
{
    return t->asked >= ENOUGH && t->good == t->sent;
}

static bool everybody_is_fine(const struct tally t[WHO])
{
    bool right = fine(&t[NEWCOMER]) && fine(&t[REGULAR]) && fine(&t[ELSEWHERE]);
    for (int i = 0; i < WHO && !right; i++) {
        printf("who %d: asked %u good %u insecure %u timed out %u\n", i, t[i].asked, t[i].good, t[i].insecure,
               t[i].timed_out);
    }
    return right;
}

static enum proof prove(struct drill *d, bool healed, int64_t bound_ns)
{
    int64_t begun = clock_mono_ns();
    enum proof p = PROOF_PENDING;
    do {
        enum proof now = d->injector->prove(&d->in, healed);
        p = now == PROOF_PENDING ? p : now;
        pass(d, 20 * NS_PER_MS);
    } while (p != PROOF_PROVEN && clock_mono_ns() - begun < bound_ns);
    printf("%s after %.0f ms: %s\n", healed ? "healed" : "proven", (double)(clock_mono_ns() - begun) / 1e6,
           d->in.method);
    return p;
}

static void apply(struct drill *d, const struct action *a)
{
    aim(d, a);
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

static void bad_certificates(struct stage *s)
{
    struct drill d;
    begin(&d, s);
    CHECK(everybody_is_fine(look(&d)));
    for (enum certificate kind = CERTIFICATE_EXPIRED; kind < CERTIFICATES; kind++) {
        apply(&d, &(struct action){.target = TARGET_REGION, .site = 0, .certificate = kind});
        CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
        const struct tally *t = look(&d);
        CHECK(t[NEWCOMER].asked >= ENOUGH && t[NEWCOMER].insecure == t[NEWCOMER].sent);
        CHECK(fine(&t[REGULAR])); /* who is connected notices nothing */
        CHECK(fine(&t[ELSEWHERE]));
        CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
        heal(&d);
        CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    }
    CHECK(everybody_is_fine(look(&d)));
    end(&d);
}

static void rotation(struct stage *s)
{
    struct drill d;
    begin(&d, s);
    seen->phase = ++d.phases; /* counts from before the rotation to after the way back: nobody must notice */
    pass(&d, 300 * NS_PER_MS);
    apply(&d, &(struct action){.target = TARGET_REGION, .site = 0, .certificate = CERTIFICATE_ROTATED});
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    pass(&d, 300 * NS_PER_MS);
    heal(&d);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    pass(&d, 300 * NS_PER_MS);
    settle(&d);
    CHECK(everybody_is_fine(seen->at[d.phases]));
    end(&d);
}

static void stalled_handshakes(struct stage *s)
{
    struct drill d;
    begin(&d, s);
    CHECK(everybody_is_fine(look(&d)));
    apply(&d, &(struct action){.target = TARGET_NODE, .node = TARGET, .stall = true});
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    const struct tally *t = look(&d);
    CHECK(t[NEWCOMER].asked >= ENOUGH && t[NEWCOMER].timed_out == t[NEWCOMER].sent);
    CHECK(fine(&t[REGULAR]));
    CHECK(fine(&t[ELSEWHERE]));
    CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), TARGET, NS_PER_S) == KNOCK_ANSWERED); /* without TLS: well */
    heal(&d);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    CHECK(everybody_is_fine(look(&d)));
    end(&d);
}

static void a_fault_that_is_none(struct stage *s)
{
    struct drill d;
    scoped_text struct text original = {0};
    begin(&d, s);
    must(&d, lab_netns.tls_get(d.lab, TARGET, &original, &s->err), "reading the bundle");
    apply(&d, &(struct action){.target = TARGET_NODE, .node = TARGET, .certificate = CERTIFICATE_EXPIRED});
    must(&d, lab_netns.tls_set(d.lab, TARGET, text_str(&original), &s->err), "behind its back");
    must(&d, lab_netns.node_signal(d.lab, TARGET, SIGHUP, &s->err), "telling the gateway");
    pass(&d, 100 * NS_PER_MS);
    CHECK(prove(&d, false, 500 * NS_PER_MS) == PROOF_REFUTED);
    end(&d);
}

static void a_lost_disk_comes_back_with_a_certificate(struct stage *s)
{
    struct drill d;
    begin(&d, s);
    must(&d, lab_netns.node_kill(d.lab, TARGET, &s->err), "kill");
    must(&d, lab_netns.node_start(d.lab, TARGET, true, &s->err), "start");
    for (int i = 0; i < 100 && stage_knock(d.lab, TARGET, TARGET, NS_PER_S) != KNOCK_ANSWERED; i++) {
        stage_pass_ms(10);
    }
    const struct tally *t = look(&d);
    CHECK(fine(&t[NEWCOMER]));
    end(&d);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"bad certificates", bad_certificates},
                                      {"rotation", rotation},
                                      {"stalled handshakes", stalled_handshakes},
                                      {"a fault that is none", a_fault_that_is_none},
                                      {"a lost disk", a_lost_disk_comes_back_with_a_certificate}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
