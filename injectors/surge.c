/* SPDX-License-Identifier: MIT */
/*
 * surge: more customers than planned. A plan of load, so this injector does nothing to the world: the conductor lets a
 * load process per vantage begin and end at the brackets of the step, and says here what has come of it so far.
 *
 * Proven when the requests offered are those that were planned: as many as were due, within a hundredth and what is due
 * in 100 ms, no more than a hundredth of them stopped on our own side, and nine in ten of the slow connections stand.
 * Anything less is a smaller surge than the scenario promises. Whether answers came is not asked: that is the drill.
 * The control is the prober, whose own streams must stay as planned; gates of the measures look after that.
 *
 * It must come from a process that still talks: a tally older than a second proves nothing.
 */
#include "injectors/injector.h"

#include "harness/base/units.h"

#include <stdio.h>

#define STALE_NS NS_PER_S
#define REQUESTS_MIN 20

static const struct field surge_fields[] = {
    {.key = "rate", .kind = FIELD_PACE, .offset = offsetof(struct action, surge.pace), .choice = FIELD_SOME,
     .min = 100000,
     .max = 20000 * PPM, .example = "x5",
     .doc = "further reads over all vantages, each on a new connection; x5: five times the workload with the workload "
            "itself"},
    {.key = "slow_clients", .kind = FIELD_COUNT, .offset = offsetof(struct action, surge.slow_in_all),
     .choice = FIELD_SOME,
     .min = 1, .max = 2000, .example = "50",
     .doc = "connections over all vantages to the first gateway that send or read a byte at a time"},
    {.key = "retries", .kind = FIELD_COUNT, .offset = offsetof(struct action, surge.retries), .min = 1, .max = 10,
     .with = "rate",
     .example = "3", .doc = "how often a failed request is made again, at once"},
    {.key = "herd", .kind = FIELD_BOOL, .offset = offsetof(struct action, surge.herd), .with = "rate",
     .example = "true",
     .doc = "who failed comes back when a fault is healed, all in the same instant"},
};

static int surge_do(struct injection *in, struct err *e)
{
    (void)in;
    (void)e;
    return 0;
}

static int64_t surge_bound(const struct action *a)
{
    double rate = (double)a->surge.rate_micro / 1e6;
    int64_t ns = rate > 0 ? (int64_t)(1.5 * REQUESTS_MIN / rate * (double)NS_PER_S) + NS_PER_S : 0;
    return ns > 2 * NS_PER_S ? ns : 2 * NS_PER_S;
}

static enum proof tell(struct injection *in, enum proof p, const char *what)
{
    const struct load_seen *l = in->load;
    snprintf(in->method, sizeof(in->method),
             "%s: %llu offered of %llu planned, %llu not sent; %llu of %llu slow connections", what,
             (unsigned long long)l->offered, (unsigned long long)l->planned, (unsigned long long)l->unsent,
             (unsigned long long)l->held, (unsigned long long)l->held_wanted);
    return p;
}

/* Requests that may be due and not yet sent: what falls due in 100 ms, at the rate so far. */
static uint64_t leeway(const struct injection *in)
{
    double seconds = (double)(in->load->at_ns - in->applied_at_ns) / 1e9;
    double rate = seconds > 0.1 ? (double)in->load->planned / seconds : (double)in->load->planned * 10;
    return (uint64_t)(rate / 10) + in->load->planned / 100 + 2;
}

static enum proof surge_prove(struct injection *in, bool healed)
{
    const struct load_seen *l = in->load;
    if (!l) {
        snprintf(in->method, sizeof(in->method), "no load process was made for it");
        return PROOF_REFUTED;
    }
    if (healed) {
        return l->idle && l->held == 0 ? tell(in, PROOF_PROVEN, "over")
                                       : tell(in, PROOF_PENDING, "answers are still out");
    }
    if (lab_now(fabric_lab(in->fabric)) - l->at_ns > STALE_NS) {
        return tell(in, PROOF_REFUTED, "the load process has fallen silent");
    }
    if (in->action->surge.pace && l->planned < REQUESTS_MIN) {
        return tell(in, PROOF_PENDING, "it has just begun");
    }
    if (l->offered + leeway(in) < l->planned || l->unsent > l->planned / 100) {
        return tell(in, PROOF_REFUTED, "less than planned");
    }
    if (l->held * 10 < l->held_wanted * 9) {
        return tell(in, PROOF_REFUTED, "slow clients are missing");
    }
    return tell(in, PROOF_PROVEN, "as planned");
}

static enum lab_effect surge_effect(const struct action *a)
{
    return a->surge.slow_in_all ? EFFECT_SLOW_CLIENTS : EFFECT_SURGE;
}

const struct injector injector_surge = {
    .type = {.verb = "surge",
             .summary = "more customers than planned, naive or slow ones",
             .class = ACTION_FAULT,
             .fields = surge_fields,
             .field_count = sizeof(surge_fields) / sizeof(surge_fields[0]),
             .proof_bound_ns = surge_bound},
    .apply = surge_do,
    .heal = surge_do,
    .prove = surge_prove,
    .effect_of = surge_effect,
};
