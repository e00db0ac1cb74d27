/* SPDX-License-Identifier: MIT */
/*
 * The rate of a degrade: a few trains while it is being proven, one when it is healed, none in between, since they
 * hold up whoever else is on the path. What has been shown is read back from then on.
 *
 * Only too fast refutes. Whoever passes as well makes a train slower, and that a rate is not narrower than asked for is
 * the read-back's to say. Where something else about the path would blur a train, or this machine cannot send one at
 * once, the read-back stays alone.
 */
#include "injectors/degrade.h"

#include "harness/base/arena.h"
#include "harness/base/units.h"
#include "harness/lab/lane.h"

#include <stdio.h>

#define TRAIN_LOST_MAX 0.3
#define TRAIN_JITTER 40 /* so many jitters fit into the passage of a train, or it is blurred */
#define TRAIN_LONG_NS (200 * NS_PER_MS) /* from there on one of them tells enough */
#define TRAINS_HELD_UP 5 /* then this machine cannot send any */
#define RATE_TOLERANCE 1.1

struct degrade_state *degrade_state_of(struct injection *in)
{
    if (!in->state) {
        in->state = xcalloc(1, sizeof(struct degrade_state));
    }
    return (struct degrade_state *)(void *)in->state;
}

/* Does something else about the path blur what a train shows of its rate? */
static bool blurs(const struct path_state *w, const struct train_size *train)
{
    return w->reorder_ppm > 0 || degrade_lost_share(w) > TRAIN_LOST_MAX ||
           TRAIN_JITTER * w->jitter_ns > train->passage_ns ||
           (w->limit_packets > 0 && w->limit_packets < (int64_t)train->datagrams) ||
           (w->mtu_bytes > 0 && w->mtu_bytes < (int64_t)train->ip_bytes);
}

static unsigned trains_wanted(const struct train_size *train)
{
    return train->passage_ns > TRAIN_LONG_NS ? 1 : TRAINS_JUDGED;
}

int64_t degrade_trains_ns(int64_t rate_bps)
{
    const struct train_size train = train_size_for(rate_bps);
    return trains_wanted(&train) * train.passage_ns;
}

/* No faster than the rate and a tenth; slower where others pass as well. */
enum proof degrade_judge_rate(struct injection *in, size_t i, const struct path_state *w)
{
    const struct train_size size = train_size_for(in->action->shape.rate_bps);
    struct degrade_state *s = degrade_state_of(in);
    bool *shown = &s->at[i].rate_shown;
    if (!in->trains || *shown || blurs(w, &size)) {
        return PROOF_PROVEN;
    }
    unsigned wanted = trains_wanted(&size);
    struct train_view v = train_look(in->trains[i], in->applied_at_ns, wanted);
    bool fits = (double)v.speed_bps <= RATE_TOLERANCE * (double)w->rate_bps;
    if (v.held_up >= TRAINS_HELD_UP) {
        *shown = true; /* by read-back */
        snprintf(s->rate_words, sizeof(s->rate_words), "; trains took %.1f ms to leave, too long to show the rate",
                 (double)v.departure_ns / 1e6);
        return PROOF_PROVEN;
    }
    if (v.passed < wanted || !fits) {
        train_run(in->trains[i], w->rate_bps, link_allowance(in, canary_path(in->canaries[i])));
    }
    if (v.passed > 0) {
        snprintf(s->rate_words, sizeof(s->rate_words), "; trains came at %.3g of %.3g Mbit/s on path %u",
                 (double)v.speed_bps / 1e6, (double)w->rate_bps / 1e6, canary_path(in->canaries[i]));
    }
    *shown = v.passed >= wanted && fits;
    return *shown ? PROOF_PROVEN : v.passed < wanted ? PROOF_PENDING : PROOF_REFUTED;
}

/* Healed: a train comes faster than the rate, unless others want one. */
enum proof degrade_runs_free(struct injection *in)
{
    const struct train_size size = train_size_for(in->action->shape.rate_bps);
    for (size_t i = 0; i < in->canary_count && in->trains; i++) {
        uint16_t path = canary_path(in->canaries[i]);
        struct path_state wanted = fabric_wanted(in->fabric, path), w = lane_met(&wanted, injection_lane(in->action));
        struct train_view v = train_look(in->trains[i], in->healed_at_ns, 1);
        bool fast = v.passed > 0 && (double)v.speed_bps > RATE_TOLERANCE * (double)in->action->shape.rate_bps;
        if (w.rate_bps > 0 || fast || v.held_up >= TRAINS_HELD_UP || blurs(&w, &size) || link_hidden(in, path)) {
            continue;
        }
        snprintf(in->method, sizeof(in->method), "no train has come faster than the rate yet on path %u", path);
        train_run(in->trains[i], in->action->shape.rate_bps, link_allowance(in, path));
        return PROOF_PENDING;
    }
    return PROOF_PROVEN;
}
