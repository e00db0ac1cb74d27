/* SPDX-License-Identifier: MIT */
/*
 * Method: the tables of every map of a scenario but the steps (step.c) and the topology (topology_spec.c). Defaults
 * that no single value can express are put into the tree as if they had been written: the standard workload where there
 * is none, the title where there is none. After that the tables say it all, and plan.yaml is the tree with presets.
 */
#include "harness/spec/scenario.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/topology_spec.h"
#include <string.h>

#define DAY (86400 * NS_PER_S)
#define IN(member) .offset = offsetof(struct scenario, member)
#define OF(type, member) .offset = offsetof(struct type, member)

static const char standard_workload[] = "reads: {rate: 200/s}\nwrites: {rate: 20/s}\n";
static const char *const connection_words[] = {"both", "fresh", "keepalive", NULL};
static const char *const drift_words[] = {"any", "none", NULL};

/* clang-format off */
#define STREAM_FIELDS                                                                                                 \
    {.key = "rate", .kind = FIELD_RATE, OF(stream_spec, rate_micro), .required = true, .example = "200/s",            \
     .min = PPM / 10, .max = 100000 * PPM, .doc = "requests per second over all vantages"},                           \
        {.key = "path", .kind = FIELD_TEXT, OF(stream_spec, path), .preset = "/v1/orders", .doc = "what to ask for"}, \
    {                                                                                                                 \
        .key = "timeout", .kind = FIELD_DURATION, OF(stream_spec, timeout_ns), .preset = "1s", .min = 10 * NS_PER_MS, \
        .max = 60 * NS_PER_S, .doc = "a later answer is bad"                                                          \
    }

static const struct field read_fields[] = {
    STREAM_FIELDS,
    {.key = "connections", .kind = FIELD_ENUM, OF(stream_spec, connections), .words = connection_words,
     .preset = "both",
     .doc = "a new connection per read, kept connections, or half and half; verdicts use the new ones"},
};
static const struct field_set read_set = {"`workload.reads`", "workload.reads", "The read requests of the clients.",
                                          read_fields, array_len(read_fields), 0};

static const struct field write_fields[] = {STREAM_FIELDS};
static const struct field_set write_set = {"`workload.writes`", "workload.writes",
                                           "The write requests of the clients, each kept in the ledger.", write_fields,
                                           array_len(write_fields), 0};

static const struct field workload_fields[] = {
    {.key = "seed", .kind = FIELD_COUNT, IN(workload.seed), .max = (INT64_C(1) << 53) - 1, .example = "7",
     .given = offsetof(struct scenario, workload.has_seed),
     .doc = "of everything random; chosen and recorded if absent"},
    {.key = "reads", .kind = FIELD_MAP, IN(workload.reads), .of = &read_set, .example = "{rate: 200/s}",
     .given = offsetof(struct scenario, workload.has_reads), .doc = "read requests"},
    {.key = "writes", .kind = FIELD_MAP, IN(workload.writes), .of = &write_set, .example = "{rate: 20/s}",
     .given = offsetof(struct scenario, workload.has_writes), .doc = "write requests"},
};
static const struct field_set workload_set = {
    "`workload`", "workload", "What the clients ask for. Absent: reads 200/s and writes 20/s; present: what it names.",
    workload_fields, array_len(workload_fields), 0};

static const struct field expect_fields[] = {
    {.key = "availability", .kind = FIELD_RATIO, IN(steady.expect.availability_ppm), .preset = "99.9%",
     .doc = "good over planned requests; also what counts as recovered"},
    {.key = "p50", .kind = FIELD_DURATION, IN(steady.expect.p50_ns), .min = NS_PER_US, .max = 60 * NS_PER_S,
     .example = "100ms", .doc = "median latency at most"},
    {.key = "p95", .kind = FIELD_DURATION, IN(steady.expect.p95_ns), .min = NS_PER_US, .max = 60 * NS_PER_S,
     .example = "200ms", .doc = "95th percentile of latency at most"},
    {.key = "p99", .kind = FIELD_DURATION, IN(steady.expect.p99_ns), .min = NS_PER_US, .max = 60 * NS_PER_S,
     .example = "250ms", .doc = "99th percentile of latency at most; also a condition of being recovered"},
    {.key = "drift", .kind = FIELD_BOOL, IN(steady.expect.no_drift), .words = drift_words, .preset = "any",
     .doc = "none: every gateway runs the desired configuration"},
};
static const struct field_set expect_set = {"`steady_state.expect`", "steady_state.expect",
                                            "What holds while nothing is wrong.", expect_fields,
                                            array_len(expect_fields), 0};

static const struct field steady_fields[] = {
    {.key = "hold", .kind = FIELD_DURATION, IN(steady.hold_ns), .preset = "10s", .max = 3600 * NS_PER_S,
     .doc = "how long it must hold; lengthened to what the rates ask for, up to 30s"},
    {.key = "within", .kind = FIELD_DURATION, IN(steady.within_ns), .min = NS_PER_S, .max = 2 * 3600 * NS_PER_S,
     .example = "30s", .doc = "by when; 30s or twice what hold comes to if absent"},
    {.key = "expect", .kind = FIELD_MAP, .of = &expect_set, .doc = "the conditions"},
};
static const struct field_set steady_set = {"`steady_state`", "steady_state",
                                            "What must hold before the first fault: otherwise the run proves nothing.",
                                            steady_fields, array_len(steady_fields), 0};

static const struct field recovery_fields[] = {
    {.key = "hold", .kind = FIELD_DURATION, IN(recovery.hold_ns), .preset = "5s", .min = 100 * NS_PER_MS,
     .max = 600 * NS_PER_S, .doc = "the least time service must stay good to count as recovered"},
    {.key = "within", .kind = FIELD_DURATION, IN(recovery.within_ns), .preset = "60s", .max = 3600 * NS_PER_S,
     .doc = "observation ends this long after the last step"},
    {.key = "converge_within", .kind = FIELD_DURATION, IN(recovery.converge_within_ns), .preset = "60s",
     .max = 3600 * NS_PER_S, .doc = "how long to wait for equal replicas"},
};
static const struct field_set recovery_set = {"`recovery`", "recovery", "What counts as recovered.", recovery_fields,
                                              array_len(recovery_fields), 0};

static const struct field abort_fields[] = {
    {.key = "availability", .kind = FIELD_RATIO, IN(abort_when.availability_ppm), .required = true, .example = "20%",
     .doc = "below this"},
    {.key = "for", .kind = FIELD_DURATION, IN(abort_when.for_ns), .required = true, .example = "10s", .min = NS_PER_S,
     .max = 3600 * NS_PER_S, .doc = "for this long"},
};
static const struct field_set abort_set = {"`abort_when`", "abort_when", "When to heal everything and stop.",
                                           abort_fields, array_len(abort_fields), 0};

#define TARGET(which, name, unit_kind, sample, text)                                                                  \
    {.key = (name), .kind = (unit_kind), IN(targets.value[which]), .example = (sample),                               \
     .max = (unit_kind) == FIELD_RATIO ? 0 : DAY, .given = offsetof(struct scenario, targets.given[which]),           \
     .doc = (text)}
static const struct field target_fields[] = {
    TARGET(TARGET_RTO, "rto", FIELD_DURATION, "5s", "at most this long until service is back for good"),
    TARGET(TARGET_RPO, "rpo", FIELD_DURATION, "1s",
           "at most this age of the newest point with nothing missing before it"),
    TARGET(TARGET_LOST_WRITES, "lost_writes", FIELD_COUNT, "0", "at most so many acknowledged writes lost"),
    TARGET(TARGET_LOST_AFTER, "lost_after", FIELD_COUNT, "0",
           "at most so many lost that were acknowledged during the fault; 0 beside rpo or lost_writes"),
    TARGET(TARGET_CONFLICTING_WRITES, "conflicting_writes", FIELD_COUNT, "0",
           "at most so many keys whose regions kept different acknowledged writes"),
    TARGET(TARGET_STALE_READS, "stale_reads", FIELD_RATIO, "1%",
           "at most this share of reads missed a write acknowledged before they began"),
    TARGET(TARGET_CONVERGED, "converged", FIELD_DURATION, "5s",
           "at most this long from the end of the last fault to equal replicas"),
    TARGET(TARGET_FAILBACK, "failback", FIELD_DURATION, "15s",
           "at most this long from restore to stable service by the home region"),
    TARGET(TARGET_AVAILABILITY, "availability", FIELD_RATIO, "99%", "at least this share of planned requests is good"),
    TARGET(TARGET_P99, "p99", FIELD_DURATION, "250ms", "at most this latency of good requests, 99th percentile"),
    TARGET(TARGET_DETECTED, "detected", FIELD_DURATION, "2s",
           "at most this long from fault to the system's own first reaction"),
    TARGET(TARGET_REPAIRED, "repaired", FIELD_DURATION, "10s",
           "at most this long from drift to equal fingerprints without a restore"),
    TARGET(TARGET_DUPLICATED_WRITES, "duplicated_writes", FIELD_COUNT, "0",
           "at most so many writes stored more than once"),
    TARGET(TARGET_RETRIES, "retries", FIELD_RATIO, "30%",
           "at most so many further attempts of gateways, as a share of the requests"),
    TARGET(TARGET_MOVED_USERS, "moved_users", FIELD_RATIO, "40%",
           "at most this share of the users (keys) read from another origin during the first fault than before"),
    TARGET(TARGET_REVOKED, "revoked", FIELD_DURATION, "3s",
           "at most this long until a revoked key is let in by no gateway any more"),
    TARGET(TARGET_OVERSHOOT, "overshoot", FIELD_RATIO, "50%",
           "while faults last, at most this share more than its limit is let through for the limited key"),
    TARGET(TARGET_ALERTED, "alerted", FIELD_DURATION, "5s",
           "at most this long from fault to the system's own alert, of the rule that its step names in `alert`"),
    TARGET(TARGET_FALSE_ALARMS, "false_alarms", FIELD_COUNT, "0",
           "at most so many alerts before the first fault, or in a null drill at all"),
};
const struct field_set target_set = {"`targets`", "targets", "The promises that the drill checks.", target_fields,
                                            array_len(target_fields), 0};

static const struct field profile_fields[] = {
    {.key = "ci", .kind = FIELD_NODE, IN(profiles[0]), .example = "{targets.rto: 5s}",
     .doc = "with --profile ci; what the scenario says elsewhere is meant for it, so this is seldom needed"},
    {.key = "article", .kind = FIELD_NODE, IN(profiles[1]), .example = "{timeline.1.at: 200s, targets.rto: 160s}",
     .doc = "with --profile article: checks every 30s, three of them, names kept for 60s"},
};
static const struct field_set profile_set = {
    "`profiles`", "profiles", "What is different with `--profile NAME`: values by paths as of --set.", profile_fields,
    array_len(profile_fields), 0};

static const struct field scenario_fields[] = {
    {.key = "drtest", .kind = FIELD_COUNT, IN(format), .required = true, .example = "1", .doc = "format version, 1"},
    {.key = "name", .kind = FIELD_NAME, IN(name), .required = true, .example = "lose-primary",
     .doc = "of the scenario"},
    {.key = "title", .kind = FIELD_TEXT, IN(title), .doc = "for people; the name if absent"},
    {.key = "description", .kind = FIELD_TEXT, IN(description), .doc = "for people"},
    {.key = "owner", .kind = FIELD_TEXT, IN(owner), .doc = "who answers for the result"},
    {.key = "tags", .kind = FIELD_TEXTS, IN(tags), .max = 50, .example = "[region, failover]", .doc = "for selection"},
    {.key = "topology", .kind = FIELD_NODE, IN(topology_node), .example = "two-regions",
     .doc = "the world under test: a bundled name or a map"},
    {.key = "workload", .kind = FIELD_MAP, .of = &workload_set,
     .doc = "what the clients ask for"},
    {.key = "steady_state", .kind = FIELD_MAP, .of = &steady_set, .doc = "what must hold before the first fault"},
    {.key = "recovery", .kind = FIELD_MAP, .of = &recovery_set, .doc = "what counts as recovered"},
    {.key = "abort_when", .kind = FIELD_MAP, .of = &abort_set, .given = offsetof(struct scenario, has_abort),
     .doc = "when to heal everything and stop"},
    {.key = "timeline", .kind = FIELD_NODE, IN(timeline), .required = true,
     .example = "[{at: 0s, do: kill, region: us-east}]", .doc = "the steps, each with `at` and `do`"},
    {.key = "targets", .kind = FIELD_MAP, .of = &target_set, .required = true, .example = "{rto: 5s}",
     .doc = "the promises to check"},
    {.key = "profiles", .kind = FIELD_MAP, .of = &profile_set, .given = offsetof(struct scenario, has_profiles),
     .doc = "what is different with `--profile NAME`"},
};
const struct field_set scenario_set = {"a scenario", "scenario",
                                       "One drill: a world, a load, faults, and what is promised.",
                                       scenario_fields, array_len(scenario_fields), sizeof(struct scenario)};

/* clang-format on */

void scenario_deinit(struct scenario *s)
{
    for (size_t i = 0; i < s->step_count; i++) {
        json_decref(s->steps[i].action.patch);
        json_decref(s->steps[i].action.merge);
    }
    memset(s, 0, sizeof(*s));
}

void scenario_expand(struct yaml_tree *t, struct diag_list *diags)
{
    if (!t->root || t->root->kind != NODE_MAP) {
        return;
    }
    if (!node_get(t->root, "workload")) {
        struct yaml_node *w =
            yaml_tree_graft(t, "standard workload", standard_workload, strlen(standard_workload), diags);
        node_put(&t->arena, t->root, "workload", w->place, w);
    }
    topology_expand(t, diags);
}

void scenario_resolve(struct yaml_tree *t)
{
    if (!t->root || t->root->kind != NODE_MAP) {
        return;
    }
    const struct yaml_node *name = node_get(t->root, "name");
    if (name && name->kind == NODE_SCALAR && !node_get(t->root, "title")) {
        node_put(&t->arena, t->root, "title", name->key->place, node_clone(&t->arena, name));
    }
    topology_resolve(t);
}

static void check_format(struct binder *b, const struct scenario *s, const struct yaml_node *root)
{
    const struct yaml_node *n = node_get(root, "drtest");
    if (n && s->format != 1 && n->kind == NODE_SCALAR) {
        struct diag *d = diag_error(b->diags, DIAG_FORMAT, n->place, "format version %s", n->text);
        diag_help(d, "write `drtest: 1`, the only version that this drtest reads");
    }
    if (s->targets_node && s->targets_node->kind == NODE_MAP && s->targets_node->count == 0) {
        diag_help(diag_error(b->diags, DIAG_MISSING_KEY, s->targets_node->key->place, "`targets` promises nothing"),
                  "add a target, such as `rto: 5s`");
    }
    for (size_t i = 0; i < array_len(s->profiles); i++) {
        const struct yaml_node *p = s->profiles[i];
        if (p && p->kind != NODE_MAP && !p->broken) {
            struct diag *d =
                diag_error(b->diags, DIAG_WRONG_KIND, node_place(p), "`%s` is %s", p->key->text, node_kind_name(p));
            diag_help(d, "write `%s: {targets.rto: 160s}`", p->key->text);
        }
    }
    const struct yaml_node *w = node_get(root, "workload");
    if (w && w->kind == NODE_MAP && !s->workload.has_reads && !s->workload.has_writes) {
        diag_help(diag_error(b->diags, DIAG_MISSING_KEY, w->key->place, "`workload` names no stream"),
                  "add `reads` or `writes`, or leave `workload` out");
    }
}

void scenario_bind(struct binder *b, const struct yaml_node *root, const struct action_type *const *types, size_t n,
                   struct scenario *s)
{
    s->root = root;
    s->targets_node = node_get(root, "targets");
    field_bind(b, &scenario_set, root, s);
    check_format(b, s, root);
    s->topology = topology_build(b, s->topology_node);
    b->topology = s->topology;
    if (s->timeline) {
        step_bind_all(b, types, n, s);
    }
}

static void write_steps(struct text *out, const struct scenario *s)
{
    for (size_t i = 0; i < s->step_count; i++) {
        struct step_table t;
        struct scenario_step scratch = {0};
        step_table(&t, s->steps[i].written, &scratch);
        text_add(out, "  - ");
        field_write_flow(out, t.parts, 2, s->steps[i].node);
        text_add(out, "\n");
    }
}

void scenario_write(struct text *out, const struct scenario *s)
{
    for (size_t i = 0; i < scenario_set.count; i++) {
        const struct field *f = &scenario_set.fields[i];
        const struct field_set one = {.fields = f, .count = 1};
        if (f->offset == offsetof(struct scenario, topology_node) && f->kind == FIELD_NODE) {
            text_add(out, "topology:\n");
            field_write(out, &topology_set, s->topology_node, 2);
        } else if (f->kind == FIELD_NODE) {
            text_add(out, "timeline:\n");
            write_steps(out, s);
        } else {
            field_write(out, &one, s->root, 0);
        }
    }
}
