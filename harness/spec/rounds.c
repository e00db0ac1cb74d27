/* SPDX-License-Identifier: MIT */
/*
 * Round k of a flap begins k periods after the first and lasts its share of one. Jitter moves each edge but the first
 * and the last by its own seeded draw, to both sides, from the grid and not from the edge before: it never adds up.
 * What is left of a last round that would be too short to be proven is left out.
 *
 * A round in force is a fault like any other and must be proven; so must be that it has gone before the next begins.
 * Hence neither half of a period may be shorter than a proof takes when its edges come as near as jitter lets them.
 */
#include "harness/spec/rounds.h"

#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <stdio.h>

#define IN(member) .offset = offsetof(struct action, flap.member)

/* clang-format off */
static const struct field flap_fields[] = {
    {.key = "fault", .kind = FIELD_NODE, IN(fault), .required = true,
     .example = "{do: partition, between: [us-east, eu-west]}",
     .doc = "what is switched on and off: verb, target and keys of a fault that lasts"},
    {.key = "period", .kind = FIELD_DURATION, IN(period_ns), .required = true, .min = NS_PER_MS, .max = 3600 * NS_PER_S,
     .example = "4s", .doc = "from one beginning to the next"},
    {.key = "on", .kind = FIELD_RATIO, IN(on_ppm), .preset = "50%", .min = 1, .max = PPM - 1, .example = "50%",
     .doc = "share of the period in which it is in force"},
    {.key = "jitter", .kind = FIELD_DURATION, IN(jitter_ns), .min = 1, .max = 3600 * NS_PER_S, .example = "200ms",
     .doc = "each edge is moved by up to so much, to both sides, as the seed says"},
};
/* clang-format on */

const struct action_type flap_type = {
    .verb = "flap",
    .summary = "a fault comes and goes, period by period",
    .class = ACTION_FLAP,
    .fields = flap_fields,
    .field_count = array_len(flap_fields),
};

int64_t step_proof_ns(const struct action *a)
{
    const struct action_type *type = a->type;
    int64_t bound = type->proof_bound_ns ? type->proof_bound_ns(a) : 2 * NS_PER_S;
    return type->proven_once ? NS_PER_MS : bound / 3 * 2; /* a bound is one and a half times what the canary needs */
}

static struct diag *complain(const struct scenario_step *s, struct diag_list *diags, enum diag_code code,
                             const char *what)
{
    return diag_error(diags, code, node_get(s->node, "do")->place, "`%s` %s", s->verb, what);
}

static const char *shown(struct diag_list *diags, int64_t ns)
{
    char text[UNIT_MAX];
    return arena_strdup(&diags->arena, unit_print_duration((ns + NS_PER_MS - 1) / NS_PER_MS * NS_PER_MS, text));
}

static size_t too_many(const struct scenario_step *s, const char *key, struct diag_list *diags)
{
    struct diag *d = complain(s, diags, DIAG_CHOICE, "has too many rounds");
    diag_help(d, "at most %d: make `%s` longer, or `for` shorter", ROUNDS_MAX, key);
    return 0;
}

static bool too_short(const struct scenario_step *s, int64_t on_ns, struct diag_list *diags)
{
    int64_t off_ns = s->flap.period_ns - on_ns, half_ns = on_ns < off_ns ? on_ns : off_ns;
    int64_t needed_ns = step_proof_ns(&s->action) + 2 * s->flap.jitter_ns;
    if (half_ns >= needed_ns && s->for_ns >= on_ns) {
        return false;
    }
    bool half = half_ns < needed_ns;
    struct diag *d = complain(s, diags, DIAG_TOO_SHORT,
                              half ? "switches before its fault could be proven" : "is over before its first round");
    diag_label(d, "proof and jitter take up to %s", shown(diags, needed_ns));
    diag_help(d, half ? "let each half of the period be at least so long" : "let `for` be longer");
    return true;
}

static int64_t moved(struct rng *dice, int64_t jitter_ns)
{
    return (int64_t)((2 * rng_unit(dice) - 1) * (double)jitter_ns);
}

static size_t flap_rounds(const struct scenario_step *s, uint64_t seed, struct step_round *rounds,
                          struct diag_list *diags)
{
    int64_t on_ns = (int64_t)((double)s->flap.period_ns * (double)s->flap.on_ppm / (double)PPM);
    int64_t end_ns = s->at_ns + s->for_ns;
    if (too_short(s, on_ns, diags)) {
        return 0;
    }
    char name[32];
    struct rng dice;
    snprintf(name, sizeof(name), "flap/%u", s->id);
    rng_init(&dice, seed, name);
    size_t n = 0;
    for (int64_t begin_ns = s->at_ns; begin_ns < end_ns; begin_ns += s->flap.period_ns) {
        int64_t early = moved(&dice, s->flap.jitter_ns), late = moved(&dice, s->flap.jitter_ns);
        struct step_round r = {.at_ns = n == 0 ? begin_ns : begin_ns + early, .until_ns = begin_ns + on_ns + late};
        r.until_ns = r.until_ns < end_ns ? r.until_ns : end_ns;
        if (r.until_ns - r.at_ns < step_proof_ns(&s->action)) {
            break;
        }
        if (n == ROUNDS_MAX) {
            return too_many(s, "period", diags);
        }
        rounds[n++] = r;
    }
    return n;
}

/* Over as soon as it has been proven, or when it happens again. */
static size_t repeated_rounds(const struct scenario_step *s, struct step_round *rounds, struct diag_list *diags)
{
    int64_t every_ns = s->action.every_ns, momentary_ns = s->action.type->momentary_ns;
    int64_t lasts_ns = every_ns > 0 && every_ns < momentary_ns ? every_ns : momentary_ns;
    size_t n = 0;
    if (s->has_for != (every_ns > 0)) {
        diag_help(complain(s, diags, DIAG_CHOICE, "happens and is over; it has no `for` of its own"),
                  "write `every: 2s` beside `for` to have it happen again and again");
        return 0;
    }
    for (int64_t at_ns = 0; at_ns == 0 || at_ns < s->for_ns; at_ns += every_ns) {
        if (n == ROUNDS_MAX) {
            return too_many(s, "every", diags);
        }
        rounds[n++] = (struct step_round){.at_ns = s->at_ns + at_ns, .until_ns = s->at_ns + at_ns + lasts_ns};
        if (every_ns == 0) {
            break;
        }
    }
    return n;
}

size_t step_rounds(const struct scenario_step *s, uint64_t seed, struct step_round rounds[ROUNDS_MAX],
                   struct diag_list *diags)
{
    if (s->flap.period_ns > 0) {
        return flap_rounds(s, seed, rounds, diags);
    }
    if (s->action.type->momentary_ns > 0) {
        return repeated_rounds(s, rounds, diags);
    }
    rounds[0] = (struct step_round){.at_ns = s->at_ns, .until_ns = s->has_for ? s->at_ns + s->for_ns : INT64_MAX};
    return 1;
}
