/* SPDX-License-Identifier: MIT */
/* Cuts: both ways, one way with the other way intact, of one link and no other; and back. */
#include "harness/base/units.h"
#include "tests/live/lab_stage.h"

#include <stdio.h>

enum { SENT = 20 };

static void drive(struct stage *s, struct lab *lab, uint16_t path, bool cut)
{
    struct path_state wanted = s->topo.links[path / 2].baseline, got = {0};
    wanted.cut = cut;
    if (lab_netns.path_set(lab, path, &wanted, &s->err) != 0 || lab_netns.path_get(lab, path, &got, &s->err) != 0) {
        stage_give_up(s, "driving a path");
    }
    CHECK(got.cut == cut);
}

static void both_ways(struct stage *s)
{
    stage_topology(&s->topo, 2, 1);
    struct lab *lab = stage_open(s);
    printf("cuts by %s\n", lab_netns.mechanism(lab, EFFECT_CUT).name);
    CHECK(stage_datagrams(lab, 0, SENT) == SENT);
    drive(s, lab, 0, true);
    drive(s, lab, 1, true);
    drive(s, lab, 1, true); /* a state, not a step: twice is once */
    CHECK(stage_datagrams(lab, 0, SENT) == 0);
    CHECK(stage_datagrams(lab, 1, SENT) == 0);
    CHECK(stage_knock(lab, 0, 2, 300 * NS_PER_MS) == KNOCK_SILENT);
    for (uint16_t p = 2; p < 2 * s->topo.link_count; p++) {
        CHECK(stage_datagrams(lab, p, SENT) == SENT);
    }
    drive(s, lab, 0, false);
    drive(s, lab, 1, false);
    CHECK(stage_datagrams(lab, 0, SENT) == SENT);
    CHECK(stage_datagrams(lab, 1, SENT) == SENT);
    CHECK(stage_knock(lab, 0, 2, NS_PER_S) == KNOCK_ANSWERED);
    lab_netns.close(lab);
}

static void one_way(struct stage *s)
{
    stage_topology(&s->topo, 2, 1);
    struct lab *lab = stage_open(s);
    for (uint16_t p = 0; p < 2; p++) {
        drive(s, lab, p, true);
        CHECK(stage_datagrams(lab, p, SENT) == 0);
        CHECK(stage_datagrams(lab, p ^ 1, SENT) == SENT);
        drive(s, lab, p, false);
        CHECK(stage_datagrams(lab, p, SENT) == SENT);
    }
    lab_netns.close(lab);
}

static void shapes(struct stage *s)
{
    static const unsigned effects[16] = {1u << EFFECT_DEGRADE, 1u << EFFECT_RATE};
    stage_topology(&s->topo, 2, 1);
    s->options.link_effects = effects;
    struct lab *lab = stage_open(s);
    struct path_state slow = {.delay_ns = 30 * NS_PER_MS, .jitter_ns = NS_PER_MS, .loss_ppm = 100000}, got = {0};
    int rc = lab_netns.path_set(lab, 0, &slow, &s->err);
    if (lab_netns.mechanism(lab, EFFECT_DEGRADE).available) {
        CHECK(rc == 0);
        CHECK(lab_netns.path_get(lab, 0, &got, &s->err) == 0);
        CHECK(got.delay_ns == slow.delay_ns && got.jitter_ns == slow.jitter_ns && got.loss_ppm == slow.loss_ppm);
        drive(s, lab, 0, false);
        CHECK(stage_datagrams(lab, 0, SENT) == SENT);
    } else {
        CHECK(rc == -1 && s->err.kind == ERR_MACHINE);
    }
    s->err = (struct err){0};
    struct path_state narrow = {.rate_bps = 8000000};
    rc = lab_netns.path_set(lab, 2, &narrow, &s->err);
    CHECK((rc == 0) == lab_netns.mechanism(lab, EFFECT_RATE).available);
    CHECK(lab_netns.path_get(lab, 2, &got, &s->err) == 0);
    CHECK(rc != 0 || got.rate_bps == 8000000);
    printf("degrade by %s, rate by %s\n", lab_netns.mechanism(lab, EFFECT_DEGRADE).name,
           lab_netns.mechanism(lab, EFFECT_RATE).name);
    lab_netns.close(lab);
}

static void forced_fib(struct stage *s)
{
    s->options.forced[EFFECT_CUT] = "fib";
    both_ways(s);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"both ways", both_ways},
                                      {"one way, the other stays open", one_way},
                                      {"delay, loss and rate", shapes},
                                      {"rules, asked for", forced_fib}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
