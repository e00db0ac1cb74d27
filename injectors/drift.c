/* SPDX-License-Identifier: MIT */
/*
 * drift: somebody edits the configuration of a gateway by hand. The file is replaced, the gateway told to read it
 * again, and the fault begins when its admin port reports the new fingerprint.
 *
 * The journal of originals is written into the injection's state before the first file is touched. Healing puts an
 * original back only while the file still has the drifted fingerprint: a gateway or an operator that repaired it
 * meanwhile is left alone, else the heal would be credited as the repair.
 *
 * Proven when the fingerprint changed on the targets and on nobody else: every other gateway still runs what stands in
 * its own file. A target that has repaired itself since is no lapse.
 *
 * via: control changes what the control plane hands out instead. No signal: gateways fetch it by themselves, and may
 * refuse it, so the fault begins when each target says in its status that it has seen it, in force or refused; healed
 * it is when none says so any more.
 */
#include "injectors/target.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define TAKE_UP_NS (3 * NS_PER_S)
#define ASK_AGAIN_NS (20 * NS_PER_MS)

struct drifted {
    uint16_t node;
    char was[SHA256_HEX], becomes[SHA256_HEX];
    bool taken_up;
};

/* One heap block, since the conductor frees it as one. */
struct drift_state {
    struct look_round round;
    size_t n;
    struct drifted at[TARGET_NODES_MAX];
    char originals[]; /* a JSON array, in the order of `at` */
};

static const char *const via_words[] = {"file", "control", NULL};

static const struct field drift_fields[] = {
    {.key = "patch",
     .kind = FIELD_JSON,
     .offset = offsetof(struct action, patch),
     .choice = FIELD_ONE,
     .example = "[{op: replace, path: /drain_ms, value: 1}]",
     .doc = "changes to the configuration, RFC 6902"},
    {.key = "merge",
     .kind = FIELD_JSON,
     .offset = offsetof(struct action, merge),
     .choice = FIELD_ONE,
     .example = "{drain_ms: 1}",
     .doc = "a partial configuration laid over it, RFC 7386"},
    {.key = "via",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct action, via_control),
     .words = via_words,
     .preset = "file",
     .doc = "where: the gateway's own file, or what the control plane wants of it"},
};

static struct drift_state *state_of(const struct injection *in)
{
    return (struct drift_state *)(void *)in->state;
}

static json_t *changed(const struct action *a, const json_t *original, struct err *e)
{
    return a->patch ? json_patch(original, a->patch, NULL, e) : json_merge(original, a->merge);
}

static int read_config(struct injection *in, uint16_t node, json_t **config, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    return in->action->via_control ? lab->ops->node_desired_get(lab, node, config, e)
                                   : lab->ops->node_config_get(lab, node, config, e);
}

/* Read what stands there and work out what it becomes; nothing is touched yet. */
static int plan_one(struct injection *in, uint16_t node, json_t *originals, json_t *futures, struct drifted *d, struct err *e)
{
    json_t *original = NULL;
    if (read_config(in, node, &original, e) != 0) {
        return -1;
    }
    json_array_append_new(originals, original);
    scoped_json json_t *future = changed(in->action, original, e);
    if (!future) {
        return -1;
    }
    json_array_append(futures, future);
    d->node = node;
    json_fingerprint(original, d->was);
    json_fingerprint(future, d->becomes);
    return json_equal(original, future)
               ? err_set(e, ERR_MEANING, fabric_topology(in->fabric)->nodes[node].name, "the drift changes nothing there")
               : 0;
}

static void keep_journal(struct injection *in, const struct drifted *at, size_t n, const json_t *originals)
{
    scoped_free char *text = json_canonical(originals);
    struct drift_state *s = xcalloc(1, sizeof(*s) + strlen(text) + 1);
    memcpy(s->at, at, n * sizeof(*at));
    s->n = n;
    memcpy(s->originals, text, strlen(text) + 1);
    in->state = (char *)s;
}

static int write_config(struct injection *in, uint16_t node, const json_t *config, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    if (in->action->via_control) {
        return lab->ops->node_desired_set(lab, node, config, e);
    }
    return lab->ops->node_config_set(lab, node, config, e) != 0 ? -1 : lab->ops->node_signal(lab, node, SIGHUP, e);
}

/* Does the gateway say that it has the changed configuration? */
static bool shows(const struct injection *in, const struct look *l, const char *becomes)
{
    if (!in->action->via_control) {
        return strcmp(l->config, becomes) == 0;
    }
    return strcmp(l->desired, becomes) == 0 || strcmp(l->refused, becomes) == 0;
}

static size_t count_taken_up(const struct injection *in)
{
    struct drift_state *s = state_of(in);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        s->at[i].taken_up = s->at[i].taken_up || shows(in, &s->round.at[i], s->at[i].becomes);
        n += s->at[i].taken_up;
    }
    return n;
}

static int await_take_up(struct injection *in, struct err *e)
{
    struct drift_state *s = state_of(in);
    struct loop *loop = fabric_lab(in->fabric)->ops->loop(fabric_lab(in->fabric));
    uint16_t nodes[TARGET_NODES_MAX];
    for (size_t i = 0; i < s->n; i++) {
        nodes[i] = s->at[i].node;
    }
    int64_t until_ns = loop_tick(loop) + TAKE_UP_NS;
    for (;;) {
        if (!look_round_status(&s->round, in->fabric, nodes, s->n) || look_round_wait(&s->round, in->fabric, e) != 0) {
            return err_set(e, ERR_RUN, "drift", "the gateways cannot be asked what they run");
        }
        if (count_taken_up(in) == s->n) {
            return 0;
        }
        if (loop_tick(loop) > until_ns) {
            return err_set(e, ERR_RUN, "drift", "%zu of %zu gateways took up the changed configuration", count_taken_up(in), s->n);
        }
        if (loop_run(loop, loop_now(loop) + ASK_AGAIN_NS, NULL, e) < 0) {
            return -1;
        }
    }
}

static int drift_apply(struct injection *in, struct err *e)
{
    uint16_t nodes[TARGET_NODES_MAX];
    struct drifted at[TARGET_NODES_MAX] = {0};
    size_t n = target_gateways(fabric_topology(in->fabric), in->action, nodes);
    if (n == 0) {
        return err_set(e, ERR_MEANING, "drift", "it hits no gateway");
    }
    scoped_json json_t *originals = json_array();
    scoped_json json_t *futures = json_array();
    for (size_t i = 0; i < n; i++) {
        if (plan_one(in, nodes[i], originals, futures, &at[i], e) != 0) {
            return -1;
        }
    }
    keep_journal(in, at, n, originals);
    for (size_t i = 0; i < n; i++) {
        if (write_config(in, nodes[i], json_array_get(futures, i), e) != 0) {
            return -1;
        }
    }
    return await_take_up(in, e);
}

static int heal_one(struct injection *in, const struct drifted *d, const json_t *original, struct err *e)
{
    char now[SHA256_HEX];
    scoped_json json_t *config = NULL;
    if (read_config(in, d->node, &config, e) != 0) {
        return -1;
    }
    json_fingerprint(config, now);
    return strcmp(now, d->becomes) == 0 ? write_config(in, d->node, original, e) : 0;
}

static int drift_heal(struct injection *in, struct err *e)
{
    struct drift_state *s = state_of(in);
    if (!s) {
        return 0;
    }
    scoped_json json_t *originals = json_read(s->originals, strlen(s->originals), "journal of the drift", e);
    int rc = originals ? 0 : -1;
    for (size_t i = 0; originals && i < s->n; i++) {
        rc |= heal_one(in, &s->at[i], json_array_get(originals, i), e);
    }
    return rc;
}

/* Every gateway that runs: the drifted ones first, then all others. */
static size_t running_gateways(struct injection *in, uint16_t nodes[TARGET_NODES_MAX + 1])
{
    const struct topology *t = fabric_topology(in->fabric);
    struct drift_state *s = state_of(in);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        nodes[n++] = s->at[i].node;
    }
    for (uint16_t i = 0; i < t->node_count && n <= TARGET_NODES_MAX; i++) {
        bool target = false;
        for (size_t k = 0; k < s->n; k++) {
            target = target || s->at[k].node == i;
        }
        if (t->nodes[i].role == NODE_GATEWAY && !target && fabric_held(in->fabric, i) == 0) {
            nodes[n++] = i;
        }
    }
    return n;
}

static bool runs_its_file(struct injection *in, const struct look *l)
{
    struct lab *lab = fabric_lab(in->fabric);
    char of_file[SHA256_HEX];
    scoped_json json_t *config = NULL;
    if (l->status != 200 || lab->ops->node_config_get(lab, l->node, &config, NULL) != 0) {
        return true; /* dead or away: nothing runs a configuration that we changed */
    }
    json_fingerprint(config, of_file);
    return strcmp(of_file, l->config) == 0;
}

static enum proof judge_drift(struct injection *in)
{
    struct drift_state *s = state_of(in);
    for (size_t i = 0; i < s->n; i++) {
        if (!s->at[i].taken_up) {
            snprintf(in->method, sizeof(in->method), "a gateway never reported the changed fingerprint");
            return PROOF_REFUTED;
        }
    }
    for (size_t i = s->n; i < s->round.n; i++) {
        if (!runs_its_file(in, &s->round.at[i])) {
            snprintf(in->method, sizeof(in->method), "%.80s changed as well",
                     fabric_topology(in->fabric)->nodes[s->round.at[i].node].name);
            return PROOF_REFUTED;
        }
    }
    if (in->action->via_control) {
        snprintf(in->method, sizeof(in->method),
                 "%zu saw that %.12s is wanted instead of %.12s, of %zu others none changed", s->n, s->at[0].becomes,
                 s->at[0].was, s->round.n - s->n);
        return PROOF_PROVEN;
    }
    snprintf(in->method, sizeof(in->method), "fingerprint %.12s became %.12s on %zu, of %zu others none changed", s->at[0].was,
             s->at[0].becomes, s->n, s->round.n - s->n);
    return PROOF_PROVEN;
}

static enum proof judge_healed(struct injection *in)
{
    struct drift_state *s = state_of(in);
    for (size_t i = 0; i < s->n; i++) {
        if (shows(in, &s->round.at[i], s->at[i].becomes)) {
            snprintf(in->method, sizeof(in->method), "%.80s still has the drifted configuration",
                     fabric_topology(in->fabric)->nodes[s->at[i].node].name);
            return PROOF_PENDING;
        }
    }
    snprintf(in->method, sizeof(in->method), "no gateway has the drifted configuration");
    return PROOF_PROVEN;
}

static enum proof drift_prove(struct injection *in, bool healed)
{
    struct drift_state *s = state_of(in);
    if (!s) {
        snprintf(in->method, sizeof(in->method), "no file was changed");
        return healed ? PROOF_PROVEN : PROOF_REFUTED;
    }
    enum proof stand = look_round_stand(&s->round, healed);
    if (stand == PROOF_PROVEN) {
        return healed ? judge_healed(in) : judge_drift(in);
    }
    if (stand == PROOF_PENDING) {
        return stand;
    }
    uint16_t nodes[TARGET_NODES_MAX + 1];
    size_t n = running_gateways(in, nodes);
    return look_round_status(&s->round, in->fabric, nodes, n) ? PROOF_PENDING : PROOF_REFUTED;
}

const struct injector injector_drift = {
    .type = {.verb = "drift",
             .summary = "somebody edits the configuration of gateways behind the operator's back",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE,
             .fields = drift_fields,
             .field_count = sizeof(drift_fields) / sizeof(drift_fields[0]),
             .proven_once = true},
    .apply = drift_apply,
    .heal = drift_heal,
    .prove = drift_prove,
    .effect = EFFECT_DRIFT,
};
