/* SPDX-License-Identifier: MIT */
/*
 * Five faults that overlap on one link and on the nodes of one region, laid and healed in twenty random orders: each
 * time the world ends exactly as it began, read back from the kernel: every path, every process, and every node
 * answers.
 */
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/lab/residue.h"
#include "harness/lab/shape.h"
#include "injectors/injector.h"
#include "tests/live/lab_stage.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAULTS = 5, ORDERS = 20, PATHS_MAX = 64, NODES_MAX = 32, SEED = 20 };

struct world {
    struct path_state paths[PATHS_MAX];
    enum node_state nodes[NODES_MAX];
};

static struct stage *stage;
static struct lab *lab;
static struct fabric *fabric;
static struct injection injections[FAULTS];
static struct action actions[FAULTS];

static struct world read_world(void)
{
    struct world w = {0};
    for (uint16_t path = 0; path < 2 * stage->topo.link_count; path++) {
        CHECK(lab_netns.path_get(lab, path, &w.paths[path], &stage->err) == 0);
    }
    for (uint16_t node = 0; node < stage->topo.node_count; node++) {
        w.nodes[node] = lab_netns.node_state(lab, node);
    }
    return w;
}

static size_t differences(const struct world *a, const struct world *b)
{
    size_t n = 0;
    for (uint16_t path = 0; path < 2 * stage->topo.link_count; path++) {
        n += !shape_same(&a->paths[path], &b->paths[path]);
    }
    for (uint16_t node = 0; node < stage->topo.node_count; node++) {
        n += a->nodes[node] != b->nodes[node];
    }
    return n;
}

/* A node that was started again needs a moment; a connection that was under way when it was plugged in, too. */
static bool answers(uint16_t node)
{
    for (int i = 0; i < 50; i++) {
        if (stage_knock(lab, stage_client(&stage->topo, 0), node, NS_PER_S / 5) == KNOCK_ANSWERED) {
            return true;
        }
        stage_pass_ms(20);
    }
    return false;
}

static void everybody_answers(void)
{
    for (uint16_t node = 0; node < stage->topo.node_count; node++) {
        if (stage->topo.nodes[node].role == NODE_GATEWAY || stage->topo.nodes[node].role == NODE_ORIGIN) {
            CHECK(answers(node));
        }
    }
}

static void shuffle(struct rng *r, int order[FAULTS])
{
    for (int i = 0; i < FAULTS; i++) {
        int j = (int)rng_below(r, (uint64_t)i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

static void one_order(struct rng *r, const struct world *before)
{
    int lay[FAULTS], lift[FAULTS];
    shuffle(r, lay);
    shuffle(r, lift);
    for (int i = 0; i < FAULTS; i++) {
        struct injection *in = &injections[lay[i]];
        if (injector_find(in->action->type->verb)->apply(in, &stage->err) != 0) {
            stage_give_up(stage, "apply");
        }
    }
    struct world broken = read_world();
    CHECK(differences(before, &broken) >= 5); /* two paths, three nodes at least */
    CHECK(broken.paths[0].cut && broken.nodes[0] == NODE_DOWN && broken.nodes[1] == NODE_FROZEN);
    for (int i = 0; i < FAULTS; i++) {
        struct injection *in = &injections[lift[i]];
        CHECK(injector_find(in->action->type->verb)->heal(in, &stage->err) == 0);
    }
    struct world after = read_world();
    size_t n = differences(before, &after);
    if (n > 0) {
        printf("%zu differences: laid %d%d%d%d%d, lifted %d%d%d%d%d\n", n, lay[0], lay[1], lay[2], lay[3], lay[4],
               lift[0], lift[1], lift[2], lift[3], lift[4]);
    }
    CHECK(n == 0);
    everybody_answers();
}

static void choose_faults(bool shaped)
{
    static const char *const verbs[FAULTS] = {"partition", "degrade", "degrade", "freeze", "kill"};
    const struct path_state slow = {.delay_ns = 20 * NS_PER_MS}, lossy = {.loss_ppm = 50000};
    const struct path_state narrow = {.rate_bps = 8000000}, wider = {.rate_bps = 16000000};
    actions[0] = (struct action){.target = TARGET_LINK, .link = 0, .direction = DIRECTION_FORWARD, .shape.cut = true};
    actions[1] = (struct action){.target = TARGET_LINK, .link = 0, .shape = shaped ? slow : narrow};
    actions[2] = (struct action){
        .target = TARGET_LINK, .link = 0, .direction = DIRECTION_BACKWARD, .shape = shaped ? lossy : wider};
    actions[3] = (struct action){.target = TARGET_REGION, .site = 0};
    actions[4] = (struct action){.target = TARGET_NODE, .node = 0, .how = KILL_POWER, .disk = DISK_LOST};
    for (uint16_t i = 0; i < FAULTS; i++) {
        actions[i].type = &injector_find(verbs[i])->type;
        injections[i] = (struct injection){.fault = (uint16_t)(i + 1), .action = &actions[i], .fabric = fabric};
    }
}

static void twenty_orders(struct stage *s)
{
    static unsigned effects[16];
    struct lab_caps caps;
    struct rng r;
    char left[1024];
    struct residue *residue = NULL;
    stage = s;
    stage_topology(&s->topo, 2, 2);
    CHECK(s->topo.node_count <= NODES_MAX && 2 * s->topo.link_count <= PATHS_MAX);
    CHECK(lab_caps_probe(&caps, &s->err) == 0);
    choose_faults(caps.effects[EFFECT_DEGRADE].available);
    for (int i = 0; i < FAULTS; i++) {
        injection_link_effects(&s->topo, &actions[i], effects);
    }
    s->options.link_effects = effects;
    CHECK(residue_begin(&residue, s->run_path, left, sizeof(left), &s->err) == 0);
    lab = stage_open(s);
    if (fabric_new(&fabric, lab, &s->topo, &s->err) != 0) {
        stage_give_up(s, "fabric");
    }
    choose_faults(caps.effects[EFFECT_DEGRADE].available);
    rng_init(&r, SEED, "orders");
    const struct world before = read_world();
    for (int i = 0; i < ORDERS; i++) {
        one_order(&r, &before);
    }
    for (int i = 0; i < FAULTS; i++) {
        free(injections[i].state);
    }
    fabric_free(fabric);
    lab_netns.close(lab);
    CHECK(residue_look(residue, left, sizeof(left), &s->err) == 0 && left[0] == '\0');
    printf("%s", left);
    residue_end(residue);
}

int main(int argc, char **argv)
{
    static const struct act acts[] = {{"five faults in twenty orders", twenty_orders}};
    return stage_main(argc, argv, acts, sizeof(acts) / sizeof(acts[0]));
}
