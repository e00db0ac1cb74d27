/* SPDX-License-Identifier: MIT */
/*
 * stop: the processes of a region or of one node are told to leave, as a rolling upgrade or a scheduler does it.
 * SIGTERM to all of them at once; whoever is still there after the grace is killed. From then on they are held down
 * like the victims of a kill: the start comes with the heal.
 *
 * The fault spans the whole leaving, so [t_ib, t_ie] is as wide as the drain took. It is proven like a crash, by pidfd
 * and by a port that refuses; the method says how many went by themselves, and with which exit status where that was
 * not 0. What became of the requests that were under way there meanwhile is counted by who sent them
 * (harness/measure/leaving.c): who leaves does not keep those minutes.
 */
#include "injectors/hold.h"

#include "harness/base/arena.h"
#include "harness/base/units.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define LOOK_AGAIN_NS (10 * NS_PER_MS)

/* The round comes first: look_round_of takes the state for one. */
struct stop_state {
    struct look_round round;
    size_t asked, left; /* nodes; those of them that went within the grace */
    char words[96];
};

static const struct field stop_fields[] = {
    {.key = "grace",
     .kind = FIELD_DURATION,
     .offset = offsetof(struct action, grace_ns),
     .preset = "10s",
     .min = NS_PER_MS,
     .max = 60 * NS_PER_S,
     .doc = "time to finish between SIGTERM and SIGKILL"},
};

static size_t count_dead(struct injection *in, const uint16_t *nodes, size_t n)
{
    struct lab *lab = fabric_lab(in->fabric);
    size_t dead = 0;
    for (size_t i = 0; i < n; i++) {
        dead += lab->ops->node_state(lab, nodes[i]) == NODE_DOWN;
    }
    return dead;
}

static int await_leave(struct injection *in, const uint16_t *nodes, struct stop_state *s, struct err *e)
{
    struct loop *loop = fabric_lab(in->fabric)->ops->loop(fabric_lab(in->fabric));
    int64_t until_ns = loop_tick(loop) + in->action->grace_ns;
    while ((s->left = count_dead(in, nodes, s->asked)) < s->asked && loop_tick(loop) < until_ns) {
        if (loop_run(loop, loop_now(loop) + LOOK_AGAIN_NS, NULL, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What the proof is to say: who left by itself, and of those the first that did not leave well. */
static void note_exits(struct injection *in, const uint16_t *nodes, struct stop_state *s)
{
    struct lab *lab = fabric_lab(in->fabric);
    int bad = 0;
    for (size_t i = 0; i < s->asked && bad == 0; i++) {
        bad = lab->ops->node_state(lab, nodes[i]) == NODE_DOWN ? lab->ops->node_exit(lab, nodes[i]) : 0;
    }
    int n = snprintf(s->words, sizeof(s->words), "dead by pidfd, %zu of them by themselves", s->left);
    if (bad != 0) {
        snprintf(s->words + n, sizeof(s->words) - (size_t)n, ", one %s %d",
                 WIFSIGNALED(bad) ? "by signal" : "with exit status",
                 WIFSIGNALED(bad) ? WTERMSIG(bad) : WEXITSTATUS(bad));
    }
}

static int stop_apply(struct injection *in, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    uint16_t nodes[TARGET_NODES_MAX];
    struct stop_state *s = xcalloc(1, sizeof(*s));
    in->state = (char *)s;
    s->asked = target_nodes(fabric_topology(in->fabric), in->action, nodes, TARGET_NODES_MAX);
    for (size_t i = 0; i < s->asked; i++) {
        if (lab->ops->node_signal(lab, nodes[i], SIGTERM, e) != 0) {
            return -1;
        }
    }
    if (await_leave(in, nodes, s, e) != 0) {
        return -1;
    }
    note_exits(in, nodes, s);
    return hold_apply(in, HOLD_DOWN, e);
}

static bool refused_knock(const struct fabric *f, uint16_t node, enum knock k)
{
    return fabric_held(f, node) & HOLD_UNPLUGGED ? k == KNOCK_SILENT : k == KNOCK_REFUSED;
}

static enum proof stop_prove(struct injection *in, bool healed)
{
    const struct stop_state *s = (const struct stop_state *)(void *)in->state;
    const struct hold_expectation gone = {
        .state = NODE_DOWN, .knock_fits = refused_knock, .proven = s ? s->words : "dead by pidfd"};
    return healed ? hold_prove_healed(in) : hold_prove(in, &gone);
}

const struct injector injector_stop = {
    .type = {.verb = "stop",
             .summary = "processes are told to leave by SIGTERM, and killed if they stay",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN,
             .fields = stop_fields,
             .field_count = sizeof(stop_fields) / sizeof(stop_fields[0]),
             .severing = true,
             .proven_once = true},
    .apply = stop_apply,
    .heal = hold_heal,
    .prove = stop_prove,
    .effect = EFFECT_KILL,
};
