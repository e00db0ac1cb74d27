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
 *     reorder    the same, of those that came in less than half of the median delay; where the delay or its jitter does
 *                not allow that, one overtaken at least, or read-back alone
 *     rate       once, by trains of datagrams: the second half of each comes no faster than the rate and a tenth. By
 *                read-back alone where the rate is too high for that, or where a narrow queue, jitter, losses or
 *                packets that overtake would blur it
 *     only       all of these by datagrams on that port; those of no port on the same path must be as late as all are
 *     mtu        the newest five datagrams of one byte too many were lost, while short ones arrive
 *
 * Until what is to be counted has shown once, ten datagrams leave at each beat of a canary instead of one, unless a
 * narrow rate or a queue is asked for as well: what is rare has to be waited for.
 *
 * A delay that loses what nobody asked to be lost (its queue is too short) is refuted as well.
 *
 * Only what was sent since the last change of the path is judged: faults come and go beside this one.
 *
 * What is compared with is the merge of all faults, since that is what the datagrams meet. Losses in bursts come in
 * lumps: counts are divided by the factor by which the lumps widen the spread. Other traffic on the path only thins the
 * lumps, so the interval errs on the wide side. Behind a bounded rate others' packets may fill the queue: more delay
 * and loss than asked for are no contradiction there, less is. Whether a copy is lost with or without its original
 * differs between mechanisms; a count may lie anywhere between the two.
 */
#include "injectors/degrade.h"
#include "injectors/binomial.h"

#include "harness/base/err.h"
#include "harness/base/units.h"
#include "harness/lab/lane.h"
#include "harness/lab/shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE 0.99999
#define GAP_NS (20 * NS_PER_MS)
#define MEDIAN_DATAGRAMS 20
#define COUNT_MIN 10.0 /* n * p */
#define PROOF_MIN_NS (2 * NS_PER_S)
#define BURST_MAX 1000   /* packets: what a kernel gives back to the thousandth */
#define MTU_MIN 100
#define MTU_MAX 1499 /* a link itself carries 1500 */
#define LONG_LOOK 5  /* datagrams */
#define UNASKED 0.02 /* of the datagrams may be lost, */
#define UNASKED_FEW 5 /* or so many, without a word */
#define THICK 10 /* datagrams a beat where shares are counted */
#define THICK_RATE_MIN_BPS 2000000 /* 500 a second take a quarter of a megabit */
#define LIMIT_MAX 40000 /* below what the lab puts where nobody asks */

#define SHAPE(word, kind_, member, choice_, ...)                                                         \
    {.key = word, .kind = kind_, .offset = offsetof(struct action, shape.member), .choice = choice_, __VA_ARGS__}

#define ACTION(word, kind_, member, ...)                                                                 \
    {.key = word, .kind = kind_, .offset = offsetof(struct action, member), __VA_ARGS__}

static const char *const spreads[] = {"uniform", "normal", "pareto", NULL};

static const struct field degrade_fields[] = {
    SHAPE("delay", FIELD_DURATION, delay_ns, FIELD_SOME, .min = 1, .max = 60 * NS_PER_S, .example = "80ms",
          .doc = "added to what the link has"),
    SHAPE("jitter", FIELD_DURATION, jitter_ns, FIELD_FREE, .min = 1, .max = 60 * NS_PER_S, .example = "5ms",
          .with = "delay", .doc = "spread of the delay, to both sides"),
    SHAPE("distribution", FIELD_ENUM, spread, FIELD_FREE, .words = spreads, .example = "normal", .with = "jitter",
          .doc = "of the jitter: half a width, or a standard deviation; uniform if absent"),
    SHAPE("jitter_correlation", FIELD_RATIO, jitter_correlation_ppm, FIELD_FREE, .min = 1, .max = 990000,
          .example = "25%", .with = "jitter", .doc = "how far each draw leans on the one before"),
    SHAPE("reorder", FIELD_RATIO, reorder_ppm, FIELD_FREE, .min = 1, .max = 1000000, .example = "5%", .with = "delay",
          .doc = "share of packets that skip the delay"),
    SHAPE("reorder_gap", FIELD_COUNT, reorder_gap, FIELD_FREE, .min = 1, .max = 1000, .example = "5", .with = "reorder",
          .doc = "only each packet from this one on after the last that skipped may skip"),
    SHAPE("loss", FIELD_RATIO, loss_ppm, FIELD_SOME, .min = 1, .max = 1000000, .example = "2%",
          .doc = "share of packets lost"),
    ACTION("burst", FIELD_COUNT, burst, .min = 1, .max = BURST_MAX, .example = "5", .with = "loss",
           .doc = "losses come in spells of so many packets on average"),
    SHAPE("burst_loss", FIELD_RATIO, burst_loss_ppm, FIELD_FREE, .min = 1, .max = 1000000, .example = "80%",
          .with = "burst", .doc = "share lost within a spell; all if absent"),
    SHAPE("calm_loss", FIELD_RATIO, calm_loss_ppm, FIELD_FREE, .min = 1, .max = 1000000, .example = "0.1%",
          .with = "burst", .doc = "share lost between spells; none if absent"),
    ACTION("loss_correlation", FIELD_RATIO, loss_correlation_ppm, .min = 1, .max = 990000, .example = "25%",
           .with = "loss", .doc = "how far each loss leans on the one before; another way to say `burst`"),
    SHAPE("duplicate", FIELD_RATIO, duplicate_ppm, FIELD_SOME, .min = 1, .max = 1000000, .example = "1%",
          .doc = "share of packets that come twice"),
    SHAPE("corrupt", FIELD_RATIO, corrupt_ppm, FIELD_SOME, .min = 1, .max = 1000000, .example = "1%",
          .doc = "share of packets with a flipped bit"),
    SHAPE("rate", FIELD_BANDWIDTH, rate_bps, FIELD_SOME, .min = 8000, .example = "10mbit", .doc = "no more than this"),
    SHAPE("limit", FIELD_COUNT, limit_packets, FIELD_FREE, .min = 1, .max = LIMIT_MAX, .example = "100", .with = "rate",
          .doc = "packets that wait for the rate, or are delayed; more are lost; ample if absent"),
    SHAPE("mtu", FIELD_COUNT, mtu_bytes, FIELD_SOME, .min = MTU_MIN, .max = MTU_MAX, .example = "1000",
          .doc = "longer IP packets vanish, and nobody is told"),
};

/* What the step asks of the packets that it is about, its two spellings of a burst made one. */
static struct path_state shape_of(const struct action *a)
{
    struct path_state w = {.shape = a->shape.shape};
    w.burst_milli = a->burst > 0                   ? a->burst * 1000
                    : a->loss_correlation_ppm > 0 ? shape_correlated_burst(w.loss_ppm, a->loss_correlation_ppm)
                                                   : 0;
    w.burst_loss_ppm = w.burst_milli > 0 && w.burst_loss_ppm == 0 ? PPM : w.burst_loss_ppm;
    return w;
}

/* And of a path: all that passes it, or the lane of one port. */
static struct path_state wish_of(const struct action *a)
{
    struct path_state shape = shape_of(a);
    if (a->port == 0) {
        return shape;
    }
    struct path_state wish = {.lane_count = 1};
    wish.lanes[0] = (struct path_lane){.port = a->port, .shape = shape.shape};
    return wish;
}

static bool degrade_objects(const struct action *a, char why[ACTION_WHY])
{
    struct path_state w = shape_of(a);
    int64_t shortest = shape_shortest_burst(&w);
    if (a->port && (w.mtu_bytes > 0 || w.limit_packets > 0)) {
        snprintf(why, ACTION_WHY, "`mtu` and `limit` are of a whole link; leave them out beside `only`");
    } else if (a->burst > 0 && a->loss_correlation_ppm > 0) {
        snprintf(why, ACTION_WHY, "`burst` and `loss_correlation` say the same in two ways; give one of them");
    } else if (w.burst_milli > 0 && shortest == INT64_MAX) {
        snprintf(why, ACTION_WHY, "`loss` must be less than within spells and no less than between them");
    } else if (w.burst_milli > 0 && w.burst_milli < shortest) {
        snprintf(why, ACTION_WHY, "so much loss needs a `burst` of %lld at least",
                 (long long)((shortest + 999) / 1000));
    } else if (w.burst_milli > BURST_MAX * 1000) {
        snprintf(why, ACTION_WHY, "so much loss and correlation make spells of more than %d packets", BURST_MAX);
    } else {
        return false;
    }
    return true;
}

/* Each port has a lane of its own, and what is asked of all packets adds to it. */
static bool degrade_apart(const struct action *a, const struct action *b)
{
    return a->port != b->port;
}

/* What is beside a rate and an mtu needs more than either does. */
static enum lab_effect degrade_effect(const struct action *a)
{
    const struct path_state *s = &a->shape;
    if (a->port) {
        return EFFECT_DEGRADE_ONLY;
    }
    const struct path_state thin = {.rate_bps = s->rate_bps, .mtu_bytes = s->mtu_bytes};
    return !shape_same(s, &thin) ? EFFECT_DEGRADE : s->rate_bps > 0 ? EFFECT_RATE : EFFECT_FILTER;
}

static unsigned degrade_also(const struct action *a)
{
    return a->shape.mtu_bytes > 0 ? 1u << EFFECT_FILTER : 0;
}

static int degrade_apply(struct injection *in, struct err *e)
{
    struct path_state wish = wish_of(in->action);
    return link_apply(in, &wish, e);
}

double degrade_lost_share(const struct path_state *s)
{
    return 1 - (1 - (double)s->loss_ppm / (double)PPM) * (1 - (double)s->corrupt_ppm / (double)PPM);
}

/* How many datagrams leave until enough have come for a median. */
static double sent_for_median(const struct path_state *s)
{
    return MEDIAN_DATAGRAMS / fmax(1 - degrade_lost_share(s), 0.01);
}

/* Datagrams sent since then meet what is in force on the path of canary i. */
static int64_t since(struct injection *in, size_t i)
{
    return degrade_state_of(in)->at[i].since_ns;
}

/* Faults come and go beside this one: what was sent before the last of them did has met something else. */
static void note_changes(struct injection *in)
{
    for (size_t i = 0; i < in->canary_count; i++) {
        struct degrade_path *p = &degrade_state_of(in)->at[i];
        struct path_state wanted = fabric_wanted(in->fabric, canary_path(in->canaries[i]));
        if (!p->seen || !shape_same(&wanted, &p->wanted)) {
            p->since_ns = p->since_ns == 0 ? in->applied_at_ns : lab_now(fabric_lab(in->fabric));
            p->wanted = wanted;
        }
        p->seen = !link_hidden(in, canary_path(in->canaries[i]));
    }
}

static enum proof judge_delay(struct injection *in, const struct canary *c, size_t i, const struct path_state *w)
{
    uint16_t path = canary_path(c);
    int64_t allowance = link_allowance(in, path), now = lab_now(fabric_lab(in->fabric));
    int64_t from = now - allowance - (int64_t)(1.5 * sent_for_median(w) * (double)GAP_NS);
    struct canary_view v = canary_look(c, from > since(in, i) ? from : since(in, i), now, allowance);
    if (v.received < MEDIAN_DATAGRAMS) {
        return PROOF_PENDING;
    }
    int64_t tolerance = NS_PER_MS + w->delay_ns / 10 + w->jitter_ns / 2;
    int64_t over = v.delay_median_ns - w->delay_ns;
    snprintf(in->method, sizeof(in->method), "read back; median %.1f ms of %.1f ms wanted on path %u",
             (double)v.delay_median_ns / 1e6, (double)w->delay_ns / 1e6, path);
    return over >= -tolerance && (over <= tolerance || w->rate_bps > 0) ? PROOF_PROVEN : PROOF_REFUTED;
}

/* A count k of n, and what may be its share. */
struct share_claim {
    const char *what;
    uint64_t k, n;
    double least, most; /* both included; most above 1: there is no upper bound */
    double lumps;       /* how much wider than independent events they spread; 1: not at all */
};

static bool plausible(const struct share_claim *c)
{
    uint64_t k = (uint64_t)llround((double)c->k / c->lumps), n = (uint64_t)llround((double)c->n / c->lumps);
    double seen = (double)k / (double)n;
    return (seen >= c->least || binomial_plausible(k, n, c->least, CONFIDENCE)) &&
           (seen <= c->most || binomial_plausible(k, n, c->most, CONFIDENCE));
}

static enum proof judge_share(struct injection *in, const struct share_claim *c)
{
    if ((double)c->n * c->least < COUNT_MIN * c->lumps) {
        return PROOF_PENDING;
    }
    snprintf(in->method, sizeof(in->method), "read back; %llu of %llu %s, %.3g %% wanted", (unsigned long long)c->k,
             (unsigned long long)c->n, c->what, 100 * c->least);
    return plausible(c) ? PROOF_PROVEN : PROOF_REFUTED;
}

/* Can those that skip the delay be told from the others by how long they take? */
static bool skipping_shows(const struct path_state *w)
{
    return w->delay_ns >= 10 * NS_PER_MS && 4 * w->jitter_ns < w->delay_ns / 2 && w->rate_bps == 0;
}

static double skipping_share(const struct path_state *w)
{
    double p = (double)w->reorder_ppm / (double)PPM, between = w->reorder_gap > 1 ? (double)w->reorder_gap - 1 : 0;
    return 1 / (between + 1 / p);
}

static enum proof judge_order(struct injection *in, const struct canary_view *v, const struct path_state *w)
{
    if (skipping_shows(w)) {
        double share = skipping_share(w);
        return judge_share(in, &(struct share_claim){"skipped the delay", v->early, v->received, share, share, 1});
    }
    return v->reordered > 0 || w->delay_ns <= 2 * GAP_NS ? PROOF_PROVEN : PROOF_PENDING;
}

/* Lost though nobody asked for that: a queue that was too short for the delay, say. A few are nobody's fault. */
static enum proof judge_unasked(struct injection *in, const struct canary_view *v, const struct path_state *w)
{
    struct share_claim c = {"lost", v->sent - v->received, v->sent, 0, degrade_lost_share(w) + UNASKED, shape_lumps(w)};
    if (w->rate_bps > 0 || w->limit_packets > 0 || c.k <= UNASKED_FEW || plausible(&c)) {
        return PROOF_PROVEN;
    }
    snprintf(in->method, sizeof(in->method), "read back; %llu of %llu lost, and nobody asked for so many",
             (unsigned long long)c.k, (unsigned long long)c.n);
    return PROOF_REFUTED;
}

static enum proof judge_lost(struct injection *in, const struct canary_view *v, const struct path_state *w)
{
    const struct path_state *asked = &in->action->shape;
    double lost = degrade_lost_share(w), twice = (double)w->duplicate_ppm / (double)PPM;
    if (asked->loss_ppm == 0 && asked->corrupt_ppm == 0) {
        return judge_unasked(in, v, w);
    }
    return judge_share(in, &(struct share_claim){"lost", v->sent - v->received, v->sent, lost * (1 - twice),
                                                 w->rate_bps > 0 ? 2 : lost, shape_lumps(w)});
}

static enum proof judge_counts(struct injection *in, const struct canary *c, size_t i, const struct path_state *w)
{
    const struct path_state *asked = &in->action->shape;
    struct canary_view v =
        canary_look(c, since(in, i), lab_now(fabric_lab(in->fabric)), link_allowance(in, canary_path(c)));
    double lost = degrade_lost_share(w), twice = (double)w->duplicate_ppm / (double)PPM;
    enum proof p = judge_lost(in, &v, w);
    if (p == PROOF_PROVEN && asked->duplicate_ppm > 0) {
        p = judge_share(in, &(struct share_claim){"came twice", v.duplicated, v.received,
                                                  twice * (1 - lost) * (1 - lost), twice, 1});
    }
    return p == PROOF_PROVEN && asked->reorder_ppm > 0 ? judge_order(in, &v, w) : p;
}

/* Datagrams per beat for what the step asks to be counted. */
static unsigned density(const struct path_state *asked)
{
    bool counted = asked->loss_ppm > 0 || asked->corrupt_ppm > 0 || asked->duplicate_ppm > 0 || asked->reorder_ppm > 0;
    bool narrow = asked->limit_packets > 0 || (asked->rate_bps > 0 && asked->rate_bps < THICK_RATE_MIN_BPS);
    return counted && !narrow ? THICK : 1;
}

static void thicken(struct injection *in, unsigned per_beat)
{
    for (size_t i = 0; i < in->canary_count; i++) {
        canary_thicken(in->lane_canaries ? in->lane_canaries[i] : in->canaries[i], per_beat);
    }
}

static int degrade_heal(struct injection *in, struct err *e)
{
    thicken(in, 1);
    return link_heal(in, e);
}

/* Datagrams one byte longer than this step allows, on the path of canary i. */
static enum proof judge_length(struct injection *in, size_t i)
{
    if (!in->long_canaries || in->action->shape.mtu_bytes == 0) {
        return PROOF_PROVEN;
    }
    uint16_t path = canary_path(in->long_canaries[i]);
    int64_t allowance = link_allowance(in, path), now = lab_now(fabric_lab(in->fabric));
    struct canary_view before = canary_look(in->long_canaries[i], 0, in->begun_at_ns, allowance);
    struct canary_view tall = canary_look(in->long_canaries[i], in->applied_at_ns, now, allowance);
    struct canary_view small = canary_look(in->canaries[i], in->applied_at_ns, now, allowance);
    snprintf(in->method, sizeof(in->method),
             "read back; of long datagrams %llu of %llu arrived, of short ones %llu of %llu",
             (unsigned long long)tall.received, (unsigned long long)tall.sent, (unsigned long long)small.received,
             (unsigned long long)small.sent);
    if (before.received == 0 || small.received == 0 || tall.sent < LONG_LOOK) {
        return PROOF_PENDING;
    }
    return tall.lost_in_a_row >= LONG_LOOK ? PROOF_PROVEN : tall.lost_in_a_row == 0 ? PROOF_REFUTED : PROOF_PENDING;
}

static enum proof carries_long(struct injection *in)
{
    for (size_t i = 0; i < in->canary_count && in->long_canaries; i++) {
        uint16_t path = canary_path(in->long_canaries[i]);
        struct canary_view v = canary_look(in->long_canaries[i], in->healed_at_ns, lab_now(fabric_lab(in->fabric)),
                                           link_allowance(in, path));
        bool longer_lost = fabric_wanted(in->fabric, path).mtu_bytes > 0;
        if (v.received == 0 && !longer_lost && !link_hidden(in, path)) {
            snprintf(in->method, sizeof(in->method), "no long datagram of %llu has arrived on path %u",
                     (unsigned long long)v.sent, path);
            return PROOF_PENDING;
        }
    }
    return PROOF_PROVEN;
}

/* One path: the datagrams of the step's own port, or of none. */
static enum proof judge_path(struct injection *in, size_t i)
{
    const struct canary *c = in->lane_canaries ? in->lane_canaries[i] : in->canaries[i];
    struct path_state wanted = fabric_wanted(in->fabric, canary_path(c)), w = lane_met(&wanted, canary_port(c));
    enum proof p = judge_counts(in, c, i, &w);
    p = p == PROOF_PROVEN ? judge_length(in, i) : p;
    bool delayed = in->action->shape.delay_ns > 0 && degrade_lost_share(&w) < 1;
    p = p == PROOF_PROVEN && delayed ? judge_delay(in, c, i, &w) : p;
    return p == PROOF_PROVEN ? degrade_judge_rate(in, i, &w) : p;
}

/* Of a step about one port: the datagrams of no port on the same path meet what all meet, and no more. */
static enum proof judge_others(struct injection *in, size_t i)
{
    struct path_state w = fabric_wanted(in->fabric, canary_path(in->canaries[i]));
    char of_port[sizeof(in->method)];
    if (!in->lane_canaries || degrade_lost_share(&w) >= 1) {
        return PROOF_PROVEN;
    }
    snprintf(of_port, sizeof(of_port), "%s", in->method);
    enum proof p = judge_delay(in, in->canaries[i], i, &w);
    if (p == PROOF_PROVEN) {
        snprintf(in->method, sizeof(in->method), "%.110s, port %u; others as before", of_port,
                 (unsigned)in->action->port);
    }
    return p;
}

static void say_rate(struct injection *in, const struct degrade_state *s)
{
    char said[sizeof(in->method)];
    int room = (int)(sizeof(said) - 1 - strlen(s->rate_words));
    snprintf(said, sizeof(said), "%.*s%s", room, in->method, s->rate_words);
    memcpy(in->method, said, sizeof(said));
}

static enum proof degrade_prove(struct injection *in, bool healed)
{
    if (!link_reads_back(in, false)) {
        return PROOF_REFUTED;
    }
    if (healed) {
        enum proof p = degrade_runs_free(in);
        p = p == PROOF_PROVEN ? link_carries(in, in->healed_at_ns) : p;
        return p == PROOF_PROVEN && in->action->shape.mtu_bytes > 0 ? carries_long(in) : p;
    }
    struct degrade_state *s = degrade_state_of(in);
    thicken(in, s->shown ? 1 : density(&in->action->shape));
    snprintf(in->method, sizeof(in->method), "read back");
    note_changes(in);
    for (size_t i = 0; i < in->canary_count; i++) {
        if (link_hidden(in, canary_path(in->canaries[i]))) {
            continue; /* another fault hides this one: the kernel is the only witness left */
        }
        enum proof p = judge_path(in, i);
        p = p == PROOF_PROVEN ? judge_others(in, i) : p;
        if (p != PROOF_PROVEN) {
            say_rate(in, s);
            return p;
        }
    }
    enum proof control = link_control(in, in->applied_at_ns);
    if (control == PROOF_PROVEN) {
        say_rate(in, s);
        s->shown = true;
        thicken(in, 1);
    }
    return control;
}

/* Half as long again as the canaries need for the packets that the counts ask for. */
static int64_t degrade_bound(const struct action *a)
{
    struct path_state w = shape_of(a);
    double lost = degrade_lost_share(&w), twice = (double)w.duplicate_ppm / (double)PPM, kept = 1 - lost;
    double skipping = w.reorder_ppm > 0 && skipping_shows(&w) ? skipping_share(&w) * kept : 0;
    const double shares[] = {lost * (1 - twice) / shape_lumps(&w), twice * kept * kept * kept, skipping};
    double datagrams = w.delay_ns > 0 ? sent_for_median(&w) : 0;
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        datagrams = shares[i] > 0 ? fmax(datagrams, COUNT_MIN / shares[i] / density(&w)) : datagrams;
    }
    double ns = 1.5 * (datagrams * (double)GAP_NS + (double)(w.delay_ns + 3 * w.jitter_ns));
    ns = fmin(ns + 1.5 * (double)degrade_trains_ns(w.rate_bps), 3600e9);
    return ns > (double)PROOF_MIN_NS ? (int64_t)ns : PROOF_MIN_NS;
}

const struct injector injector_degrade = {
    .type = {.verb = "degrade",
             .summary = "a link becomes slow, lossy, narrow or unreliable",
             .class = ACTION_FAULT,
             .targets = TARGET_LINK,
             .selective = true,
             .apart = degrade_apart,
             .fields = degrade_fields,
             .field_count = sizeof(degrade_fields) / sizeof(degrade_fields[0]),
             .proof_bound_ns = degrade_bound,
             .objects = degrade_objects},
    .apply = degrade_apply,
    .heal = degrade_heal,
    .prove = degrade_prove,
    .effect_of = degrade_effect,
    .also = degrade_also,
};
