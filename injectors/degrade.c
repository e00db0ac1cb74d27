/* SPDX-License-Identifier: MIT */
/*
 * degrade: a link becomes slow, lossy, narrow or unreliable.
 *
 * Each look reads the whole shape back from the kernel and then asks the canaries of each direction:
 *
 *     delay      median of the newest twenty or thirty within 1 ms + 10 % + jitter / 2 of what is wanted
 *     loss,      count since the fault began inside the exact 99.999 % binomial interval, once n * p is at least 10;
 *     corrupt    a corrupt datagram fails its checksum and counts as lost
 *     duplicate  the same, of those that arrived
 *     reorder    one overtaken at least, where the delay is longer than the gap between datagrams; else by read-back
 *     rate       by read-back: the canary is too thin to fill a pipe
 *
 * What is compared with is the merge of all faults, since that is what the datagrams meet.
 */
#include "injectors/binomial.h"
#include "injectors/link.h"

#include "harness/base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIDENCE 0.99999
#define GAP_NS (20 * NS_PER_MS)
#define MEDIAN_DATAGRAMS 20
#define COUNT_MIN 10.0 /* n * p */
#define PROOF_MIN_NS (2 * NS_PER_S)

#define SHAPE(word, kind_, member, choice_, ...)                                                         \
    {.key = word, .kind = kind_, .offset = offsetof(struct action, shape.member), .choice = choice_, __VA_ARGS__}

static const struct field degrade_fields[] = {
    SHAPE("delay", FIELD_DURATION, delay_ns, FIELD_SOME, .min = 1, .max = 60 * NS_PER_S, .example = "80ms",
          .doc = "added to what the link has"),
    SHAPE("jitter", FIELD_DURATION, jitter_ns, FIELD_FREE, .min = 1, .max = 60 * NS_PER_S, .example = "5ms",
          .with = "delay", .doc = "spread of the delay, to both sides"),
    SHAPE("reorder", FIELD_RATIO, reorder_ppm, FIELD_FREE, .min = 1, .max = 1000000, .example = "5%", .with = "delay",
          .doc = "share of packets that skip the delay"),
    SHAPE("loss", FIELD_RATIO, loss_ppm, FIELD_SOME, .min = 1, .max = 1000000, .example = "2%", .doc = "share of packets lost"),
    SHAPE("duplicate", FIELD_RATIO, duplicate_ppm, FIELD_SOME, .min = 1, .max = 1000000, .example = "1%",
          .doc = "share of packets that come twice"),
    SHAPE("corrupt", FIELD_RATIO, corrupt_ppm, FIELD_SOME, .min = 1, .max = 1000000, .example = "1%",
          .doc = "share of packets with a flipped bit"),
    SHAPE("rate", FIELD_BANDWIDTH, rate_bps, FIELD_SOME, .min = 8000, .example = "10mbit", .doc = "no more than this"),
};

static bool rate_alone(const struct path_state *s)
{
    return s->rate_bps > 0 && s->delay_ns == 0 && s->loss_ppm == 0 && s->duplicate_ppm == 0 && s->corrupt_ppm == 0;
}

static enum lab_effect degrade_effect(const struct action *a)
{
    return rate_alone(&a->shape) ? EFFECT_RATE : EFFECT_DEGRADE;
}

static int degrade_apply(struct injection *in, struct err *e)
{
    return link_apply(in, &in->action->shape, e);
}

static double lost_share(const struct path_state *s)
{
    return 1 - (1 - (double)s->loss_ppm / (double)PPM) * (1 - (double)s->corrupt_ppm / (double)PPM);
}

/* How many datagrams leave until enough have come for a median. */
static double sent_for_median(const struct path_state *s)
{
    return MEDIAN_DATAGRAMS / fmax(1 - lost_share(s), 0.01);
}

static enum proof judge_delay(struct injection *in, const struct canary *c, const struct path_state *w)
{
    uint16_t path = canary_path(c);
    int64_t allowance = link_allowance(in, path), now = lab_now(fabric_lab(in->fabric));
    int64_t since = now - allowance - (int64_t)(1.5 * sent_for_median(w) * (double)GAP_NS);
    since = since > in->applied_at_ns ? since : in->applied_at_ns;
    struct canary_view v = canary_look(c, since, now, allowance);
    if (v.received < MEDIAN_DATAGRAMS) {
        return PROOF_PENDING;
    }
    int64_t tolerance = NS_PER_MS + w->delay_ns / 10 + w->jitter_ns / 2;
    int64_t off = llabs(v.delay_median_ns - w->delay_ns);
    snprintf(in->method, sizeof(in->method), "read back; median %.1f ms of %.1f ms wanted on path %u",
             (double)v.delay_median_ns / 1e6, (double)w->delay_ns / 1e6, path);
    return off <= tolerance ? PROOF_PROVEN : PROOF_REFUTED;
}

static enum proof judge_share(struct injection *in, const char *what, uint64_t k, uint64_t n, double p)
{
    if ((double)n * p < COUNT_MIN) {
        return PROOF_PENDING;
    }
    snprintf(in->method, sizeof(in->method), "read back; %llu of %llu %s, %.3g %% wanted", (unsigned long long)k,
             (unsigned long long)n, what, 100 * p);
    return binomial_plausible(k, n, p, CONFIDENCE) ? PROOF_PROVEN : PROOF_REFUTED;
}

static enum proof judge_counts(struct injection *in, const struct canary *c, const struct path_state *w)
{
    const struct path_state *asked = &in->action->shape;
    struct canary_view v = canary_look(c, in->applied_at_ns, lab_now(fabric_lab(in->fabric)),
                                       link_allowance(in, canary_path(c)));
    enum proof p = PROOF_PROVEN;
    if (asked->loss_ppm > 0 || asked->corrupt_ppm > 0) {
        p = judge_share(in, "lost", v.sent - v.received, v.sent, lost_share(w));
    }
    if (p == PROOF_PROVEN && asked->duplicate_ppm > 0) {
        double twice = (double)w->duplicate_ppm / (double)PPM;
        p = judge_share(in, "came twice", v.duplicated, v.received, twice);
    }
    if (p == PROOF_PROVEN && asked->reorder_ppm > 0 && w->delay_ns > 2 * GAP_NS) {
        p = v.reordered > 0 ? PROOF_PROVEN : PROOF_PENDING;
    }
    return p;
}

static enum proof degrade_prove(struct injection *in, bool healed)
{
    if (!link_reads_back(in, false)) {
        return PROOF_REFUTED;
    }
    if (healed) {
        return link_carries(in, in->healed_at_ns);
    }
    snprintf(in->method, sizeof(in->method), "read back");
    for (size_t i = 0; i < in->canary_count; i++) {
        uint16_t path = canary_path(in->canaries[i]);
        struct path_state w = fabric_wanted(in->fabric, path);
        if (w.cut || link_end_unplugged(in, path)) {
            continue; /* another fault hides this one: the kernel is the only witness left */
        }
        enum proof p = judge_counts(in, in->canaries[i], &w);
        if (p == PROOF_PROVEN && in->action->shape.delay_ns > 0 && lost_share(&w) < 1) {
            p = judge_delay(in, in->canaries[i], &w);
        }
        if (p != PROOF_PROVEN) {
            return p;
        }
    }
    return link_control(in, in->applied_at_ns);
}

/* Half as long again as the canaries need for the packets that the counts ask for. */
static int64_t degrade_bound(const struct action *a)
{
    double rarest = 1, lost = lost_share(&a->shape), twice = (double)a->shape.duplicate_ppm / (double)PPM;
    rarest = lost > 0 && lost < rarest ? lost : rarest;
    rarest = twice > 0 && twice < rarest ? twice : rarest;
    double datagrams = fmax(COUNT_MIN / rarest, a->shape.delay_ns > 0 ? sent_for_median(&a->shape) : 0);
    double ns = 1.5 * (datagrams * (double)GAP_NS + (double)(a->shape.delay_ns + 3 * a->shape.jitter_ns));
    ns = fmin(ns, 3600e9);
    return ns > (double)PROOF_MIN_NS ? (int64_t)ns : PROOF_MIN_NS;
}

const struct injector injector_degrade = {
    .type = {.verb = "degrade",
             .summary = "a link becomes slow, lossy, narrow or unreliable",
             .class = ACTION_FAULT,
             .targets = TARGET_LINK,
             .fields = degrade_fields,
             .field_count = sizeof(degrade_fields) / sizeof(degrade_fields[0]),
             .proof_bound_ns = degrade_bound},
    .apply = degrade_apply,
    .heal = link_heal,
    .prove = degrade_prove,
    .effect_of = degrade_effect,
};
