/* SPDX-License-Identifier: MIT */
/*
 * drift: somebody changes the configuration of a gateway or an origin by hand. The file is replaced, cut short, taken
 * away, made unreadable or put back to an old one; the process is told to read it again, or (reload: no) is not. The
 * fault begins when the gateway's admin port reports what has come of it.
 *
 * The journal of originals is written into the injection's state before the first file is touched. Healing puts an
 * original back only while the file still is what the drift made of it: a gateway or an operator that repaired it
 * meanwhile is left alone, else the heal would be credited as the repair.
 *
 * Proven when the targets report it and nobody else changed: every other gateway runs what stands in its own file, or
 * what is desired of it where only its file was touched. What a target must report: the new fingerprint as running; of
 * a file that it was not told of, the new fingerprint as that of its file; of one that is no configuration, that it is
 * in such a state. One that ended over it counts, too. A target that has repaired itself since is no lapse.
 *
 * via: runtime patches the process through its admin port and touches no file (drift_running.c): its journal is what
 * ran, its proof what runs, and it ends with the process.
 *
 * via: control changes what the control plane hands out instead. No signal: gateways fetch it by themselves, and may
 * refuse it, so the fault begins when each target says in its status that it has seen it, in force or refused, or that
 * another fault keeps it from seeing it; healed it is when none says so any more.
 */
#include "injectors/drift_file.h"
#include "injectors/target.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct drifted {
    uint16_t node;
    char was[SHA256_HEX], becomes[SHA256_HEX];
    char reports[12]; /* the state of the file as the node will tell it */
    enum lab_file_state state; /* of the original, whose bytes are in the journal */
    unsigned mode;
    size_t at, len;
    bool taken_up, telling;
};

/* One heap block, since the conductor frees it as one. */
struct drift_state {
    struct look_round round;
    size_t n;
    struct drifted at[TARGET_NODES_MAX];
    char originals[]; /* their bytes, one behind the other */
};

static const char *const via_words[] = {"file", "control", "runtime", NULL};
static const char *const file_words[] = {"", "truncated", "missing", "unreadable", "stale", NULL};
static const char *const reload_words[] = {"yes", "no", NULL};

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
    {.key = "file",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct action, file),
     .words = file_words,
     .choice = FIELD_ONE,
     .example = "truncated",
     .doc = "cut to its first half, gone, refusing to be read, or that of the first start"},
    {.key = "via",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct action, via),
     .words = via_words,
     .preset = "file",
     .doc = "where: the node's own file, what the control plane wants of it, or in its running process alone"},
    {.key = "reload",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct action, not_reloaded),
     .words = reload_words,
     .preset = "yes",
     .doc = "whether the process is told; else the file takes effect when it starts again"},
};

static bool drift_objects(const struct action *a, char why[ACTION_WHY])
{
    if (a->via == DRIFT_VIA_RUNTIME && (a->file != DRIFT_CONTENT || a->not_reloaded)) {
        snprintf(why, ACTION_WHY,
                 "`file` and `reload` are about the node's own file; `via: runtime` leaves that alone");
    } else if (a->via == DRIFT_VIA_CONTROL && a->file != DRIFT_CONTENT) {
        snprintf(why, ACTION_WHY, "`file` is about the node's own file; the control plane can be stopped with `lag`");
    } else if (a->via == DRIFT_VIA_CONTROL && a->not_reloaded) {
        snprintf(why, ACTION_WHY,
                 "`reload: no` is about the node's own file; gateways fetch what is wanted by themselves");
    } else {
        return false;
    }
    return true;
}

static struct drift_state *state_of(const struct injection *in)
{
    return (struct drift_state *)(void *)in->state;
}

/* The gateways of a region, or the one node that is named. */
static size_t targets(const struct injection *in, uint16_t nodes[TARGET_NODES_MAX])
{
    const struct topology *t = fabric_topology(in->fabric);
    uint16_t all[TARGET_NODES_MAX];
    size_t n = 0, count = target_nodes(t, in->action, all, TARGET_NODES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (t->nodes[all[i]].role == NODE_GATEWAY || in->action->target == TARGET_NODE) {
            nodes[n++] = all[i];
        }
    }
    return n;
}

/* Read what stands there and work out what it becomes; nothing is touched yet. */
static int plan_one(const struct injection *in, uint16_t node, struct lab_file *future, struct drifted *d,
                    struct text *journal, struct err *e)
{
    scoped_lab_file struct lab_file now = {0};
    if (drift_file_get(in, node, &now, e) != 0 || drift_file_future(in, node, &now, future, e) != 0) {
        return -1;
    }
    *d = (struct drifted){.node = node, .state = now.state, .mode = now.mode, .at = journal->len, .len = now.bytes.len};
    text_add_bytes(journal, text_str(&now.bytes), now.bytes.len);
    drift_file_identity(&now, d->was);
    drift_file_identity(future, d->becomes);
    snprintf(d->reports, sizeof(d->reports), "%s", drift_file_word(future));
    return 0;
}

static void keep_journal(struct injection *in, const struct drifted *at, size_t n, const struct text *originals)
{
    struct drift_state *s = xcalloc(1, sizeof(*s) + originals->len + 1);
    memcpy(s->at, at, n * sizeof(*at));
    s->n = n;
    memcpy(s->originals, text_str(originals), originals->len);
    in->state = (char *)s;
}

static int hang_up(const struct injection *in, uint16_t node, struct err *e)
{
    struct lab *lab = fabric_lab(in->fabric);
    return in->action->via == DRIFT_VIA_FILE ? lab->ops->node_signal(lab, node, SIGHUP, e) : 0;
}

static bool is_no_configuration(const struct drifted *d)
{
    return strcmp(d->reports, "ok") != 0;
}

/* Does the node say what it must say of the drift? A program that says nothing of its file is not asked about it. */
static bool shows(const struct injection *in, const struct look *l, const struct drifted *d)
{
    struct lab *lab = fabric_lab(in->fabric);
    if (in->action->via == DRIFT_VIA_CONTROL) {
        return strcmp(l->desired, d->becomes) == 0 || strcmp(l->refused, d->becomes) == 0;
    }
    if (is_no_configuration(d)) {
        bool silent = l->status == 200 && !l->file_state[0];
        return silent || strcmp(l->file_state, d->reports) == 0 || lab->ops->node_state(lab, d->node) == NODE_DOWN;
    }
    if (in->action->not_reloaded) {
        return (l->status == 200 && !l->file_state[0]) || strcmp(l->file, d->becomes) == 0;
    }
    return strcmp(l->config, d->becomes) == 0;
}

static size_t count_taken_up(const struct injection *in)
{
    struct drift_state *s = state_of(in);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        bool kept_back = in->action->via == DRIFT_VIA_CONTROL && s->round.at[i].desired_late;
        s->at[i].taken_up = s->at[i].taken_up || kept_back || shows(in, &s->round.at[i], &s->at[i]);
        n += s->at[i].taken_up;
    }
    return n;
}

static int await_take_up(struct injection *in, struct err *e)
{
    struct drift_state *s = state_of(in);
    uint16_t nodes[TARGET_NODES_MAX];
    for (size_t i = 0; i < s->n; i++) {
        nodes[i] = s->at[i].node;
    }
    return look_round_until(&s->round, in, nodes, s->n, count_taken_up, e);
}

static int drift_apply(struct injection *in, struct err *e)
{
    uint16_t nodes[TARGET_NODES_MAX];
    struct drifted at[TARGET_NODES_MAX];
    struct lab_file futures[TARGET_NODES_MAX] = {0};
    scoped_text struct text originals = {0};
    size_t n = targets(in, nodes);
    int rc = n > 0 ? 0 : err_set(e, ERR_MEANING, "drift", "it hits no gateway");
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = plan_one(in, nodes[i], &futures[i], &at[i], &originals, e);
    }
    if (rc == 0) {
        keep_journal(in, at, n, &originals);
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = drift_file_put(in, nodes[i], at[i].was, &futures[i], e);
        rc = rc == 0 && !in->action->not_reloaded ? hang_up(in, nodes[i], e) : rc;
    }
    for (size_t i = 0; i < n; i++) {
        drift_file_deinit(&futures[i]);
    }
    return rc == 0 ? await_take_up(in, e) : -1;
}

static bool runs(const struct injection *in, uint16_t node)
{
    struct lab *lab = fabric_lab(in->fabric);
    return fabric_held(in->fabric, node) == 0 && lab->ops->node_state(lab, node) == NODE_UP;
}

/* Without waiting: a patch ends with its process, and one that is frozen finds this when it thaws, as it finds a
 * signal. */
static void put_back(const struct injection *in, struct drifted *d, const char *original)
{
    scoped_json json_t *config = json_read(original, d->len, "original", NULL);
    if (config) {
        drift_running_tell(in, d->node, d->becomes, config, &d->telling);
    }
}

/* Told in any case: a process that started again since may run what we are taking away. */
static int heal_one(struct injection *in, struct drifted *d, const char *original, struct err *e)
{
    char identity[SHA256_HEX];
    if (in->action->via == DRIFT_VIA_RUNTIME && !runs(in, d->node)) {
        put_back(in, d, original);
        return 0;
    }
    scoped_lab_file struct lab_file now = {0}, back = {.state = d->state, .mode = d->mode};
    if (drift_file_get(in, d->node, &now, e) != 0) {
        return -1;
    }
    drift_file_identity(&now, identity);
    if (strcmp(identity, d->becomes) != 0) {
        return 0;
    }
    text_add_bytes(&back.bytes, original, d->len);
    return drift_file_put(in, d->node, identity, &back, e) != 0 ? -1 : hang_up(in, d->node, e);
}

static int drift_heal(struct injection *in, struct err *e)
{
    struct drift_state *s = state_of(in);
    int rc = 0;
    for (size_t i = 0; s && i < s->n; i++) {
        rc |= heal_one(in, &s->at[i], s->originals + s->at[i].at, e);
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

/* Does a gateway that no step of ours hits run what it should? Where only its file was touched, by another step, it
 * still runs what is desired. */
static bool left_alone(struct injection *in, const struct look *l)
{
    struct lab *lab = fabric_lab(in->fabric);
    char of_file[SHA256_HEX];
    scoped_json json_t *config = NULL;
    if (l->status != 200 || (l->desired[0] && strcmp(l->config, l->desired) == 0)) {
        return true; /* dead or away: nothing runs a configuration that we changed */
    }
    if (l->applied[0] && strcmp(l->config, l->applied) != 0) {
        return true; /* patched by another step, for whom it was asked by name */
    }
    if (lab->ops->node_config_get(lab, l->node, &config, NULL) != 0) {
        return false;
    }
    json_fingerprint(config, of_file);
    return strcmp(of_file, l->config) == 0;
}

static void say_proven(struct injection *in, const struct drift_state *s)
{
    const struct drifted *d = &s->at[0];
    size_t others = s->round.n - s->n;
    const char *what = in->action->via == DRIFT_VIA_CONTROL   ? "wanted instead"
                       : in->action->via == DRIFT_VIA_RUNTIME ? "running, by a patch,"
                       : in->action->not_reloaded             ? "in the file alone"
                                                              : "running";
    if (is_no_configuration(d)) {
        snprintf(in->method, sizeof(in->method), "file %s on %zu, which run %.12s; of %zu others none changed",
                 d->reports, s->n, s->round.at[0].config, others);
        return;
    }
    snprintf(in->method, sizeof(in->method), "%.12s %s on %zu, %.12s before; of %zu others none changed", d->becomes,
             what, s->n, d->was, others);
}

static enum proof judge_drift(struct injection *in)
{
    struct drift_state *s = state_of(in);
    for (size_t i = 0; i < s->n; i++) {
        if (!s->at[i].taken_up) {
            snprintf(in->method, sizeof(in->method), "a node never reported the drift");
            return PROOF_REFUTED;
        }
    }
    for (size_t i = s->n; i < s->round.n; i++) {
        if (!left_alone(in, &s->round.at[i])) {
            snprintf(in->method, sizeof(in->method), "%.80s changed as well",
                     fabric_topology(in->fabric)->nodes[s->round.at[i].node].name);
            return PROOF_REFUTED;
        }
    }
    say_proven(in, s);
    return PROOF_PROVEN;
}

static bool lies_there(const struct injection *in, const struct drifted *d)
{
    char identity[SHA256_HEX];
    scoped_lab_file struct lab_file now = {0};
    if (in->action->via == DRIFT_VIA_RUNTIME || drift_file_get(in, d->node, &now, NULL) != 0) {
        return false;
    }
    drift_file_identity(&now, identity);
    return strcmp(identity, d->becomes) == 0;
}

static enum proof judge_healed(struct injection *in)
{
    struct drift_state *s = state_of(in);
    for (size_t i = 0; i < s->n; i++) {
        const struct look *l = &s->round.at[i];
        bool says = l->file_state[0] || in->action->via == DRIFT_VIA_CONTROL ||
                    !(is_no_configuration(&s->at[i]) || in->action->not_reloaded);
        if (lies_there(in, &s->at[i]) || (l->status == 200 && says && shows(in, l, &s->at[i]))) {
            snprintf(in->method, sizeof(in->method), "%.80s still has the drifted configuration",
                     fabric_topology(in->fabric)->nodes[s->at[i].node].name);
            if (in->action->via == DRIFT_VIA_RUNTIME) {
                put_back(in, &s->at[i], s->originals + s->at[i].at);
            }
            return PROOF_PENDING;
        }
    }
    snprintf(in->method, sizeof(in->method), "no node has the drifted configuration");
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

static enum lab_effect drift_effect(const struct action *a)
{
    return a->via == DRIFT_VIA_RUNTIME ? EFFECT_PATCH : EFFECT_DRIFT;
}

const struct injector injector_drift = {
    .type = {.verb = "drift",
             .summary = "somebody changes the configuration of gateways or origins behind the operator's back",
             .class = ACTION_FAULT,
             .targets = TARGET_REGION | TARGET_NODE | TARGET_ORIGIN,
             .fields = drift_fields,
             .field_count = sizeof(drift_fields) / sizeof(drift_fields[0]),
             .proven_once = true,
             .objects = drift_objects},
    .apply = drift_apply,
    .heal = drift_heal,
    .prove = drift_prove,
    .effect = EFFECT_DRIFT,
    .effect_of = drift_effect,
};
