/* SPDX-License-Identifier: MIT */
/*
 * kill: the processes of a region or of one node die by SIGKILL.
 *
 * crash: the kernel closes the sockets, peers see it at once, new connections are refused. power: the links of the
 * nodes go silently first, so nobody is told anything. A region loses power, a node crashes, unless `how` says
 * otherwise. `disk: lost` starts the node again with an empty disk.
 *
 * stagger: one node after the other, as a rolling restart that goes wrong or a fault that spreads. apply kills the
 * first; a timer of the lab's loop the others, so that the timeline goes on meanwhile. It is proven when the last is
 * dead.
 *
 * every: a crash loop. The first half of each period the node is dead, the second half it is there again, as whoever
 * supervises it would have it, and dies once more. It is proven in a time of death, after the second one: before, it
 * was but a crash.
 *
 * What a timer could not do is told by the proof. The timer is stopped by the heal, before the holds are released.
 */
#include "injectors/hold.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/units.h"

#include <stdio.h>

#define REGION_NODES_MAX 13 /* eight gateways, four origins, a control endpoint */

/* The round comes first: look_round_of takes the state for one. */
struct kill_state {
    struct look_round round;
    struct injection *in;
    struct loop_timer timer;
    uint16_t nodes[TARGET_NODES_MAX];
    size_t n, killed; /* of this round of deaths */
    unsigned deaths;  /* rounds */
    bool up;          /* between two deaths */
    struct err failed;
};

static const char *const how_words[] = {"", "power", "crash", NULL};
static const char *const disk_words[] = {"kept", "lost", "lost_with_backups", NULL};

static const struct field kill_fields[] = {
    {.key = "how",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct action, how),
     .words = how_words,
     .example = "power",
     .doc = "power: silently, links first; crash: the system closes its connections (power for a region, crash for a "
            "node)"},
    {.key = "disk",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct action, disk),
     .words = disk_words,
     .preset = "kept",
     .doc = "what is on the disk when it starts again; with backups: the region's second medium is empty then, too"},
    {.key = "stagger",
     .kind = FIELD_DURATION,
     .offset = offsetof(struct action, stagger_ns),
     .min = 10 * NS_PER_MS,
     .max = 60 * NS_PER_S,
     .example = "2s",
     .doc = "time between the death of one node and that of the next"},
    {.key = "every",
     .kind = FIELD_DURATION,
     .offset = offsetof(struct action, every_ns),
     .min = 2 * NS_PER_S,
     .max = 600 * NS_PER_S,
     .example = "4s",
     .doc = "a crash loop: dead for the first half of each period, back for the second"},
};

static bool by_power(const struct action *a)
{
    return a->how == KILL_POWER || (a->how == KILL_DEFAULT && a->target == TARGET_REGION);
}

static unsigned holds_of(const struct action *a)
{
    return HOLD_DOWN | (by_power(a) ? HOLD_UNPLUGGED : 0U) | (a->disk != DISK_KEPT ? HOLD_NO_DISK : 0U) |
           (a->disk == DISK_LOST_WITH_BACKUPS ? HOLD_NO_BACKUPS : 0U);
}

/* The next node, or all that are left where nothing is staggered. */
static void kill_next(struct kill_state *s)
{
    const struct action *a = s->in->action;
    size_t now = a->stagger_ns ? 1 : s->n - s->killed;
    hold_nodes(s->in, &s->nodes[s->killed], now, holds_of(a), &s->failed);
    s->killed += now;
    s->up = false;
    s->deaths += s->killed == s->n;
}

static void come_back(struct kill_state *s)
{
    fabric_release(s->in->fabric, s->in->fault, &s->failed);
    s->killed = 0;
    s->up = true;
}

/* What comes next, and when: 0 nothing. */
static int64_t pause_after(const struct kill_state *s)
{
    const struct action *a = s->in->action;
    return s->killed > 0 && s->killed < s->n ? a->stagger_ns : a->every_ns / 2;
}

static void go_on(struct loop_timer *t, int64_t now)
{
    struct kill_state *s = (struct kill_state *)(void *)((char *)t - offsetof(struct kill_state, timer));
    if (s->killed == s->n) {
        come_back(s);
    } else {
        kill_next(s);
    }
    if (pause_after(s) > 0) {
        loop_timer_set(fabric_lab(s->in->fabric)->ops->loop(fabric_lab(s->in->fabric)), t, now + pause_after(s));
    }
}

static int kill_apply(struct injection *in, struct err *e)
{
    const struct action *a = in->action;
    if (a->stagger_ns == 0 && a->every_ns == 0) {
        return hold_apply(in, holds_of(a), e);
    }
    struct loop *loop = fabric_lab(in->fabric)->ops->loop(fabric_lab(in->fabric));
    struct kill_state *s = xcalloc(1, sizeof(*s));
    in->state = (char *)s;
    *s = (struct kill_state){.in = in, .timer.due = go_on};
    s->n = target_nodes(fabric_topology(in->fabric), a, s->nodes, TARGET_NODES_MAX);
    if (s->n == 0) {
        return err_set(e, ERR_MEANING, a->type->verb, "it hits no node");
    }
    kill_next(s);
    if (pause_after(s) > 0) {
        loop_timer_set(loop, &s->timer, loop_now(loop) + pause_after(s));
    }
    return s->failed.kind ? err_set(e, s->failed.kind, s->failed.at, "%s", s->failed.msg) : 0;
}

static int kill_heal(struct injection *in, struct err *e)
{
    const struct action *a = in->action;
    if (in->state && (a->stagger_ns || a->every_ns)) {
        loop_timer_stop(&((struct kill_state *)(void *)in->state)->timer);
    }
    return hold_heal(in, e);
}

static bool dead_knock(const struct fabric *f, uint16_t node, enum knock k)
{
    return fabric_held(f, node) & HOLD_UNPLUGGED ? k == KNOCK_SILENT : k == KNOCK_REFUSED;
}

/* Not all are dead yet, or not for the second time. */
static bool too_early(struct injection *in, const struct kill_state *s)
{
    snprintf(in->method, sizeof(in->method), "%zu of %zu dead, %u times so far", s->killed, s->n, s->deaths);
    return s->up || s->killed < s->n || (in->action->every_ns && s->deaths < 2);
}

static enum proof kill_prove(struct injection *in, bool healed)
{
    const struct action *a = in->action;
    const struct kill_state *s = a->stagger_ns || a->every_ns ? (const struct kill_state *)(void *)in->state : NULL;
    char words[48] = "dead by pidfd";
    if (healed) {
        return hold_prove_healed(in);
    }
    if (s && s->failed.kind) {
        snprintf(in->method, sizeof(in->method), "could not go on: %.120s", s->failed.msg);
        return PROOF_REFUTED;
    }
    if (s && too_early(in, s)) {
        return PROOF_PENDING;
    }
    if (s && a->every_ns) {
        snprintf(words, sizeof(words), "dead by pidfd for the %u. time", s->deaths);
    }
    const struct hold_expectation dead = {.state = NODE_DOWN, .knock_fits = dead_knock, .proven = words};
    return hold_prove(in, &dead);
}

static int64_t kill_proof_bound(const struct action *a)
{
    return 2 * NS_PER_S + 2 * a->every_ns + REGION_NODES_MAX * a->stagger_ns;
}

const struct injector injector_kill = {
    .type = {.verb = "kill",
             .summary = "processes die by SIGKILL, as in a crash or a power loss",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN | TARGET_DNS | TARGET_CONTROL,
             .fields = kill_fields,
             .field_count = sizeof(kill_fields) / sizeof(kill_fields[0]),
             .severing = true,
             .proven_once = true,
             .proof_bound_ns = kill_proof_bound},
    .apply = kill_apply,
    .heal = kill_heal,
    .prove = kill_prove,
    .effect = EFFECT_KILL,
};
