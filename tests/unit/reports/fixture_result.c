/* SPDX-License-Identifier: MIT */
/*
 * The result of the made-up drill: the documented example, then what each case changes in it.
 */
#include "tests/unit/reports/fixture.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/measure/study.h"

#include <math.h>

static void add_objective(struct result *r, const char *name, const char *title, double target, double lower,
                          double upper, const char *unit, enum verdict v, int64_t line)
{
    *vec_push(&r->objectives) = (struct result_objective){.name = name,
                                                          .title = title,
                                                          .direction = "at_most",
                                                          .target = target,
                                                          .achieved_lower = lower,
                                                          .achieved_upper = upper,
                                                          .unit = unit,
                                                          .resolution = (double)NAN,
                                                          .floor = (double)NAN,
                                                          .floor_mean = (double)NAN,
                                                          .floor_max = (double)NAN,
                                                          .efficiency = (double)NAN,
                                                          .excess = (double)NAN,
                                                          .verdict = v,
                                                          .method = "timestamp",
                                                          .fault_id = JSON_NONE,
                                                          .line = line,
                                                          .column = 3};
}

static struct result_objective *objective(struct result *r, const char *name)
{
    for (size_t i = 0; i < r->objectives.len; i++) {
        if (text_eq(r->objectives.at[i].name, name)) {
            return &r->objectives.at[i];
        }
    }
    abort();
}

static void fill_objectives(struct result *r)
{
    add_objective(r, "rto", "RTO is at most 5s", 5, 5.284873, 5.339588, "s", MISSED, 24);
    struct result_objective *rto = objective(r, "rto");
    rto->resolution = 0.02;
    rto->floor = 0.5;
    rto->floor_mean = 1.125;
    rto->floor_max = 1.95;
    rto->efficiency = 1.125 / 5.339588;
    rto->excess = 5.339588 - 1.95;
    rto->reason = "5.285 s is above 5 s";
    rto->recovered_by = "failover";
    rto->fault_id = 1;
    *vec_push(&rto->evidence) = (struct result_evidence){"timeline.jsonl", 3611, "fault proven"};
    *vec_push(&rto->evidence) = (struct result_evidence){"samples.bin", 4790, "last bad request"};
    add_objective(r, "rpo", "RPO is at most 1s", 1, 0.128412, 0.185127, "s", MET, 25);
    struct result_objective *rpo = objective(r, "rpo");
    rpo->method = "ledger";
    rpo->resolution = 0.05;
    rpo->floor = 0;
    rpo->floor_mean = 0.1;
    rpo->floor_max = 0.2;
    rpo->efficiency = 0.1 / 0.185127;
    rpo->excess = 0.185127 - 0.2;
    *vec_push(&rpo->evidence) = (struct result_evidence){"ledger.bin", 297, "oldest lost write"};
    add_objective(r, "lost_writes", "lost writes are at most 20", 20, 3, 3, "count", MET, 26);
    objective(r, "lost_writes")->method = "ledger";
    add_objective(r, "lost_after", "writes lost after the fault are at most 0", 0, 0, 0, "count", MET, 25);
    objective(r, "lost_after")->method = "ledger";
    objective(r, "lost_after")->implied = true;
    add_objective(r, "failback", "failback is at most 15s", 15, 3.402, 3.452, "s", MET, 27);
    add_objective(r, "availability", "availability is at least 95%", 0.95, 0.955227, 0.955227, "ratio", MET, 28);
    objective(r, "availability")->direction = "at_least";
    objective(r, "availability")->method = "window";
}

static void fill_measures(struct result *r)
{
    struct result_measures *m = &r->measures;
#define X(name, doc) m->name = (double)NAN;
#define I(name, doc) m->name = JSON_NONE;
    RESULT_MEASURES(X, I, X)
#undef X
#undef I
    m->rto_lower_s = 5.284873;
    m->rto_upper_s = 5.339588;
    m->rto_client_lower_s = 5.284;
    m->rto_client_upper_s = 5.336;
    m->rto_detect_s = 0.712;
    m->rto_decide_s = 0.31;
    m->rto_act_s = 0.22;
    m->rto_propagate_s = 3.98;
    m->rto_warm_s = 0.04;
    m->rto_unattributed_s = 0.077588;
    m->rpo_lower_s = 0.128412;
    m->rpo_upper_s = 0.185127;
    m->availability_ratio = 0.955227;
    m->availability_window_s = 60;
}

static void fill_course(struct result *r)
{
    static const struct result_phase phases[] = {
        {"setup", 0, 7},       {"baseline", 7, 22},        {"fault", 22, 42},      {"failback", 42, 82},
        {"quiesce", 82, 84.1}, {"final_read", 84.1, 86.3}, {"audit", 86.3, 86.512}};
    for (size_t i = 0; i < array_len(phases); i++) {
        *vec_push(&r->phases) = phases[i];
    }
    struct result_fault *f = vec_push(&r->faults);
    *f = (struct result_fault){.id = 1,
                               .do_ = "kill",
                               .params = json_object(),
                               .line = 21,
                               .t_ib_s = 22.000412,
                               .t_ie_s = 22.003127,
                               .t_hb_s = 42.000208,
                               .t_he_s = 42.061914,
                               .ended_by = "restore",
                               .mechanism = "signal",
                               .has_heal_proof = true,
                               .proof = {"proven", "pidfd readable and canary refused", 22.003127, 3611},
                               .heal_proof = {"proven", "canary answered", 42.061914, 6904}};
    *vec_push(&f->subject) = "us-east";
    static const struct result_event events[] = {{"first_failure", 22.004, "clients-us-east"},
                                                 {"detected", 22.712, "eu-west"},
                                                 {"first_success", 27.2, "clients-us-east"},
                                                 {"recovered", 27.34, NULL},
                                                 {"failed_back", 45.452, NULL},
                                                 {"converged", 46.162, NULL}};
    for (size_t i = 0; i < array_len(events); i++) {
        *vec_push(&r->events) = events[i];
    }
    static const struct result_check checks[] = {{"steady_state", MET, "100 % good and p99 88 ms for 13.6 s"},
                                                 {"fault_proof", MET, "1 of 1 proven"},
                                                 {"harness", MET, "max slip 0.9 ms"},
                                                 {"ledger", MET, "1500 records, chain intact"},
                                                 {"completed", MET, "all phases ran"},
                                                 {"rollback", MET, "nothing left behind"}};
    for (size_t i = 0; i < array_len(checks); i++) {
        *vec_push(&r->checks) = checks[i];
    }
}

static void fill_ledger(struct result *r)
{
    r->has_ledger = true;
    r->ledger = (struct result_ledger){.file = "ledger.bin",
                                       .chain_sha256 = "c07e",
                                       .write_count = 1500,
                                       .acked_count = 1447,
                                       .failed_count = 51,
                                       .unknown_count = 2,
                                       .lost_before_count = 3,
                                       .gone_count = 3,
                                       .landed_count = 1,
                                       .vanished_count = 1,
                                       .lost_most_count = 4,
                                       .set_aside_count = 5,
                                       .recoverable_count = 3,
                                       .set_aside_kept_count = 1, .set_aside_unacked_count = 1,
                                       .final_read_complete = true};
    const double acked[] = {21.872, 21.922, 21.972};
    for (size_t i = 0; i < array_len(acked); i++) {
        *vec_push(&r->ledger.lost) = (struct result_lost){297 + (int64_t)i, acked[i], "us-east", "before",
                                                          "k9", "00a1b2c3d4e5f607", "gone", true};
    }
    *vec_push(&r->ledger.regions_read) = "us-east";
    *vec_push(&r->ledger.regions_read) = "eu-west";
    *vec_push(&r->ledger.set_aside_regions) = "us-east";
    *vec_push(&r->ledger.set_aside_regions) = "eu-west";
}

static void fill_identity(struct result *r)
{
    r->schema_version = 1;
    r->tool = (struct result_tool){"drtest", "0.1.0", "3f9c1ab", "Release", "e2c9"};
    r->run = (struct result_run){.id = "region-outage-20260101T060000Z",
                                 .suite = "quarterly",
                                 .repeat_index = 1,
                                 .repeat_count = 1,
                                 .started_at = "2026-01-01T06:00:00Z",
                                 .ended_at = "2026-01-01T06:01:27Z",
                                 .duration_s = 86.512,
                                 .abort_s = (double)NAN,
                                 .status = "completed",
                                 .verdict = MISSED,
                                 .reason = "rto",
                                 .met_count = 5,
                                 .missed_count = 1,
                                 .exit_code = 1,
                                 .seed = 20260101};
    r->clock = (struct result_clock){"monotonic", "2026-01-01T06:00:00.118Z", 22.0};
    r->scenario = (struct result_scenario){
        .name = "region-outage",
        .title = "Losing us-east fails over to eu-west within the RTO",
        .description =
            "All gateways of the primary die as in a power loss; at most one second of acknowledged orders may go.",
        .owner = "team-edge",
        .file = "scenarios/region-outage.yaml",
        .sha256 = "9d41c2ab52b0f6a9d8f2cf5ab2c1b0a5a3bfb0a0c9b2a41dc0b96d5bc0f0e9d4",
        .targets_sha256 = "07be"};
    const char *tags[] = {"quarterly", "region", "failover"};
    for (size_t i = 0; i < array_len(tags); i++) {
        *vec_push(&r->scenario.tags) = tags[i];
    }
    r->host =
        (struct result_host){"ci-7", "6.1.0-31-amd64", "Debian GNU/Linux 12", "x86_64", "tsc", 4, 8589934592, true};
    r->lab = (struct result_lab){.kind = "netns",
                                 .node_count = 9,
                                 .system_sha256 = "a814bd2f8a5a7c5b1f6e5a31c0a4d9e3b8a7f6c5d4e3f2a1b0c9d8e7f6a5b4c3",
                                 .config_sha256 = "5be0cd19137e2179f33d0b4a5e6c7d8f90a1b2c3d4e5f60718293a4b5c6d7e8f"};
    *vec_push(&r->lab.regions) = "us-east";
    *vec_push(&r->lab.regions) = "eu-west";
    *vec_push(&r->lab.vantages) = "clients-us-east";
    *vec_push(&r->lab.vantages) = "clients-eu-west";
    *vec_push(&r->mechanisms) = (struct result_mechanism){"kill", "signal", "pidfd available"};
    *vec_push(&r->mechanisms) = (struct result_mechanism){"degrade", "wire", "sch_netem is not in this kernel"};
    *vec_push(&r->limits) = "Regions are network namespaces on one host; they share its kernel, clock and power.";
    *vec_push(&r->limits) = "The link delay of 40 ms was left out: this kernel has no netem.";
}

static void fill_quality(struct result *r)
{
    r->requests = (struct result_requests){.intended_count = 13200,
                                           .sent_count = 13200,
                                           .good_count = 12609,
                                           .bad_count = 591,
                                           .refused_count = 571,
                                           .reset_count = 6,
                                           .timeout_count = 14};
    *vec_push(&r->requests.by_vantage) =
        (struct result_vantage){"clients-us-east", 6600, 6009, 591, 5.284873, 5.339588, NULL};
    *vec_push(&r->requests.by_vantage) = (struct result_vantage){"clients-eu-west", 6600, 6600, 0, 0, 0, NULL};
    r->quality = (struct result_quality){.valid = true,
                                         .selftest_ok = true,
                                         .probe_interval_ms = 20,
                                         .injection_width_ms = 2.715,
                                         .baseline_s = 13.636,
                                         .hold_s = 13.636,
                                         .max_slip_ms = 0.9,
                                         .max_stall_ms = 1.4,
                                         .clock_slew_ppm = 3.1,
                                         .replication_lag_ms = 140,
                                         .exposure_write_count = 5};
    *vec_push(&r->quality.selftest) = (struct result_selftest){"rst", 5, 20, 20, 5.2, 8.7};
    *vec_push(&r->quality.selftest) = (struct result_selftest){"half", 5, 20, 20, NAN, NAN};
    *vec_push(&r->quality.selftest) = (struct result_selftest){"dropped", 5, 1, 1, NAN, NAN};
}

static void drop_objectives(struct result *r, size_t keep)
{
    for (size_t i = keep; i < r->objectives.len; i++) {
        vec_deinit(&r->objectives.at[i].evidence);
    }
    r->objectives.len = keep;
}

/* The last run was slower to recover. */
static void compare(struct result *r)
{
    struct result_comparison c = {.with = "previous",
                                  .source = "../history.jsonl",
                                  .run_id = "region-outage-20251001T060000Z",
                                  .started_at = "2025-10-01T06:00:00Z"};
    *arena_push(&r->arena, &c.differs) = "target system";
    *arena_push(&r->arena, &c.objectives) = (struct result_change){.name = "rto", .unit = "s", .change = "better",
                                                                   .earlier_lower = 1.302, .earlier_upper = 1.358,
                                                                   .shift_lower = -0.273, .shift_upper = -0.162};
    *arena_push(&r->arena, &c.objectives) = (struct result_change){.name = "rpo", .unit = "s", .change = "none_shown",
                                                                   .earlier_lower = 0.102, .earlier_upper = 0.166,
                                                                   .shift_lower = -0.038, .shift_upper = 0.083};
    *arena_push(&r->arena, &r->comparisons) = c;
}

static void make_met(struct result *r)
{
    compare(r);
    r->quality.has_crosscheck = true;
    r->quality.crosscheck = (struct result_crosscheck){
        .requested = true, .agrees = true, .lower_s = 1.064873, .upper_s = 1.127473, .interval_ms = 20,
        .difference_ms = 3.770936, .allowed_ms = 41.991043,
        .detail = "clients-us-east 1.064 to 1.127 s beside 1.084 to 1.131 s; clients-eu-west 0.000 to 0.017 s beside "
                  "0.000 to 0.009 s"};
    struct result_objective *rto = objective(r, "rto");
    rto->verdict = MET;
    rto->achieved_lower = r->measures.rto_lower_s = 1.084873;
    rto->achieved_upper = r->measures.rto_upper_s = r->measures.rto_client_upper_s = 1.139588;
    rto->efficiency = 1.125 / 1.139588;
    rto->excess = 1.139588 - 1.95;
    rto->reason = NULL;
    r->measures.rto_propagate_s = (double)NAN;
    r->measures.rto_decide_s = 0.2;
    r->measures.rto_act_s = 0.08;
    r->events.at[2].t_s = 23.1;
    r->events.at[3].t_s = 23.14;
    r->ledger.set_aside_count = 4;
    r->ledger.recoverable_count = 2;
    r->ledger.traceless_count = 1;
    r->ledger.lost.at[2].set_aside = false;
    r->run.verdict = MET;
    r->run.reason = NULL;
    r->run.met_count = 6;
    r->run.missed_count = r->run.exit_code = 0;
}

static void make_inconclusive(struct result *r)
{
    for (size_t i = 0; i < r->objectives.len; i++) {
        r->objectives.at[i].verdict = INCONCLUSIVE;
        r->objectives.at[i].reason = "the drill is void: fault_proof";
    }
    objective(r, "rto")->achieved_upper = objective(r, "rto")->efficiency = objective(r, "rto")->excess = (double)NAN;
    objective(r, "rto")->recovered_by = "never";
    *vec_push(&objective(r, "rto")->flags) = "coarse";
    *vec_push(&objective(r, "rto")->flags) = "hold_cut";
    r->measures.rto_upper_s = r->measures.rto_client_upper_s = (double)NAN;
    r->events.len = 1;
    r->checks.at[1] =
        (struct result_check){"fault_proof", INCONCLUSIVE, "fault 1: <canary> still answered & \"nobody\" knows why"};
    r->faults.at[0].proof.verdict = "unproven";
    r->run.verdict = INCONCLUSIVE;
    r->run.status = "void";
    r->run.reason = "fault_proof";
    r->run.inconclusive_count = 6;
    r->run.met_count = r->run.missed_count = 0;
    r->run.exit_code = 4;
    r->run.repeat_index = 2;
    r->run.repeat_count = 3;
}

static void make_skipped(struct result *r)
{
    for (size_t i = 0; i < r->objectives.len; i++) {
        struct result_objective *o = &r->objectives.at[i];
        o->verdict = SKIPPED;
        o->reason = "sch_netem is not in this kernel";
        o->achieved_lower = o->achieved_upper = o->efficiency = o->excess = (double)NAN;
        o->recovered_by = NULL;
    }
    fill_measures(r);
    r->measures.rto_lower_s = r->measures.rto_upper_s = r->measures.rpo_lower_s = r->measures.rpo_upper_s = (double)NAN;
    r->measures.availability_ratio = (double)NAN;
    r->faults.at[0].t_ib_s = r->faults.at[0].t_ie_s = r->faults.at[0].t_hb_s = r->faults.at[0].t_he_s = (double)NAN;
    r->faults.at[0].proof = (struct result_proof){"unproven", NULL, (double)NAN, JSON_NONE};
    r->phases.len = 1;
    r->phases.at[0].end_s = r->run.duration_s = 0.012;
    r->events.len = 0;
    r->checks.len = 0;
    r->has_ledger = false;
    r->requests = (struct result_requests){.by_vantage = r->requests.by_vantage};
    r->requests.by_vantage.len = 0;
    r->run.verdict = SKIPPED;
    r->run.status = "unfit";
    r->run.reason = r->objectives.at[0].name;
    r->run.skipped_count = 6;
    r->run.met_count = r->run.missed_count = 0;
    r->run.exit_code = 5;
}

static void make_interrupted(struct result *r)
{
    r->run.status = "interrupted";
    r->run.duration_s = 30;
    r->run.abort_s = 0.4;
    r->run.exit_code = 130;
    r->phases.len = 3;
    r->phases.at[2].end_s = (double)NAN;
    r->faults.at[0].t_hb_s = 29.2;
    r->faults.at[0].t_he_s = 29.4;
    r->faults.at[0].ended_by = "rollback";
    r->events.len = 4;
    r->checks.at[4] = (struct result_check){"completed", INCONCLUSIVE, "SIGINT at 29.1 s"};
    r->run.met_count = 0;
    for (size_t i = 1; i < r->objectives.len; i++) {
        struct result_objective *o = &r->objectives.at[i];
        o->verdict = SKIPPED;
        o->achieved_lower = o->achieved_upper = o->efficiency = o->excess = (double)NAN;
        o->reason = "interrupted before it was decided";
        r->run.skipped_count++;
    }
    r->ledger.final_read_complete = false;
    r->ledger.lost.len = 0;
}

static void make_drift(struct result *r)
{
    make_met(r);
    drop_objectives(r, 1);
    struct result_objective *o = objective(r, "rto");
    vec_deinit(&o->evidence);
    *o = (struct result_objective){.name = "repaired",
                                   .title = "repaired is at most 10s",
                                   .direction = "at_most",
                                   .target = 10,
                                   .achieved_lower = 2.9,
                                   .achieved_upper = 3.15,
                                   .unit = "s",
                                   .resolution = 0.25,
                                   .floor = 0.25,
                                   .floor_mean = 1,
                                   .floor_max = 2.25,
                                   .efficiency = 1 / 3.15,
                                   .excess = 3.15 - 2.25,
                                   .verdict = MET,
                                   .method = "poll",
                                   .line = 24,
                                   .column = 3};
    r->faults.at[0].do_ = "drift";
    r->faults.at[0].subject.at[0] = "eu-west/1";
    r->measures.repaired_upper_s = 3.15;
    r->measures.detected_upper_s = 0.61;
    r->measures.rto_upper_s = r->measures.rto_client_upper_s = r->measures.rto_lower_s = 0;
    r->requests.bad_count = 0;
    r->has_ledger = false;
    r->has_drift = true;
    *vec_push(&r->drift.gateways) = (struct result_drift_gateway){"eu-west/1", "changed", "5be0cd19", "runtime_patch"};
    *vec_push(&r->drift.gateways) = (struct result_drift_gateway){"eu-west/2", "in_sync", "77aa01ff", NULL};
    r->drift.patch = json_pack("[{s:s,s:s,s:s}]", "op", "replace", "path", "/routes/orders/upstream", "value",
                               "http://127.0.0.1:9/</pre><script>");
    r->drift.undo_patch = json_pack("[{s:s,s:s,s:s}]", "op", "replace", "path", "/routes/orders/upstream", "value",
                                    "http://10.2.0.20:8080");
    r->run.met_count = 1;
}

static void make_tiny(struct result *r)
{
    drop_objectives(r, 0);
    add_objective(r, "availability", "availability is at least 99%", 0.99, 1, 1, "ratio", MET, 5);
    objective(r, "availability")->direction = "at_least";
    objective(r, "availability")->method = "window";
    vec_deinit(&r->faults.at[0].subject);
    json_decref(r->faults.at[0].params);
    r->faults.len = r->events.len = 0;
    r->phases.len = 3;
    r->phases.at[0] = (struct result_phase){"setup", 0, 1};
    r->phases.at[1] = (struct result_phase){"baseline", 1, 3};
    r->phases.at[2] = (struct result_phase){"fault", 3, 5};
    r->blast_radius = (struct result_blast){0};
    r->scenario.name = "null-drill";
    r->scenario.title = "Nothing breaks, nothing is seen";
    r->scenario.file = "scenarios/null-drill.yaml";
    r->lab.kind = "sim";
    r->quality.selftest.len = 0;
    r->lab.regions.len = r->lab.vantages.len = 1;
    r->lab.regions.at[0] = "alpha";
    r->lab.vantages.at[0] = "clients-alpha";
    r->lab.node_count = 3;
    r->run.duration_s = 5;
    r->run.suite = NULL;
    r->has_ledger = false;
    fill_measures(r);
    r->measures.rto_lower_s = r->measures.rto_upper_s = 0;
    r->measures.rpo_lower_s = r->measures.rpo_upper_s = (double)NAN;
    r->measures.availability_ratio = 1;
    r->requests = (struct result_requests){
        .intended_count = 40, .sent_count = 40, .good_count = 40, .by_vantage = r->requests.by_vantage};
    r->requests.by_vantage.len = 1;
    r->requests.by_vantage.at[0] = (struct result_vantage){"clients-alpha", 40, 40, 0, 0, 0, NULL};
    r->run.verdict = MET;
    r->run.reason = NULL;
    r->run.met_count = 1;
    r->run.missed_count = r->run.exit_code = 0;
}

/* us-east is killed. */
static void fill_blast(struct result *r)
{
    static const char *const nodes[] = {"us-east/1", "us-east/2", "us-east/origin-1"};
    struct result_blast *b = &r->blast_radius;
    r->has_blast_radius = true;
    *arena_push(&r->arena, &b->regions) = "us-east";
    *arena_push(&r->arena, &b->vantages) = "clients-us-east";
    for (size_t i = 0; i < array_len(nodes); i++) {
        *arena_push(&r->arena, &b->nodes) = nodes[i];
    }
}

void fixture_fill_result(struct fixture *f, enum fixture_case which)
{
    struct result *r = &f->result;
    fill_identity(r);
    fill_blast(r);
    fill_course(r);
    fill_objectives(r);
    fill_measures(r);
    fill_ledger(r);
    fill_quality(r);
    static void (*const make[FIXTURE_CASES])(struct result * r) = {
        [FIXTURE_MET] = make_met,         [FIXTURE_INCONCLUSIVE] = make_inconclusive,
        [FIXTURE_SKIPPED] = make_skipped, [FIXTURE_INTERRUPTED] = make_interrupted,
        [FIXTURE_DRIFT] = make_drift,     [FIXTURE_TINY] = make_tiny};
    if (make[which]) {
        make[which](r);
    }
}
