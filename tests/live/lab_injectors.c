/* SPDX-License-Identifier: MIT */
/*
 * Every fault in a real world, as the conductor goes about it: canaries first, then apply, prove, hold, heal, prove.
 * The nodes are the reference gateway or, when it is not built, a stand-in; who is which does not matter here.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "tests/live/inside.h"
#include "tests/live/lab_drill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void kills(struct stage *s)
{
    drill_whole_life(s, "kill", &(struct action){.target = TARGET_REGION, .site = 0});
}

static void crashes(struct stage *s)
{
    drill_whole_life(s, "kill", &(struct action){.target = TARGET_NODE, .node = 1, .disk = DISK_LOST});
}

static void stops(struct stage *s)
{
    drill_whole_life(s, "stop", &(struct action){.target = TARGET_NODE, .node = 1, .grace_ns = 5 * NS_PER_S});
}

static void freezes(struct stage *s)
{
    drill_whole_life(s, "freeze", &(struct action){.target = TARGET_REGION, .site = 1});
}

static void cuts(struct stage *s)
{
    drill_whole_life(s, "partition", &(struct action){.target = TARGET_LINK, .link = 0});
}

static void cuts_one_way(struct stage *s)
{
    drill_whole_life(s, "partition",
                     &(struct action){.target = TARGET_LINK, .link = 0, .direction = DIRECTION_BACKWARD});
}

static void cuts_nothing(struct stage *s)
{
    struct drill d;
    drill_begin(&d, s, "partition", &(struct action){.target = TARGET_LINK, .link = 0});
    drill_apply(&d);
    const struct path_state open = {0};
    drill_must(&d, lab_netns.path_set(d.lab, 0, &open, &s->err), "behind the fabric's back");
    CHECK(drill_prove(&d, false, 500 * NS_PER_MS) == PROOF_REFUTED);
    drill_end(&d);
}

/* Canaries of which nothing arrived before the fault: that nothing arrives in it shows nothing. */
static void cuts_what_was_dead(struct stage *s)
{
    enum { OTHER = 9 };
    const struct path_state cut = {.cut = true};
    struct drill d;
    drill_begin(&d, s, "partition", &(struct action){.target = TARGET_LINK, .link = 0});
    for (size_t i = 0; i < d.in.canary_count; i++) {
        uint16_t path = canary_path(d.canaries[i]);
        drill_must(&d, fabric_lay(d.fabric, OTHER, path, &cut, &s->err), "an earlier cut");
        canary_free(d.canaries[i]);
        drill_must(&d, canary_new(&d.canaries[i], d.lab, path, 0, &s->err), "canary");
    }
    drill_pass(&d, 400 * NS_PER_MS);
    drill_must(&d, fabric_lift(d.fabric, OTHER, &s->err), "its end");
    drill_apply(&d);
    CHECK(drill_prove(&d, false, NS_PER_S) == PROOF_PENDING);
    CHECK(strstr(d.in.method, "before the fault"));
    drill_end(&d);
}

static void drifts(struct stage *s)
{
    json_t *merge = json_pack("{s:i}", "drain_ms", 123);
    drill_whole_life(s, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .merge = merge});
    json_decref(merge);
}

static void pushes(struct stage *s)
{
    json_t *merge = json_pack("{s:i}", "drain_ms", 123);
    if (strstr(s->options.gateway_path, "lab_echo")) {
        printf("the stand-in has no control plane\n");
    } else {
        drill_whole_life(s, "drift",
                         &(struct action){.target = TARGET_NODE, .node = 0, .merge = merge, .via = DRIFT_VIA_CONTROL});
    }
    json_decref(merge);
}

static void patches_what_runs(struct stage *s)
{
    json_t *merge = json_pack("{s:i}", "drain_ms", 123);
    if (strstr(s->options.gateway_path, "lab_echo")) {
        printf("what the stand-in runs cannot be patched\n");
    } else {
        drill_whole_life(s, "drift",
                         &(struct action){.target = TARGET_NODE, .node = 0, .merge = merge, .via = DRIFT_VIA_RUNTIME});
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
    drill_begin(&d, s, "drift", &(struct action){.target = TARGET_NODE, .node = 0});
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        d.action = ways[i];
        d.action.type = &d.injector->type;
        d.action.target = TARGET_NODE;
        drill_apply(&d);
        CHECK(drill_prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
        CHECK(stage_knock(d.lab, stage_client(&s->topo, 0), 0, NS_PER_S) == KNOCK_ANSWERED);
        drill_heal(&d);
        CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
        free(d.in.state);
        d.in.state = NULL;
    }
    drill_end(&d);
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
    drill_begin(&d, s, "degrade", &a);
    drill_apply(&d);
    CHECK(drill_prove(&d, false, d.injector->type.proof_bound_ns(&a)) == PROOF_PROVEN);
    drill_heal(&d);
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    drill_end(&d);
}

static bool degrades_here(struct stage *s, enum lab_effect effect)
{
    struct lab_caps caps;
    CHECK(lab_caps_probe(&caps, &s->err) == 0);
    if (!caps.effects[effect].available) {
        printf("skipped: %s\n", caps.effects[effect].why);
    }
    return caps.effects[effect].available;
}

/* One in a hundred: shown by thick canaries within seconds, which are thin from then on. */
static void loses_few(struct stage *s)
{
    const struct action a = {.target = TARGET_LINK, .link = 0, .shape = {.loss_ppm = 10000}};
    if (!degrades_here(s, EFFECT_DEGRADE)) {
        return;
    }
    struct drill d;
    drill_begin(&d, s, "degrade", &a);
    drill_apply(&d);
    CHECK(drill_prove(&d, false, stage_slow() * d.injector->type.proof_bound_ns(&a)) == PROOF_PROVEN);
    int64_t shown_ns = lab_now(d.lab);
    drill_pass(&d, NS_PER_S);
    struct canary_view v = canary_look(d.canaries[0], shown_ns, shown_ns + 500 * NS_PER_MS, 0);
    printf("%d datagrams in half a second after the proof\n", (int)v.sent);
    CHECK(v.sent > 0 && v.sent < 100);
    drill_heal(&d);
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    drill_end(&d);
}

/* Looks for a while at a fault in force; how many of them refute it. */
static int refuted_within(struct drill *d, int64_t ns)
{
    int refuted = 0;
    for (int64_t until_ns = clock_mono_ns() + ns; clock_mono_ns() < until_ns;) {
        refuted += d->injector->prove(&d->in, false) == PROOF_REFUTED;
        drill_pass(d, 50 * NS_PER_MS);
    }
    if (refuted > 0) {
        printf("refuted %d times: %s\n", refuted, d->in.method);
    }
    return refuted;
}

/* Another fault on the same link comes and goes: what was sent before it did is not held against this one. */
static void degrades_beside_others(struct stage *s)
{
    enum { OTHER = 9 };
    const struct action a = {.target = TARGET_LINK, .link = 0,
                             .shape = {.delay_ns = 100 * NS_PER_MS, .loss_ppm = 200000}};
    const struct path_state others[] = {{.corrupt_ppm = 400000}, {.delay_ns = 60 * NS_PER_MS}, {.cut = true}};
    if (!degrades_here(s, EFFECT_DEGRADE)) {
        return;
    }
    struct drill d;
    drill_begin(&d, s, "degrade", &a);
    drill_apply(&d);
    CHECK(drill_prove(&d, false, 3 * NS_PER_S) == PROOF_PROVEN);
    for (size_t i = 0; i < array_len(others); i++) {
        drill_must(&d, fabric_lay(d.fabric, OTHER, 0, &others[i], &s->err), "another fault");
        CHECK(refuted_within(&d, 1500 * NS_PER_MS) == 0);
        drill_must(&d, fabric_lift(d.fabric, OTHER, &s->err), "its end");
        CHECK(refuted_within(&d, 1500 * NS_PER_MS) == 0);
    }
    CHECK(drill_prove(&d, false, 3 * NS_PER_S) == PROOF_PROVEN);
    drill_heal(&d);
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    drill_end(&d);
}

/* Read back as asked for, and a third of the datagrams is lost all the same, as by a queue that is too short. */
static void delays_and_loses(struct stage *s)
{
    const struct action a = {.target = TARGET_LINK, .link = 0, .shape = {.delay_ns = 20 * NS_PER_MS}};
    const struct path_state lossy = {.loss_ppm = 300000};
    if (!degrades_here(s, EFFECT_DEGRADE)) {
        return;
    }
    struct drill d;
    drill_also(1u << EFFECT_DEGRADE);
    drill_begin(&d, s, "degrade", &a);
    uint16_t elsewhere = canary_path(d.in.control);
    for (size_t i = 0; i < d.in.canary_count; i++) { /* they watch a path that loses behind the fabric's back */
        canary_free(d.canaries[i]);
        drill_must(&d, canary_new(&d.canaries[i], d.lab, elsewhere, 0, &s->err), "canary");
    }
    drill_must(&d, lab_netns.path_set(d.lab, elsewhere, &lossy, &s->err), "behind the fabric's back");
    drill_apply(&d);
    CHECK(drill_prove(&d, false, 1500 * NS_PER_MS) == PROOF_REFUTED);
    CHECK(strstr(d.in.method, "nobody asked for so many"));
    drill_end(&d);
}

static void narrows_to(struct stage *s, int64_t rate_bps, const char *mechanism)
{
    const struct action a = {.target = TARGET_LINK, .link = 0, .shape = {.rate_bps = rate_bps}};
    struct drill d;
    if (!degrades_here(s, mechanism ? EFFECT_DEGRADE : EFFECT_RATE)) {
        return;
    }
    s->options.forced[EFFECT_RATE] = s->options.forced[EFFECT_DEGRADE] = mechanism;
    drill_begin(&d, s, "degrade", &a);
    printf("%.1f Mbit/s by %s\n", (double)rate_bps / 1e6, lab_netns.mechanism(d.lab, EFFECT_RATE).name);
    drill_apply(&d);
    int64_t bound_ns = stage_slow() * d.injector->type.proof_bound_ns(&a);
    CHECK(drill_prove(&d, false, bound_ns) == PROOF_PROVEN);
    CHECK(strstr(d.in.method, "trains came at"));
    CHECK(drill_prove(&d, false, bound_ns) == PROOF_PROVEN);
    drill_heal(&d);
    CHECK(drill_prove(&d, true, bound_ns) == PROOF_PROVEN);
    drill_end(&d);
}

static void narrows_much(struct stage *s)
{
    narrows_to(s, 400000, NULL);
}

static void narrows_little(struct stage *s)
{
    narrows_to(s, TRAIN_RATE_MAX_BPS, NULL);
}

static void narrows_by_wire(struct stage *s)
{
    narrows_to(s, 5000000, "wire");
}

/* The kernel's word alone will not do: trains that are not held up refute it. */
static void narrows_nothing(struct stage *s)
{
    const struct action a = {.target = TARGET_LINK, .link = 0, .shape = {.rate_bps = 5000000}};
    struct drill d;
    if (!degrades_here(s, EFFECT_RATE)) {
        return;
    }
    drill_begin(&d, s, "degrade", &a);
    for (size_t i = 0; i < d.in.canary_count; i++) { /* on a path that is not hit */
        train_free(d.trains[i]);
        int rc = train_new(&d.trains[i], d.lab, canary_path(d.in.control), 0, a.shape.rate_bps, &s->err);
        drill_must(&d, rc, "train");
    }
    drill_apply(&d);
    CHECK(drill_prove(&d, false, NS_PER_S) == PROOF_REFUTED);
    CHECK(strstr(d.in.method, "trains came at"));
    drill_end(&d);
}

struct crossing {
    int64_t took_ns;
    bool over;
};

static void crossed(void *arg, const struct lab_answer *answer)
{
    struct crossing *c = arg;
    c->over = true;
    c->took_ns = answer->status == KNOCK_ANSWERED ? answer->done_ns - answer->sent_ns : INT64_MAX;
}

/* The quickest of five handshakes with a port of the other region's store, in milliseconds. */
static double handshake_ms(struct drill *d, uint16_t port)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        struct crossing c = {0};
        drill_must(d, lab_netns.knock_port(d->lab, 2, 5, port, NS_PER_S, crossed, &c, &d->stage->err), "knock");
        while (!c.over) {
            drill_pass(d, 5 * NS_PER_MS);
        }
        best = c.took_ns < best ? c.took_ns : best;
    }
    return (double)best / 1e6;
}

/* Replication gets 50 ms one way and none back; what clients' requests use is as quick as it was. */
static void degrades_one_port(struct stage *s)
{
    struct action a = {.target = TARGET_LINK, .link = 0, .direction = DIRECTION_FORWARD, .port = TOPO_PORT_REPLICATION,
                       .shape = {.delay_ns = 50 * NS_PER_MS}};
    struct lab_caps caps;
    CHECK(lab_caps_probe(&caps, &s->err) == 0);
    if (!caps.effects[EFFECT_DEGRADE_ONLY].available || strstr(s->options.gateway_path, "lab_echo")) {
        printf("skipped: %s\n", caps.effects[EFFECT_DEGRADE_ONLY].why);
        return;
    }
    struct drill d;
    drill_begin(&d, s, "degrade", &a);
    double before = handshake_ms(&d, TOPO_PORT_REPLICATION);
    drill_apply(&d);
    CHECK(drill_prove(&d, false, 3 * NS_PER_S) == PROOF_PROVEN);
    double slow = handshake_ms(&d, TOPO_PORT_REPLICATION), other = handshake_ms(&d, TOPO_PORT_HTTP);
    drill_heal(&d);
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    double after = handshake_ms(&d, TOPO_PORT_REPLICATION);
    printf("handshake on the port %.1f ms, degraded %.1f, healed %.1f; on another port %.1f meanwhile\n", before, slow,
           after, other);
    CHECK(slow - before >= 50 - stage_slow() && slow - before <= 50 + 5 * stage_slow());
    CHECK(other < before + 10 * stage_slow() && after < before + 10 * stage_slow());
    drill_end(&d);
}

/* One life after the other on the origin of the first region, in one world. */
static void serves_badly(struct stage *s)
{
    static const struct service_fault ways[] = {
        {.status = 503, .share_ppm = 200000},
        {.status = 429, .retry_after_ns = 2 * NS_PER_S},
        {.first_byte_ns = 300 * NS_PER_MS, .health = HEALTH_GOOD},
        {.body_ns = 200 * NS_PER_MS},
        {.hang = true, .share_ppm = 500000, .health = HEALTH_GOOD},
        {.has_reset = true, .reset_after_bytes = 10000},
        {.short_body = true, .share_ppm = 300000},
        {.health = HEALTH_BAD},
    };
    struct drill d;
    if (strstr(s->options.gateway_path, "lab_echo")) {
        printf("the stand-in serves well and no otherwise\n");
        return;
    }
    drill_begin(&d, s, "misbehave", &(struct action){.target = TARGET_NODE, .node = 2});
    for (size_t i = 0; i < array_len(ways); i++) {
        d.action.service = ways[i];
        int64_t bound_ns = d.injector->type.proof_bound_ns(&d.action);
        drill_apply(&d);
        CHECK(drill_prove(&d, false, bound_ns) == PROOF_PROVEN);
        drill_heal(&d);
        CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    }
    drill_end(&d);
}

/* The origin forgets behind the injector's back: its word from before is worth nothing. */
static void forgets(struct stage *s)
{
    struct drill d;
    if (strstr(s->options.gateway_path, "lab_echo")) {
        return;
    }
    drill_begin(&d, s, "misbehave", &(struct action){.target = TARGET_NODE, .node = 2, .service.status = 503});
    drill_apply(&d);
    drill_must(&d, lab_netns.node_kill(d.lab, 2, &s->err), "kill");
    drill_must(&d, lab_netns.node_start(d.lab, 2, false, &s->err), "start");
    drill_pass(&d, 300 * NS_PER_MS);
    CHECK(drill_prove(&d, false, 1500 * NS_PER_MS) != PROOF_PROVEN);
    CHECK(strstr(d.in.method, "read back") || strstr(d.in.method, "show it"));
    drill_end(&d);
}

/* What a write to the store of a region is answered, as soon as it is the wanted status; at last, whatever it is. */
static int write_until(struct drill *d, uint16_t store, int wanted)
{
    int status = 0;
    for (int i = 0; i < 100 && status != wanted; i++) {
        status = inside_write_order(d->lab, stage_client(&d->stage->topo, 0), store, 1000 * stage_slow());
        drill_pass(d, 50 * NS_PER_MS);
    }
    return status;
}

static void operate(struct drill *d, const char *verb)
{
    d->injector = injector_find(verb);
    d->action.type = &d->injector->type;
    drill_must(d, d->injector->apply(&d->in, &d->stage->err), verb);
}

/* To the other region and home again: the one store takes writes and the other refuses them, turn and turn about. */
static void fails_over_and_back(struct stage *s)
{
    enum { HOME = 2, AWAY = 5, HOME_GATEWAY = 0, AWAY_GATEWAY = 3 };
    struct drill d;
    if (strstr(s->options.gateway_path, "lab_echo")) {
        printf("the stand-in leads nobody\n");
        return;
    }
    drill_begin(&d, s, "fail_over", &(struct action){.site = 1});
    CHECK(write_until(&d, HOME, 200) == 200 && write_until(&d, AWAY, 503) == 503);
    operate(&d, "fail_over");
    CHECK(write_until(&d, AWAY, 200) == 200 && write_until(&d, HOME, 503) == 503);
    CHECK(inside_get(d.lab, stage_client(&s->topo, 0), HOME_GATEWAY, "/readyz", 1000) == 503);
    CHECK(inside_get(d.lab, stage_client(&s->topo, 0), AWAY_GATEWAY, "/readyz", 1000) == 200);
    operate(&d, "fail_back");
    CHECK(write_until(&d, HOME, 200) == 200 && write_until(&d, AWAY, 503) == 503);
    CHECK(inside_get(d.lab, stage_client(&s->topo, 0), HOME_GATEWAY, "/readyz", 1000) == 200);
    operate(&d, "fail_back"); /* at home already: nothing moves */
    CHECK(write_until(&d, HOME, 200) == 200);
    drill_end(&d);
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
                                      {"a partition of what was dead", cuts_what_was_dead},
                                      {"drift", drifts},
                                      {"drift via the control plane", pushes},
                                      {"drift of what runs", patches_what_runs},
                                      {"drift of the file alone", drifts_in_its_file},
                                      {"degrade", degrades}, {"degrade one port", degrades_one_port},
                                      {"rare losses", loses_few},
                                      {"degrade beside other faults", degrades_beside_others},
                                      {"a delay that loses", delays_and_loses},
                                      {"a low rate", narrows_much},
                                      {"a high rate", narrows_little},
                                      {"a rate by wire", narrows_by_wire},
                                      {"a rate that is none", narrows_nothing},
                                      {"misbehave", serves_badly},
                                      {"a misbehaviour that is none", forgets},
                                      {"fail over and back", fails_over_and_back}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
