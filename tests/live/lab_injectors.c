/* SPDX-License-Identifier: MIT */
/*
 * Every fault in a real world, as the conductor goes about it: canaries first, then apply, prove, hold, heal, prove.
 * The nodes are the reference gateway or, when it is not built, a stand-in; who is which does not matter here.
 */
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
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
    drill_whole_life(s, "partition", &(struct action){.target = TARGET_LINK, .link = 0, .direction = DIRECTION_BACKWARD});
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
        drill_whole_life(s, "drift", &(struct action){.target = TARGET_NODE, .node = 0, .merge = merge, .via_control = true});
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

static void fails_over(struct stage *s)
{
    struct drill d;
    drill_begin(&d, s, "fail_over", &(struct action){.site = 1});
    int rc = -1; /* the first leader needs a moment to get its lease */
    for (int i = 0; i < 20 && rc != 0; i++) {
        s->err = (struct err){0};
        rc = d.injector->apply(&d.in, &s->err);
        drill_pass(&d, 200 * NS_PER_MS);
    }
    if (rc != 0 && strstr(s->options.gateway_path, "lab_echo")) {
        printf("the stand-in leads nobody\n");
    } else if (rc != 0) {
        stage_give_up(s, "fail over");
    }
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
                                      {"drift", drifts},
                                      {"drift via the control plane", pushes},
                                      {"drift of the file alone", drifts_in_its_file},
                                      {"degrade", degrades},
                                      {"misbehave", serves_badly},
                                      {"a misbehaviour that is none", forgets},
                                      {"fail over", fails_over}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
