/* SPDX-License-Identifier: MIT */
/*
 * misbehave: an origin serves, but badly: errors, silence, slowness, answers that break off, a health check that lies.
 * The network and the process are well, so only requests show it.
 *
 * Made by knobs of the origin itself, set through its admin port in a slot that has the fault's number: several faults
 * may have theirs on one origin, and each takes only its own away. Which requests are hit is drawn by the origin from a
 * seed that follows from the run's seed, the fault and the node.
 *
 * Proven per origin by two witnesses. The slot is read back knob by knob. And the instance is asked on its own port,
 * past every gateway, for /bytes/N, which an origin answers whoever leads: so many answers must show what was asked
 * for that their count lies in the exact 99.999 % binomial interval of the share, and what is slow must be slow by
 * as much. An origin that nobody hit must answer the same question well and in time. Healed, every answer must be well.
 *
 * The health check of gateways is a request like others and meets the same fate, unless `health` says what it is to
 * answer. Only that is proven of it: that it says what it was told to.
 *
 * A node that is dead or frozen by another fault cannot be asked: no look, no lapse. Its slot is taken away as soon as
 * it can be: the proof of a heal begins by asking for that once more. Questions and rounds are in misbehave_look.c.
 */
#include "injectors/misbehave.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

#define SHARE_MIN 10000 /* ppm: less takes too many questions to prove */
#define SEED_BITS 53

#define SERVICE(word, kind_, member, choice_, ...)                                                         \
    {.key = word, .kind = kind_, .offset = offsetof(struct action, service.member), .choice = choice_, __VA_ARGS__}

static const char *const health_words[] = {"", "good", "bad", NULL};

static const struct field misbehave_fields[] = {
    SERVICE("status", FIELD_COUNT, status, FIELD_SOME, .min = 400, .max = 599, .example = "503",
            .doc = "answered at once, and nothing is done"),
    SERVICE("retry_after", FIELD_DURATION, retry_after_ns, FIELD_FREE, .min = NS_PER_S, .max = 3600 * NS_PER_S,
            .example = "2s", .with = "status", .doc = "told beside a 429 or 503; whole seconds"),
    SERVICE("slow_first_byte", FIELD_DURATION, first_byte_ns, FIELD_SOME, .min = NS_PER_MS, .max = 60 * NS_PER_S,
            .example = "500ms", .doc = "a request waits so long before it is served"),
    SERVICE("slow_body", FIELD_DURATION, body_ns, FIELD_SOME, .min = NS_PER_MS, .max = 60 * NS_PER_S, .example = "2s",
            .doc = "the body leaves bit by bit; its last byte so long after the head"),
    SERVICE("hang", FIELD_BOOL, hang, FIELD_SOME, .example = "true", .doc = "a request is taken and never answered"),
    SERVICE("reset_after", FIELD_BYTES, reset_after_bytes, FIELD_SOME,
            .given = offsetof(struct action, service.has_reset), .max = MISBEHAVE_RESET_MAX, .example = "10kB",
            .doc = "so much of the body, or all but its last byte, then a reset"),
    SERVICE("short_body", FIELD_BOOL, short_body, FIELD_SOME, .example = "true",
            .doc = "half of what was announced, then the end of the connection"),
    SERVICE("health", FIELD_ENUM, health, FIELD_SOME, .words = health_words, .example = "good",
            .doc = "what /healthz and /readyz say, whatever requests get; if absent they meet the same as requests"),
    SERVICE("share", FIELD_RATIO, share_ppm, FIELD_FREE, .min = SHARE_MIN, .max = PPM, .example = "20%",
            .doc = "of the requests, drawn from the seed; all if absent"),
};

static bool spoils_body(const struct service_fault *s)
{
    return s->body_ns > 0 || s->has_reset || s->short_body;
}

bool misbehave_shows(const struct service_fault *s)
{
    return s->status || s->first_byte_ns || s->hang || spoils_body(s);
}

double misbehave_share(const struct service_fault *s)
{
    return s->share_ppm ? (double)s->share_ppm / (double)PPM : 1;
}

static bool misbehave_objects(const struct action *a, char why[ACTION_WHY])
{
    const struct service_fault *s = &a->service;
    if (!misbehave_shows(s) && !s->health) {
        snprintf(why, ACTION_WHY, "it asks for nothing that could be seen");
    } else if (!misbehave_shows(s) && s->share_ppm) {
        snprintf(why, ACTION_WHY, "`share` is of the requests, and nothing happens to them");
    } else if (s->hang && (s->status || s->first_byte_ns || spoils_body(s))) {
        snprintf(why, ACTION_WHY, "a request that hangs has no answer to which anything else could happen");
    } else if (s->has_reset && s->short_body) {
        snprintf(why, ACTION_WHY, "`reset_after` and `short_body` cannot both end the body");
    } else if (s->retry_after_ns && s->status != 429 && s->status != 503) {
        snprintf(why, ACTION_WHY, "`retry_after` goes with status 429 or 503");
    } else if (s->retry_after_ns % NS_PER_S) {
        snprintf(why, ACTION_WHY, "`retry_after` is told in whole seconds");
    } else {
        return false;
    }
    return true;
}

static const char *misbehave_clash(const struct action *a, const struct action *b)
{
    const struct service_fault *s = &a->service, *t = &b->service;
    if ((s->hang && misbehave_shows(t)) || (t->hang && misbehave_shows(s))) {
        return "what becomes of requests";
    }
    return spoils_body(s) && spoils_body(t) ? "how the body goes" : NULL;
}

char *misbehave_slot(const struct injection *in, char out[MISBEHAVE_SLOT])
{
    snprintf(out, MISBEHAVE_SLOT, "/misbehave/fault-%u", (unsigned)in->fault);
    return out;
}

static void want(json_t *knobs, const char *key, int64_t value)
{
    if (value) {
        json_object_set_new(knobs, key, json_integer(value));
    }
}

json_t *misbehave_knobs(const struct injection *in, uint16_t node)
{
    static const char *const lies[] = {"honest", "good", "bad"};
    const struct service_fault *s = &in->action->service;
    char consumer[80];
    struct rng rng;
    snprintf(consumer, sizeof(consumer), "misbehave/%u/%.48s", (unsigned)in->fault,
             fabric_topology(in->fabric)->nodes[node].name);
    rng_init(&rng, fabric_lab(in->fabric)->seed, consumer);
    json_t *k = json_pack("{s:I, s:I, s:b, s:b, s:s}", "seed", (json_int_t)(rng_next(&rng) >> (64 - SEED_BITS)),
                          "share_ppm", (json_int_t)(s->share_ppm ? s->share_ppm : PPM), "hang", s->hang, "short_body",
                          s->short_body, "health", lies[s->health]);
    want(k, "status", s->status);
    want(k, "first_byte_us", s->first_byte_ns / NS_PER_US);
    want(k, "body_us", s->body_ns / NS_PER_US);
    want(k, "retry_after_s", s->retry_after_ns / NS_PER_S);
    if (s->has_reset) {
        json_object_set_new(k, "reset_after", json_integer(s->reset_after_bytes));
    }
    return k;
}

size_t misbehave_origins(const struct injection *in, uint16_t nodes[MISBEHAVE_ORIGINS])
{
    const struct topology *t = fabric_topology(in->fabric);
    uint16_t all[TARGET_NODES_MAX];
    size_t n = 0, count = target_nodes(t, in->action, all, TARGET_NODES_MAX);
    for (size_t i = 0; i < count && n < MISBEHAVE_ORIGINS; i++) {
        if (t->nodes[all[i]].role == NODE_ORIGIN) {
            nodes[n++] = all[i];
        }
    }
    return n;
}

static int misbehave_apply(struct injection *in, struct err *e)
{
    struct look_round *r = misbehave_admin_of(in);
    uint16_t nodes[MISBEHAVE_ORIGINS];
    char slot[MISBEHAVE_SLOT];
    size_t n = misbehave_origins(in, nodes);
    if (n == 0) {
        return err_set(e, ERR_MEANING, "misbehave", "it hits no origin");
    }
    look_round_new(r);
    for (size_t i = 0; i < n; i++) {
        scoped_json json_t *knobs = misbehave_knobs(in, nodes[i]);
        scoped_free char *body = json_canonical(knobs);
        if (fabric_hold(in->fabric, in->fault, nodes[i], HOLD_ILL, e) != 0 ||
            look_round_call(r, in->fabric, nodes[i], "PUT", misbehave_slot(in, slot), body, e) != 0) {
            return -1;
        }
    }
    if (look_round_wait(r, in->fabric, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (r->at[i].status != 200) {
            return err_set(e, ERR_RUN, fabric_topology(in->fabric)->nodes[nodes[i]].name, "told to misbehave: %s %d",
                           r->at[i].status ? "it refused with" : "no answer,", r->at[i].status);
        }
    }
    r->open = false;
    return 0;
}

static int misbehave_heal(struct injection *in, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    struct look_round *r = misbehave_admin_of(in);
    uint16_t nodes[MISBEHAVE_ORIGINS];
    char slot[MISBEHAVE_SLOT];
    size_t n = misbehave_origins(in, nodes);
    int rc = fabric_release(in->fabric, in->fault, e);
    if (look_round_wait(r, in->fabric, e) != 0) {
        return -1;
    }
    look_round_new(r);
    for (size_t i = 0; i < n; i++) {
        rc |= look_round_call(r, in->fabric, nodes[i], "DELETE", misbehave_slot(in, slot), NULL, e);
    }
    rc |= look_round_wait(r, in->fabric, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (r->at[i].status != 200 && lab->ops->node_state(lab, nodes[i]) == NODE_UP) {
            rc = err_set(e, ERR_RUN, fabric_topology(in->fabric)->nodes[nodes[i]].name,
                         "its knobs could not be taken away (%d)", r->at[i].status);
        }
    }
    r->open = false;
    return rc;
}

const struct injector injector_misbehave = {
    .type = {.verb = "misbehave",
             .summary = "an origin serves badly: errors, slowness, silence, answers that break off",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_ORIGIN,
             .fields = misbehave_fields,
             .field_count = sizeof(misbehave_fields) / sizeof(misbehave_fields[0]),
             .of_process = true,
             .proof_bound_ns = misbehave_bound,
             .clash = misbehave_clash,
             .objects = misbehave_objects},
    .apply = misbehave_apply,
    .heal = misbehave_heal,
    .prove = misbehave_prove,
    .effect = EFFECT_MISBEHAVE,
};
