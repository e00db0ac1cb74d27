/* SPDX-License-Identifier: MIT */
/*
 * Ways to die and to stand still, in a real world of reference gateways and stores, seen by knocks from a client: one
 * after the other, again and again, started late, several at once, frozen by control groups of either version and by
 * signal, and an old primary that comes back with its disk.
 */
#include "harness/base/clock.h"
#include "harness/base/units.h"
#include "injectors/injector.h"
#include "tests/live/inside.h"
#include "tests/live/lab_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GATEWAY = 0, OTHER_GATEWAY = 1, STORE = 2, OTHER_REGION_GATEWAY = 3, OTHER_STORE = 5, FAULTS_MAX = 3 };

struct fault {
    struct action action;
    struct injection in;
    const struct injector *injector;
};

struct drill {
    struct stage *stage;
    struct lab *lab;
    struct fabric *fabric;
    struct fault faults[FAULTS_MAX];
    size_t n;
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

static void begin(struct drill *d, struct stage *s)
{
    stage_topology(&s->topo, 2, 2);
    *d = (struct drill){.stage = s, .lab = stage_open(s)};
    must(d, fabric_new(&d->fabric, d->lab, &s->topo, &s->err), "fabric");
}

static struct fault *apply(struct drill *d, const char *verb, const struct action *a)
{
    struct fault *f = &d->faults[d->n++];
    *f = (struct fault){.action = *a, .injector = injector_find(verb)};
    f->action.type = &f->injector->type;
    f->in = (struct injection){.fault = (uint16_t)d->n, .action = &f->action, .fabric = d->fabric};
    must(d, f->injector->apply(&f->in, &d->stage->err), "apply");
    return f;
}

static enum proof prove(struct drill *d, struct fault *f, bool healed, int64_t bound_ns)
{
    int64_t begun = clock_mono_ns();
    enum proof p;
    do {
        p = f->injector->prove(&f->in, healed);
        pass(d, 20 * NS_PER_MS);
    } while (p != PROOF_PROVEN && clock_mono_ns() - begun < bound_ns * stage_slow());
    printf("%s %s after %.0f ms: %s\n", f->action.type->verb, healed ? "healed" : "proven",
           (double)(clock_mono_ns() - begun) / 1e6, f->in.method);
    return p;
}

static void heal(struct drill *d, struct fault *f)
{
    must(d, f->injector->heal(&f->in, &d->stage->err), "heal");
    must(d, f->injector->heal(&f->in, &d->stage->err), "heal again");
    CHECK(prove(d, f, true, 8 * NS_PER_S) == PROOF_PROVEN);
}

static void end(struct drill *d)
{
    fabric_free(d->fabric);
    lab_netns.close(d->lab);
    for (size_t i = 0; i < d->n; i++) {
        free(d->faults[i].in.state);
    }
}

static bool answers(struct drill *d, uint16_t node)
{
    return stage_knock(d->lab, stage_client(&d->stage->topo, 0), node, NS_PER_S) == KNOCK_ANSWERED;
}

/* A second apart: after the first death the second node still answers, and the third after the second. */
static void staggered(struct stage *s)
{
    struct drill d;
    begin(&d, s);
    struct fault *f = apply(
        &d, "kill", &(struct action){.target = TARGET_REGION, .site = 0, .how = KILL_CRASH, .stagger_ns = NS_PER_S});
    CHECK(!answers(&d, GATEWAY) && answers(&d, OTHER_GATEWAY) && answers(&d, STORE));
    pass(&d, 1100 * NS_PER_MS);
    CHECK(!answers(&d, OTHER_GATEWAY) && answers(&d, STORE));
    CHECK(prove(&d, f, false, 4 * NS_PER_S) == PROOF_PROVEN);
    CHECK(!answers(&d, STORE) && answers(&d, OTHER_REGION_GATEWAY));
    heal(&d, f);
    end(&d);
}

/* Dead, back, dead again: each life is another process. */
static void crash_loop(struct stage *s)
{
    struct drill d;
    begin(&d, s);
    pid_t first = inside_pid(d.lab, GATEWAY);
    struct fault *f =
        apply(&d, "kill", &(struct action){.target = TARGET_NODE, .node = GATEWAY, .every_ns = 2 * NS_PER_S});
    CHECK(!answers(&d, GATEWAY));
    pass(&d, 1400 * NS_PER_MS);
    CHECK(answers(&d, GATEWAY) && answers(&d, OTHER_GATEWAY));
    pid_t second = inside_pid(d.lab, GATEWAY);
    CHECK(second != first);
    CHECK(prove(&d, f, false, 4 * NS_PER_S) == PROOF_PROVEN);
    CHECK(!answers(&d, GATEWAY));
    heal(&d, f);
    pid_t last = inside_pid(d.lab, GATEWAY);
    pass(&d, 2500 * NS_PER_MS);
    CHECK(answers(&d, GATEWAY) && inside_pid(d.lab, GATEWAY) == last && last != second);
    end(&d);
}

/* The heal of the kill is there, the node is not, before its time. */
static void slow_start(struct stage *s)
{
    struct drill d;
    begin(&d, s);
    struct fault *killed = apply(&d, "kill", &(struct action){.target = TARGET_REGION, .site = 0});
    CHECK(prove(&d, killed, false, 2 * NS_PER_S) == PROOF_PROVEN);
    struct fault *late =
        apply(&d, "restore", &(struct action){.target = TARGET_REGION, .site = 0, .ready_after_ns = NS_PER_S});
    heal(&d, killed);
    CHECK(lab_netns.node_state(d.lab, GATEWAY) == NODE_DOWN && !answers(&d, STORE));
    heal(&d, late);
    CHECK(answers(&d, GATEWAY) && answers(&d, STORE));
    end(&d);
}

/* A gateway here and a store there at one moment; healing one leaves the other dead. */
static void two_at_once(struct stage *s)
{
    struct drill d;
    begin(&d, s);
    struct fault *here = apply(&d, "kill", &(struct action){.target = TARGET_NODE, .node = GATEWAY});
    struct fault *there =
        apply(&d, "kill", &(struct action){.target = TARGET_NODE, .node = OTHER_STORE, .how = KILL_POWER});
    CHECK(prove(&d, here, false, 2 * NS_PER_S) == PROOF_PROVEN);
    CHECK(prove(&d, there, false, 2 * NS_PER_S) == PROOF_PROVEN);
    CHECK(answers(&d, STORE));
    heal(&d, here);
    CHECK(answers(&d, GATEWAY) && !answers(&d, OTHER_STORE));
    heal(&d, there);
    end(&d);
}

/* Frozen: handshakes, no service, no processor time; killed while it is frozen, and frozen again after the start. */
static void freezing(struct stage *s, const char *mechanism)
{
    struct lab_caps caps;
    struct drill d;
    bool signal_only = strcmp(mechanism, "signal") == 0;
    CHECK(lab_caps_probe(&caps, &s->err) == 0);
    if (!signal_only && strcmp(caps.effects[EFFECT_FREEZE].name, "signal") == 0) {
        printf("skipped: %s: %s\n", mechanism, caps.effects[EFFECT_FREEZE].why);
        return;
    }
    s->options.effects = 1u << EFFECT_FREEZE;
    s->options.forced[EFFECT_FREEZE] = mechanism;
    begin(&d, s);
    CHECK(strcmp(lab_netns.mechanism(d.lab, EFFECT_FREEZE).name, mechanism) == 0);
    struct fault *f = apply(&d, "freeze", &(struct action){.target = TARGET_NODE, .node = GATEWAY});
    CHECK(prove(&d, f, false, 2 * NS_PER_S) == PROOF_PROVEN);
    int64_t before = inside_processor_ns(d.lab, GATEWAY);
    CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), GATEWAY, 300 * NS_PER_MS) == KNOCK_CONNECTED_SILENT);
    CHECK(answers(&d, OTHER_GATEWAY) && inside_processor_ns(d.lab, GATEWAY) == before);
    struct fault *killed = apply(&d, "kill", &(struct action){.target = TARGET_NODE, .node = GATEWAY});
    CHECK(prove(&d, killed, false, 2 * NS_PER_S) == PROOF_PROVEN);
    must(&d, killed->injector->heal(&killed->in, &s->err), "heal the kill");
    CHECK(lab_netns.node_state(d.lab, GATEWAY) == NODE_FROZEN && !answers(&d, GATEWAY));
    CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), GATEWAY, 300 * NS_PER_MS) == KNOCK_CONNECTED_SILENT);
    CHECK(prove(&d, f, false, 2 * NS_PER_S) == PROOF_PROVEN);
    heal(&d, f);
    CHECK(answers(&d, GATEWAY));
    apply(&d, "freeze", &(struct action){.target = TARGET_REGION, .site = 1}); /* and left to the end of the lab */
    end(&d);
}

static void by_signal(struct stage *s)
{
    freezing(s, "signal");
}

static void by_group(struct stage *s)
{
    freezing(s, "cgroup");
}

static void by_old_freezer(struct stage *s)
{
    freezing(s, "freezer");
}

/* Writes through a gateway, one after the other, until n are acknowledged; the others may have been stored or not. */
static int acknowledged(struct drill *d, uint16_t gateway, int n, int *others)
{
    int taken = 0, asked = 0;
    while (asked < 20 * n && taken < n) {
        int status = inside_write_order(d->lab, stage_client(&d->stage->topo, 0), gateway, 500 * stage_slow());
        taken += status == 200;
        asked++;
        pass(d, (status == 200 ? 1 : 50) * NS_PER_MS);
    }
    *others = asked - taken;
    return taken;
}

struct standing {
    bool known, leads;
    int64_t last, epoch, lost;
    char digest[65];
};

static void take_standing(void *arg, const struct lab_answer *a)
{
    struct standing *to = arg;
    const char *digest = json_string_value(json_object_get(a->body, "digest"));
    *to = (struct standing){.known = json_object_get(a->body, "lsn") != NULL,
                            .leads = json_is_true(json_object_get(a->body, "leader")),
                            .last = json_integer_value(json_object_get(a->body, "lsn")),
                            .epoch = json_integer_value(json_object_get(a->body, "epoch")),
                            .lost = json_integer_value(json_object_get(a->body, "lost_log"))};
    snprintf(to->digest, sizeof(to->digest), "%s", digest ? digest : "");
}

static struct standing standing(struct drill *d, uint16_t store)
{
    struct standing now = {0};
    CHECK(lab_netns.admin(d->lab, store, "GET", "/status", NULL, NS_PER_S, take_standing, &now, &d->stage->err) == 0);
    for (int i = 0; i < 100 && !now.known; i++) {
        pass(d, 10 * NS_PER_MS);
    }
    return now;
}

static void take_list(void *arg, const struct lab_answer *a)
{
    *(json_t **)arg = json_deep_copy(json_object_get(a->body, "ops"));
}

/* Exactly the ops that the status counts, in a row. */
static void check_list(struct drill *d, uint16_t store, int64_t lost)
{
    json_t *ops = NULL;
    CHECK(lab_netns.admin(d->lab, store, "GET", "/v1/lost?from=1&limit=500", NULL, NS_PER_S, take_list, &ops,
                          &d->stage->err) == 0);
    for (int i = 0; i < 100 && !ops; i++) {
        pass(d, 10 * NS_PER_MS);
    }
    CHECK((int64_t)json_array_size(ops) == lost);
    for (size_t i = 1; i < json_array_size(ops); i++) {
        CHECK(json_integer_value(json_array_get(json_array_get(ops, i), 1)) ==
              json_integer_value(json_array_get(json_array_get(ops, i - 1), 1)) + 1);
    }
    json_decref(ops);
}

static void await_equal(struct drill *d)
{
    for (int i = 0; i < 100 && strcmp(standing(d, STORE).digest, standing(d, OTHER_STORE).digest) != 0; i++) {
        pass(d, 50 * NS_PER_MS);
    }
}

/*
 * The primary loses its power with writes that it has acknowledged and the other region has never seen; that one takes
 * over and writes on. What comes back must follow, put its own suffix aside, and end up with the same bytes.
 */
static void old_primary(struct stage *s)
{
    struct drill d;
    const struct path_state cut = {.cut = true};
    begin(&d, s);
    int others;
    CHECK(acknowledged(&d, GATEWAY, 10, &others) == 10 && others == 0);
    await_equal(&d);
    for (uint16_t way = 0; way < 2; way++) {
        must(&d, fabric_lay(d.fabric, 9, path_of(0, way), &cut, &s->err), "cut");
    }
    CHECK(acknowledged(&d, GATEWAY, 5, &others) == 5 && others == 0);
    struct fault *killed = apply(&d, "kill", &(struct action){.target = TARGET_REGION, .site = 0});
    must(&d, fabric_lift(d.fabric, 9, &s->err), "uncut");
    CHECK(prove(&d, killed, false, 2 * NS_PER_S) == PROOF_PROVEN);
    CHECK(acknowledged(&d, OTHER_REGION_GATEWAY, 20, &others) == 20);
    struct standing heir = standing(&d, OTHER_STORE);
    CHECK(heir.leads && heir.last >= 30 && heir.last <= 30 + others);
    heal(&d, killed);
    CHECK(!standing(&d, STORE).leads); /* it may again later: this is its home */
    await_equal(&d);
    struct standing old = standing(&d, STORE);
    heir = standing(&d, OTHER_STORE);
    printf("old primary: lsn %lld, epoch %lld, %lld records put aside; heir: lsn %lld, epoch %lld\n",
           (long long)old.last, (long long)old.epoch, (long long)old.lost, (long long)heir.last, (long long)heir.epoch);
    CHECK(old.last == heir.last && old.lost == 5 && !(old.leads && heir.leads));
    CHECK(strcmp(old.digest, heir.digest) == 0);
    check_list(&d, STORE, old.lost);
    check_list(&d, OTHER_STORE, 0);
    end(&d);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"one after the other", staggered}, {"a crash loop", crash_loop},
                                      {"a slow start", slow_start}, {"two at once", two_at_once},
                                      {"frozen by signal", by_signal}, {"frozen by control group", by_group},
                                      {"frozen by the freezer of v1", by_old_freezer}, {"an old primary", old_primary}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
