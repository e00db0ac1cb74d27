/* SPDX-License-Identifier: MIT */
/*
 * Every fault in a real world, as the conductor goes about it: canaries first, then apply, prove, hold, heal, prove.
 * The nodes are the reference gateway or, when it is not built, a stand-in; who is which does not matter here.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "injectors/injector.h"
#include "tests/live/lab_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANARIES_MAX = 3 };

struct drill {
    struct stage *stage;
    struct lab *lab;
    struct fabric *fabric;
    struct action action;
    struct injection in;
    const struct injector *injector;
    struct canary *canaries[CANARIES_MAX];
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

static void begin(struct drill *d, struct stage *s, const char *verb, const struct action *a)
{
    static unsigned effects[16];
    stage_topology(&s->topo, 2, 2);
    *d = (struct drill){.stage = s, .action = *a, .injector = injector_find(verb)};
    d->action.type = &d->injector->type;
    injection_link_effects(&s->topo, &d->action, effects);
    s->options.link_effects = effects;
    d->lab = stage_open(s);
    must(d, fabric_new(&d->fabric, d->lab, &s->topo, &s->err), "fabric");
    uint16_t paths[2];
    size_t n = injection_paths(&s->topo, a, paths, 2);
    for (size_t i = 0; i < n; i++) {
        must(d, canary_new(&d->canaries[i], d->lab, paths[i], &s->err), "canary");
    }
    struct canary **control = &d->canaries[CANARIES_MAX - 1];
    must(d, n > 0 ? canary_new(control, d->lab, (uint16_t)(2 * s->topo.link_count - 3), &s->err) : 0, "control");
    d->in = (struct injection){.fault = 1, .action = &d->action, .fabric = d->fabric, .canaries = d->canaries,
                               .canary_count = n, .control = *control};
    pass(d, 400 * NS_PER_MS);
}

static void end(struct drill *d)
{
    for (int i = 0; i < CANARIES_MAX; i++) {
        canary_free(d->canaries[i]);
    }
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
    } while (p != PROOF_PROVEN && clock_mono_ns() - begun < bound_ns);
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

static void whole_life(struct stage *s, const char *verb, const struct action *a)
{
    struct drill d;
    begin(&d, s, verb, a);
    apply(&d);
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    heal(&d);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    end(&d);
}

static void kills(struct stage *s)
{
    whole_life(s, "kill", &(struct action){.target = TARGET_REGION, .site = 0});
}

static void crashes(struct stage *s)
{
    whole_life(s, "kill", &(struct action){.target = TARGET_NODE, .node = 1, .disk_lost = true});
}

static void stops(struct stage *s)
{
    whole_life(s, "stop", &(struct action){.target = TARGET_NODE, .node = 1, .grace_ns = 5 * NS_PER_S});
}

static void freezes(struct stage *s)
{
    whole_life(s, "freeze", &(struct action){.target = TARGET_REGION, .site = 1});
}

static void cuts(struct stage *s)
{
    whole_life(s, "partition", &(struct action){.target = TARGET_LINK, .link = 0});
}

static void cuts_one_way(struct stage *s)
{
    whole_life(s, "partition", &(struct action){.target = TARGET_LINK, .link = 0, .direction = DIRECTION_BACKWARD});
}

static void cuts_nothing(struct stage *s)
{
    struct drill d;
    begin(&d, s, "partition", &(struct action){.target = TARGET_LINK, .link = 0});
    apply(&d);
    const struct path_state open = {0};
    must(&d, lab_netns.path_set(d.lab, 0, &open, &s->err), "behind the fabric's back");
    CHECK(prove(&d, false, 500 * NS_PER_MS) == PROOF_REFUTED);
    end(&d);
}

static void drifts(struct stage *s)
{
    json_t *merge = json_pack("{s:i}", "drain_ms", 123);
    whole_life(s, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .merge = merge});
    json_decref(merge);
}

static void pushes(struct stage *s)
{
    json_t *merge = json_pack("{s:i}", "drain_ms", 123);
    if (strstr(s->options.gateway_path, "lab_echo")) {
        printf("the stand-in has no control plane\n");
    } else {
        whole_life(s, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .merge = merge, .via_control = true});
    }
    json_decref(merge);
}

/* A file that is no configuration, or that nobody is told of: the gateway serves on with what it had. */
static void drifts_in_its_file(struct stage *s)
{
    json_t *merge = json_pack("{s:i}", "drain_ms", 123);
    const struct action ways[] = {{.file = DRIFT_TRUNCATED}, {.file = DRIFT_MISSING}, {.file = DRIFT_UNREADABLE},
                                  {.merge = merge, .not_reloaded = true}};
    struct drill d;
    begin(&d, s, "drift", &(struct action){.target = TARGET_NODE, .node = 0});
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        d.action = ways[i];
        d.action.type = &d.injector->type;
        d.action.target = TARGET_NODE;
        apply(&d);
        CHECK(prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
        CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), 0, NS_PER_S) == KNOCK_ANSWERED);
        heal(&d);
        CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
        free(d.in.state);
        d.in.state = NULL;
    }
    end(&d);
    json_decref(merge);
}

static void degrades(struct stage *s)
{
    struct action a = {.target = TARGET_LINK, .link = 0, .shape = {.rate_bps = 8000000}};
    struct lab_caps caps;
    CHECK(lab_caps_probe(&caps, &s->err) == 0);
    if (caps.effects[EFFECT_DEGRADE].available) {
        a.shape = (struct path_state){.delay_ns = 40 * NS_PER_MS, .jitter_ns = 2 * NS_PER_MS, .loss_ppm = 200000};
    }
    struct drill d;
    begin(&d, s, "degrade", &a);
    apply(&d);
    CHECK(prove(&d, false, d.injector->type.proof_bound_ns(&a)) == PROOF_PROVEN);
    heal(&d);
    CHECK(prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    end(&d);
}

static void fails_over(struct stage *s)
{
    struct drill d;
    begin(&d, s, "fail_over", &(struct action){.site = 1});
    int rc = -1; /* the first leader needs a moment to get its lease */
    for (int i = 0; i < 20 && rc != 0; i++) {
        s->err = (struct err){0};
        rc = d.injector->apply(&d.in, &s->err);
        pass(&d, 200 * NS_PER_MS);
    }
    if (rc != 0 && strstr(s->options.gateway_path, "lab_echo")) {
        printf("the stand-in leads nobody\n");
    } else if (rc != 0) {
        stage_give_up(s, "fail over");
    }
    end(&d);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"kill a region", kills},
                                      {"kill a node", crashes},
                                      {"stop a node", stops},
                                      {"freeze", freezes},
                                      {"partition", cuts},
                                      {"partition, one way", cuts_one_way},
                                      {"a partition that is none", cuts_nothing},
                                      {"drift", drifts},
                                      {"drift via the control plane", pushes},
                                      {"drift of the file alone", drifts_in_its_file},
                                      {"degrade", degrades},
                                      {"fail over", fails_over}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
