/* SPDX-License-Identifier: MIT */
/*
 * The result of a run: result.json, schema_version 1, as a C struct.
 *
 * Made by measure_run from plan and evidence, written and read back by result_json.c (one table, both directions), and
 * the only thing reports know beside plan and evidence. Member names are those of the JSON keys; suffixes say the unit
 * (_s seconds, _ms milliseconds, _ratio 0..1, _count). A double that was not measured is NAN, an integer JSON_NONE, a
 * text NULL: null in JSON. Instants are run time in seconds. Texts and lists live in the arena.
 */
#pragma once
#include "harness/base/arena.h"
#include "harness/base/json.h"
#include "harness/base/vec.h"

enum verdict { INCONCLUSIVE, MET, MISSED, SKIPPED }; /* zeroed is inconclusive */
extern const char *const verdict_words[];            /* lower case, by enum verdict, NULL-terminated */

struct texts {
    const char **at;
    size_t len, cap;
};

struct result_tool {
    const char *name, *version, *commit, *build_flags, *sha256;
};

struct result_run {
    const char *id, *suite;
    int64_t repeat_index, repeat_count;
    const char *started_at, *ended_at; /* RFC 3339 UTC */
    double duration_s;
    const char *status; /* completed | void | interrupted | unfit */
    enum verdict verdict;
    const char *reason; /* first deciding objective or check, NULL when met */
    int64_t met_count, missed_count, inconclusive_count, skipped_count;
    int64_t exit_code, seed;
    struct texts command;
    double abort_s; /* from the order to stop until the last open fault was healed; NAN when nothing stopped it */
};

struct result_clock {
    const char *id, *zero_at;
    double scenario_zero_s;
};

struct result_scenario {
    const char *name, *title, *description, *owner;
    struct texts tags;
    const char *file, *sha256, *targets_sha256;
};

struct result_host {
    const char *hostname, *kernel, *os, *arch, *clocksource;
    int64_t cpu_count, memory_bytes;
    bool rootless;
};

struct result_lab {
    const char *kind; /* netns | sim */
    struct texts regions, vantages;
    int64_t node_count;
    const char *system_sha256, *config_sha256;
    struct texts forced; /* --mechanism: EFFECT=NAME */
};

struct result_mechanism {
    const char *effect, *name, *why;
};

/* What the faults of the plan may touch, by name; a link is "us-east - eu-west". */
struct result_blast {
    struct texts regions, nodes, links, vantages;
};

struct result_phase {
    const char *name; /* setup lab_up baseline fault failback quiesce final_read lab_down audit */
    double begin_s, end_s;
};

struct result_proof {
    const char *verdict, *method; /* proven | refuted | unproven */
    double at_s;
    int64_t seq; /* of the line in timeline.jsonl */
};

struct result_fault {
    int64_t id;
    const char *do_; /* key "do" */
    struct texts subject;
    json_t *params;
    int64_t line;
    double planned_s, t_ib_s, t_ie_s, t_hb_s, t_he_s;
    const char *ended_by; /* for | restore | rollback | none */
    const char *mechanism;
    struct result_proof proof, heal_proof;
    bool has_heal_proof;
};

struct result_event {
    const char *name; /* first_failure detected alerted first_success recovered failed_back converged repaired */
    double t_s;
    const char *subject;
};

struct result_evidence {
    const char *file;
    int64_t seq;
    const char *what;
};

struct result_objective {
    const char *name, *title;
    const char *direction; /* at_most | at_least */
    double target, achieved_lower, achieved_upper;
    const char *unit; /* s | ms | ratio | count */
    double resolution, floor, floor_mean, floor_max;
    double efficiency, excess; /* floor_mean / upper end; upper end - floor_max */
    enum verdict verdict;
    const char *reason;
    const char *method;       /* timestamp | ledger | window | poll */
    const char *recovered_by; /* failover | operator | heal | never, NULL where there was nothing to recover from */
    int64_t fault_id;
    struct texts flags; /* coarse degraded flapped hold_cut */
    bool implied;
    const char *file;       /* in which the target is written; NULL: the scenario's own, or none */
    const char *assignment; /* of --set, KEY=VALUE; NULL: it is written in a file */
    int64_t line, column;   /* in the file; 0: it comes from --set */
    vec_of(struct result_evidence) evidence;
};

struct result_check {
    const char *name; /* steady_state fault_proof harness ledger completed rollback */
    enum verdict verdict;
    const char *detail;
};

/* Every measured value. One list makes the struct, the JSON and what is said about it: X(name, doc) doubles,
 * I(name, doc) integers, A(name, doc) doubles that older results lack. Durations count from the begin of the first
 * fault unless they say otherwise. */
/* clang-format off */
#define RESULT_MEASURES(X, I, A) \
    X(time_to_first_failure_s, "from the fault to the planned send of the first request that failed") \
    X(first_failure_seen_s, "from the fault to the moment when a client first saw a request fail") \
    X(first_success_s, \
      "from the fault to the first good answer after the first failure, of the client that waited longest") \
    X(rto_lower_s, \
      "recovery time, lower end: service was still out this long after the fault, the largest of clients and faults") \
    X(rto_upper_s, \
      "recovery time, upper end: stable service was back this long after the fault; null is open, not back by itself") \
    X(rto_client_lower_s, "recovery time as a client counts it, from its first failed request; lower end") \
    X(rto_client_upper_s, "recovery time as a client counts it, from its first failed request; upper end") \
    X(rto_keepalive_lower_s, "recovery time of reads on kept connections, lower end; beside the verdict") \
    X(rto_keepalive_upper_s, "recovery time of reads on kept connections, upper end; beside the verdict") \
    X(rto_after_heal_s, "from the heal to stable service, where service came back only because the fault ended") \
    X(rto_detect_s, "part of the recovery: until the system first reacted, such as an upstream marked down") \
    X(rto_decide_s, "part of the recovery: from the first reaction to a new leader, epoch or lease") \
    X(rto_act_s, "part of the recovery: from the decision to the first gateway that knew of the new leader") \
    X(rto_propagate_s, "part of the recovery: from there to the last client that moved to another endpoint") \
    X(rto_warm_s, "part of the recovery: from the last move to stable service") \
    X(rto_unattributed_s, "what is left of the recovery where no milestone was seen") \
    X(detected_lower_s, "from the fault to the first reaction of the system itself, lower end") \
    X(detected_upper_s, \
      "from the fault to the first reaction of the system itself, upper end; null is open, never seen") \
    X(degraded_s, "windows after the fault in which too few answers were good or one was wrong, summed up") \
    X(outage_s, "windows after the fault without a single good answer, summed up") \
    X(brownout_s, "windows that were degraded, but no outage, summed up") \
    X(full_outage_equivalent_s, \
      "bad requests of loss periods over the rate of all requests: how long a total outage would have cost as many") \
    I(loss_period_count, "periods with bad requests, those of several clients that overlap counted once") \
    X(availability_ratio, \
      "good over planned requests of all clients, from the first fault to the end of the failback") \
    X(availability_window_s, "how long the window of availability_ratio is") \
    X(burn_rate_ratio, \
      "how many times too fast the error budget was used: bad over planned, over what steady_state allows") \
    X(budget_share_ratio, "share of an error budget of 30 days that this drill used") \
    X(failback_lower_s, "from the heal to stable service by the home region, lower end") \
    X(failback_upper_s, "from the heal to stable service by the home region, upper end; null is open") \
    X(converged_lower_s, "from the last heal to equal logs in all regions, lower end") \
    X(converged_upper_s, "from the last heal to equal logs in all regions, upper end; null is open") \
    X(reconcile_s, "from stable service to equal logs in all regions") \
    X(repaired_lower_s, "from the drift to the configuration of before, without a restore; lower end") \
    X(repaired_upper_s, "from the drift to the configuration of before, without a restore; upper end, null is open") \
    X(rpo_lower_s, "age at the fault of the oldest acknowledged write that was lost, lower end; 0 when none was") \
    X(rpo_upper_s, "age at the fault of the newest point before which nothing is missing, upper end; null is open") \
    X(newest_survivor_age_s, "age at the end of the injection of the newest acknowledged write that survived") \
    I(hole_count, "lost writes older than the newest survivor; 0 is a clean lag, more is reordering or a defect") \
    X(lost_after_span_s, \
      "from the fault to the last acknowledged write that was lost although acknowledged while the fault held") \
    X(loss_bound_ratio, "where nothing was lost: the 95 % bound on the loss per write, 3 over the writes at risk") \
    X(dual_primary_s, \
      "how long after a new leader's first acknowledgement an older leader still acknowledged writes") \
    I(stale_epoch_ack_count, "writes acknowledged under an older epoch than one already seen") \
    I(stale_read_count, "reads that missed a write acknowledged before they began") \
    X(stale_read_ratio, "stale reads over the reads that could have been stale") \
    X(max_staleness_s, "how long ago the missed write had been acknowledged when a stale read left, the longest") \
    X(baseline_p50_ms, "median latency of good requests before the fault") \
    X(baseline_p99_ms, "99th percentile of the latency of good requests before the fault") \
    X(recovered_p50_ms, "median latency of good requests in the hold after the recovery") \
    X(recovered_p99_ms, "99th percentile of the latency of good requests in the hold after the recovery") \
    A(revoked_lower_s, \
      "from the order to revoke a key to the last request let in with it, the largest over gateways; lower end") \
    A(revoked_upper_s, \
      "from the order to revoke a key to the first request turned away, the largest of gateways; upper end") \
    A(overshoot_lower_ratio, \
      "requests let in above the limit of a key while the faults held, over the limit; lower end") \
    A(overshoot_upper_ratio, \
      "requests let in above the limit of a key while the faults held, over the limit; upper end") \
    A(config_rpo_s, "how old the configuration of the region was that took over; told, not judged")
/* clang-format on */

struct result_measures {
#define X(name, doc) double name;
#define I(name, doc) int64_t name;
    RESULT_MEASURES(X, I, X)
#undef X
#undef I
};

struct result_vantage {
    const char *vantage;
    int64_t intended_count, good_count, bad_count;
    double rto_lower_s, rto_upper_s;
    const char *dns; /* how its clients take answers of the traffic manager; NULL: there is none */
};

struct result_requests {
    int64_t intended_count, sent_count, good_count, bad_count;
    int64_t refused_count, reset_count, timeout_count, http_status_count, late_count, wrong_count, unsent_count,
        tls_count;
    vec_of(struct result_vantage) by_vantage;
};

struct result_lost {
    int64_t id; /* client * 2^32 + seq */
    double acked_at_s;
    const char *region, *when; /* before | after */
    const char *key, *value;   /* as the store has them: k7, sixteen hex digits */
    const char *class;         /* gone | stranded */
    bool set_aside;            /* by some store, as it says */
};

struct result_ledger {
    const char *file, *chain_sha256;
    int64_t write_count, acked_count, failed_count, unknown_count, lost_before_count, lost_after_count, gone_count,
        stranded_count, landed_count, vanished_count, contradicted_count, foreign_count, duplicated_count,
        corrupt_count, conflicting_count, lost_most_count; /* lost_most: |(A u U) \\ F|, the upper end of the bracket */
    /* What stores set aside; JSON_NONE unless some store told all, traceless unless every one did. */
    int64_t set_aside_count, recoverable_count, traceless_count, set_aside_kept_count, set_aside_unacked_count,
        set_aside_foreign_count;
    struct texts set_aside_regions; /* whose store told all */
    bool final_read_complete;
    struct texts regions_read;
    vec_of(struct result_lost) lost; /* at most 1000 */
    bool lost_truncated;
};

struct result_drift_gateway {
    const char *gateway, *status, *fingerprint; /* in_sync changed missing unexpected */
    const char *kind; /* as the gateway said last; NULL: it never did */
};

struct result_drift {
    vec_of(struct result_drift_gateway) gateways;
    json_t *patch, *undo_patch;
};

/* What the second prober of `--crosscheck` says about the RTO of the fresh reads. */
struct result_crosscheck {
    bool requested, agrees;
    double lower_s, upper_s;   /* of the second prober: each end the largest over the vantages */
    double interval_ms;        /* its largest probe interval */
    double difference_ms;      /* of the upper ends, at the vantage where least was left of what is allowed */
    double allowed_ms;         /* there; both NAN where nothing could be compared */
    const char *detail;
};

/* One row of the self-test that this run relied on: truth against measurement of scripted outages. */
struct result_selftest {
    const char *mode;
    double gap_ms;
    int64_t outages, inside;              /* inside: accepted */
    double worst_excess_ms, allowed_ms;   /* upper end over the truth, of the outage that came closest to its limit */
};

struct result_quality {
    bool valid, selftest_ok;
    double probe_interval_ms, injection_width_ms, baseline_s, hold_s, max_slip_ms, max_stall_ms;
    int64_t suspect_count, harness_error_count;
    bool suspended;
    double clock_slew_ppm, replication_lag_ms;
    int64_t exposure_write_count;
    double unknown_ratio;
    int64_t wire_overflow_count;
    bool has_crosscheck;
    struct result_crosscheck crosscheck;
    vec_of(struct result_selftest) selftest; /* empty on a model, and where no table is known */
};

/* The extra load of one surge: no part of any other number. */
struct result_surge {
    int64_t fault_id, planned_count, offered_count, sent_count, good_count, bad_count, unsent_count, returned_count;
    double amplification_ratio; /* sent over offered */
};

/* Requests that were under way at the gateways of one stop while they left. */
struct result_stop {
    int64_t fault_id, under_way_count, answered_count, cut_count, unanswered_count;
};

/* One objective of an earlier run, and how much worse this run is: negative is better, NAN an open or unknown end. */
struct result_change {
    const char *name, *unit;
    const char *change; /* worse | better | none_shown | not_compared: a gate took it back in one of them */
    double earlier_lower, earlier_upper, shift_lower, shift_upper;
};

/* This run beside an earlier one. Made when the run is filed, no part of any verdict. */
struct result_comparison {
    const char *with;   /* previous: the last that counts of scenario and configuration | baseline */
    const char *source; /* the file that told of it */
    const char *run_id, *started_at;
    const char *left_out;  /* why the objectives are not compared; NULL: they are */
    struct texts differs;  /* which digests do: drtest, scenario, target system, configuration */
    vec_of(struct result_change) objectives;
};

struct result_history {
    const char *file;
    int64_t line;
    const char *previous_run_id, *previous_line_sha256; /* of the same scenario; of the line before, of any */
    int64_t comparable_count;
    const char *before_run_id, *before_manifest_sha256; /* the run of that line; NULL: none, or no folder beside */
};

struct result {
    int64_t schema_version;
    struct result_tool tool;
    struct result_run run;
    struct result_clock clock;
    struct result_scenario scenario;
    struct result_host host;
    struct result_lab lab;
    bool has_blast_radius; /* older results lack it */
    struct result_blast blast_radius;
    vec_of(struct result_mechanism) mechanisms;
    vec_of(struct result_phase) phases;
    vec_of(struct result_fault) faults;
    vec_of(struct result_event) events;
    vec_of(struct result_objective) objectives;
    vec_of(struct result_check) checks;
    struct result_measures measures;
    struct result_requests requests;
    bool has_ledger, has_drift;
    struct result_ledger ledger;
    struct result_drift drift;
    struct result_quality quality;
    struct result_history history;
    vec_of(struct result_surge) surges;
    vec_of(struct result_stop) stops; /* of stops that hit a gateway */
    vec_of(struct result_comparison) comparisons;
    struct texts limits;
    struct arena arena;
};

void result_free(struct result *r); /* also the json_t members */
struct err;
json_t *result_to_json(const struct result *r);
int result_from_json(const json_t *doc, struct result **out, const char *at, struct err *e);
int result_load(const char *run_path, struct result **out, struct err *e);       /* <run>/result.json */
int result_store(const char *run_path, const struct result *r, struct err *e);   /* replaces it atomically */
