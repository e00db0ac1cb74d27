/* SPDX-License-Identifier: MIT */
#include "tests/live/lab_drill.h"

#include "harness/base/clock.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <stdlib.h>

void drill_pass(struct drill *d, int64_t ns)
{
    loop_run(lab_netns.loop(d->lab), clock_mono_ns() + ns, NULL, NULL);
}

void drill_must(struct drill *d, int rc, const char *doing)
{
    if (rc != 0) {
        stage_give_up(d->stage, doing);
    }
}

/* Ends of the control, which none of the faults here hits: a vantage and the second region. */
static uint16_t control_path(const struct topology *t)
{
    return (uint16_t)(2 * t->link_count - 3);
}

static void tie(struct drill *d)
{
    const struct topology *t = &d->stage->topo;
    struct tether_ends ends[TETHERS_MAX];
    size_t n = injection_tethers(t, &d->action, ends, TETHERS_MAX);
    for (size_t i = 0; i < n; i++) {
        drill_must(d, tether_new(&d->tethers[i], d->lab, t, ends[i].from, ends[i].to, &d->stage->err), "tether");
    }
    uint16_t from = t->sites[path_from(t, control_path(t))].first_node,
             to = t->sites[path_to(t, control_path(t))].first_node;
    drill_must(d, n > 0 ? tether_new(&d->control_tether, d->lab, t, from, to, &d->stage->err) : 0, "control tether");
    d->in.tethers = d->tethers;
    d->in.tether_count = n;
    d->in.control_tether = d->control_tether;
}

static unsigned effects[16]; /* by link */

void drill_also(unsigned effects_of_all)
{
    for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
        effects[i] = effects_of_all;
    }
}

void drill_begin(struct drill *d, struct stage *s, const char *verb, const struct action *a)
{
    stage_topology(&s->topo, 2, 2);
    *d = (struct drill){.stage = s, .action = *a, .injector = injector_find(verb)};
    d->action.type = &d->injector->type;
    injection_link_effects(&s->topo, &d->action, effects);
    s->options.link_effects = effects;
    d->lab = stage_open(s);
    drill_must(d, fabric_new(&d->fabric, d->lab, &s->topo, &s->err), "fabric");
    uint16_t paths[2];
    size_t n = injection_paths(&s->topo, a, paths, 2);
    for (size_t i = 0; i < n; i++) {
        drill_must(d, canary_new(&d->canaries[i], d->lab, paths[i], 0, &s->err), "canary");
        uint16_t lane = injection_lane(&d->action);
        drill_must(d, lane ? canary_new(&d->lane_canaries[i], d->lab, paths[i], lane, &s->err) : 0, "canary of a port");
        size_t mtu = (size_t)a->shape.mtu_bytes;
        drill_must(d, mtu > 0 ? canary_new_long(&d->long_canaries[i], d->lab, paths[i], mtu + 1, &s->err) : 0,
                   "long canary");
        int64_t rate_bps = injection_train_bps(&d->action);
        drill_must(d, rate_bps > 0 ? train_new(&d->trains[i], d->lab, paths[i], lane, rate_bps, &s->err) : 0, "train");
    }
    struct canary **control = &d->canaries[CANARIES_MAX - 1];
    drill_must(d, n > 0 ? canary_new(control, d->lab, control_path(&s->topo), 0, &s->err) : 0, "control");
    d->in = (struct injection){.fault = 1, .action = &d->action, .fabric = d->fabric, .canaries = d->canaries,
                               .canary_count = n, .control = *control,
                               .lane_canaries = injection_lane(&d->action) ? d->lane_canaries : NULL,
                               .trains = injection_train_bps(&d->action) > 0 ? d->trains : NULL,
                               .long_canaries = a->shape.mtu_bytes > 0 ? d->long_canaries : NULL};
    tie(d);
    drill_pass(d, 400 * NS_PER_MS);
}

void drill_end(struct drill *d)
{
    for (int i = 0; i < CANARIES_MAX; i++) {
        canary_free(d->canaries[i]);
        canary_free(d->long_canaries[i]);
        canary_free(d->lane_canaries[i]);
        train_free(d->trains[i]);
    }
    for (int i = 0; i < TETHERS_MAX; i++) {
        tether_free(d->tethers[i]);
    }
    tether_free(d->control_tether);
    fabric_free(d->fabric);
    lab_netns.close(d->lab);
    free(d->in.state);
}

enum proof drill_prove(struct drill *d, bool healed, int64_t bound_ns)
{
    int64_t begun = clock_mono_ns();
    enum proof p;
    do {
        p = d->injector->prove(&d->in, healed);
        drill_pass(d, 20 * NS_PER_MS);
    } while (p != PROOF_PROVEN && clock_mono_ns() - begun < bound_ns);
    printf("%s %s after %.0f ms: %s\n", d->action.type->verb, healed ? "healed" : "proven",
           (double)(clock_mono_ns() - begun) / 1e6, d->in.method);
    return p;
}

void drill_apply(struct drill *d)
{
    d->in.begun_at_ns = lab_now(d->lab);
    drill_must(d, d->injector->apply(&d->in, &d->stage->err), "apply");
    d->in.applied_at_ns = loop_tick(lab_netns.loop(d->lab)) - d->lab->zero_ns;
}

void drill_heal(struct drill *d)
{
    drill_must(d, d->injector->heal(&d->in, &d->stage->err), "heal");
    drill_must(d, d->injector->heal(&d->in, &d->stage->err), "heal again");
    d->in.healed_at_ns = loop_tick(lab_netns.loop(d->lab)) - d->lab->zero_ns;
}

void drill_whole_life(struct stage *s, const char *verb, const struct action *a)
{
    struct drill d;
    drill_begin(&d, s, verb, a);
    drill_apply(&d);
    CHECK(drill_prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    CHECK(drill_prove(&d, false, 2 * NS_PER_S) == PROOF_PROVEN);
    drill_heal(&d);
    CHECK(drill_prove(&d, true, 5 * NS_PER_S) == PROOF_PROVEN);
    drill_end(&d);
}
