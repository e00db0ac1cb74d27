/* SPDX-License-Identifier: MIT */
/*
 * result.json as a table: one row per key, in the order of the contract, bound to the member of the same name.
 *
 * Both directions walk it, so a key that is written is read, and a member that is renamed does not compile. Numbers are
 * rounded to nine decimals (instants are whole nanoseconds to begin with): 15 significant digits then say all of them.
 */
#include "harness/measure/result_shape.h"

#include "harness/base/scoped.h"

#include <math.h>

#define F(type, kind_, member) {.name = #member, .kind = kind_, .offset = offsetof(type, member)}
#define TEXT(type, member) F(type, JB_TEXT, member)
#define NUM(type, member) F(type, JB_NUMBER, member)
#define INT(type, member) F(type, JB_INT, member)
#define FLAG(type, member) F(type, JB_BOOL, member)
#define TEXTS(type, member) F(type, JB_TEXTS, member)
#define JSON(type, member) F(type, JB_JSON, member)
#define VERDICT(type, member) \
    {.name = #member, .kind = JB_ENUM, .offset = offsetof(type, member), .words = verdict_words}
#define PART(type, member, shape) \
    {.name = #member, .kind = JB_OBJECT, .offset = offsetof(type, member), .of = &(shape)}
#define PART_IF(type, member, shape, flag) \
    {.name = #member, .kind = JB_OBJECT, .offset = offsetof(type, member), .of = &(shape), \
     .present_offset = offsetof(type, flag)}
#define LIST(type, member, shape) {.name = #member, .kind = JB_LIST, .offset = offsetof(type, member), .of = &(shape)}
/* Came after the first release of schema version 1. */
#define ADDED(type, kind_, member) \
    {.name = #member, .kind = kind_, .offset = offsetof(type, member), .added = true}
#define PART_ADDED(type, member, shape, flag) \
    {.name = #member, .kind = JB_OBJECT, .offset = offsetof(type, member), .of = &(shape), \
     .present_offset = offsetof(type, flag), .added = true}
#define LIST_ADDED(type, member, shape) \
    {.name = #member, .kind = JB_LIST, .offset = offsetof(type, member), .of = &(shape), .added = true}
#define SHAPE(name, type) \
    static const struct json_shape name = {name##_fields, array_len(name##_fields), sizeof(type)}

#define T struct result_tool
static const struct json_field tool_fields[] = {TEXT(T, name), TEXT(T, version), TEXT(T, commit),
                                                TEXT(T, build_flags), TEXT(T, sha256)};
SHAPE(tool, T);
#undef T

#define T struct result_run
static const struct json_field run_fields[] = {
    TEXT(T, id), TEXT(T, suite), INT(T, repeat_index), INT(T, repeat_count), TEXT(T, started_at), TEXT(T, ended_at),
    NUM(T, duration_s), TEXT(T, status), VERDICT(T, verdict), TEXT(T, reason), INT(T, met_count),
    INT(T, missed_count), INT(T, inconclusive_count), INT(T, skipped_count), INT(T, exit_code), INT(T, seed),
    TEXTS(T, command), ADDED(T, JB_NUMBER, abort_s)};
SHAPE(run, T);
#undef T

#define T struct result_clock
static const struct json_field clock_fields[] = {TEXT(T, id), TEXT(T, zero_at), NUM(T, scenario_zero_s)};
SHAPE(clock, T);
#undef T

#define T struct result_scenario
static const struct json_field scenario_fields[] = {TEXT(T, name), TEXT(T, title), TEXT(T, description),
                                                    TEXT(T, owner), TEXTS(T, tags), TEXT(T, file), TEXT(T, sha256),
                                                    TEXT(T, targets_sha256)};
SHAPE(scenario, T);
#undef T

#define T struct result_host
static const struct json_field host_fields[] = {TEXT(T, hostname), TEXT(T, kernel), TEXT(T, os), TEXT(T, arch),
                                                INT(T, cpu_count), INT(T, memory_bytes), FLAG(T, rootless),
                                                TEXT(T, clocksource)};
SHAPE(host, T);
#undef T

#define T struct result_lab
static const struct json_field lab_fields[] = {TEXT(T, kind), TEXTS(T, regions), TEXTS(T, vantages),
                                               INT(T, node_count), TEXT(T, system_sha256), TEXT(T, config_sha256)};
SHAPE(lab, T);
#undef T

#define T struct result_mechanism
static const struct json_field mechanism_fields[] = {TEXT(T, effect), TEXT(T, name), TEXT(T, why)};
SHAPE(mechanism, T);
#undef T

#define T struct result_phase
static const struct json_field phase_fields[] = {TEXT(T, name), NUM(T, begin_s), NUM(T, end_s)};
SHAPE(phase, T);
#undef T

#define T struct result_proof
static const struct json_field proof_fields[] = {TEXT(T, verdict), TEXT(T, method), NUM(T, at_s), INT(T, seq)};
SHAPE(proof, T);
#undef T

#define T struct result_fault
static const struct json_field fault_fields[] = {
    INT(T, id), {.name = "do", .kind = JB_TEXT, .offset = offsetof(T, do_)}, TEXTS(T, subject), JSON(T, params),
    INT(T, line), NUM(T, planned_s), NUM(T, t_ib_s), NUM(T, t_ie_s), NUM(T, t_hb_s), NUM(T, t_he_s),
    TEXT(T, ended_by), TEXT(T, mechanism), PART(T, proof, proof), PART_IF(T, heal_proof, proof, has_heal_proof)};
SHAPE(fault, T);
#undef T

#define T struct result_event
static const struct json_field event_fields[] = {TEXT(T, name), NUM(T, t_s), TEXT(T, subject)};
SHAPE(event, T);
#undef T

#define T struct result_evidence
static const struct json_field evidence_fields[] = {TEXT(T, file), INT(T, seq), TEXT(T, what)};
SHAPE(evidence, T);
#undef T

#define T struct result_objective
static const struct json_field objective_fields[] = {
    TEXT(T, name), TEXT(T, title), TEXT(T, direction), NUM(T, target), NUM(T, achieved_lower),
    NUM(T, achieved_upper), TEXT(T, unit), NUM(T, resolution), NUM(T, floor), NUM(T, floor_mean), NUM(T, floor_max),
    ADDED(T, JB_NUMBER, efficiency), ADDED(T, JB_NUMBER, excess), VERDICT(T, verdict), TEXT(T, reason), TEXT(T, method),
    TEXT(T, recovered_by), INT(T, fault_id), TEXTS(T, flags), FLAG(T, implied), INT(T, line), INT(T, column),
    LIST(T, evidence, evidence)};
SHAPE(objective, T);
#undef T

#define T struct result_check
static const struct json_field check_fields[] = {TEXT(T, name), VERDICT(T, verdict), TEXT(T, detail)};
SHAPE(check, T);
#undef T

#define X(member) NUM(struct result_measures, member),
#define I(member) INT(struct result_measures, member),
static const struct json_field measures_fields[] = {RESULT_MEASURES(X, I)};
#undef X
#undef I
SHAPE(measures, struct result_measures);

#define T struct result_vantage
static const struct json_field vantage_fields[] = {TEXT(T, vantage), INT(T, intended_count), INT(T, good_count),
                                                   INT(T, bad_count), NUM(T, rto_lower_s), NUM(T, rto_upper_s)};
SHAPE(vantage, T);
#undef T

#define T struct result_requests
static const struct json_field requests_fields[] = {
    INT(T, intended_count), INT(T, sent_count), INT(T, good_count), INT(T, bad_count), INT(T, refused_count),
    INT(T, reset_count), INT(T, timeout_count), INT(T, http_status_count), INT(T, late_count), INT(T, wrong_count),
    INT(T, unsent_count), ADDED(T, JB_INT, tls_count), LIST(T, by_vantage, vantage)};
SHAPE(requests, T);
#undef T

#define T struct result_lost
static const struct json_field lost_fields[] = {INT(T, id), NUM(T, acked_at_s), TEXT(T, region), TEXT(T, when),
                                               ADDED(T, JB_TEXT, key), ADDED(T, JB_TEXT, value), ADDED(T, JB_TEXT, class)};
SHAPE(lost, T);
#undef T

#define T struct result_ledger
static const struct json_field ledger_fields[] = {
    TEXT(T, file), TEXT(T, chain_sha256), INT(T, write_count), INT(T, acked_count), INT(T, failed_count),
    INT(T, unknown_count), INT(T, lost_before_count), INT(T, lost_after_count), INT(T, gone_count),
    INT(T, stranded_count), INT(T, landed_count), INT(T, vanished_count), INT(T, contradicted_count),
    INT(T, foreign_count), INT(T, duplicated_count), INT(T, corrupt_count), INT(T, conflicting_count),
    ADDED(T, JB_INT, lost_most_count), FLAG(T, final_read_complete), TEXTS(T, regions_read), LIST(T, lost, lost), FLAG(T, lost_truncated)};
SHAPE(ledger, T);
#undef T

#define T struct result_drift_gateway
static const struct json_field drift_gateway_fields[] = {TEXT(T, gateway), TEXT(T, status), TEXT(T, fingerprint)};
SHAPE(drift_gateway, T);
#undef T

#define T struct result_drift
static const struct json_field drift_fields[] = {LIST(T, gateways, drift_gateway), JSON(T, patch),
                                                 JSON(T, undo_patch)};
SHAPE(drift, T);
#undef T

#define T struct result_crosscheck
static const struct json_field crosscheck_fields[] = {
    FLAG(T, requested), FLAG(T, agrees), NUM(T, lower_s), NUM(T, upper_s), NUM(T, interval_ms), NUM(T, difference_ms),
    NUM(T, allowed_ms), TEXT(T, detail)};
SHAPE(crosscheck, T);
#undef T

#define T struct result_selftest
static const struct json_field selftest_fields[] = {TEXT(T, mode), NUM(T, gap_ms), INT(T, outages), INT(T, inside),
                                                    NUM(T, worst_excess_ms), NUM(T, allowed_ms)};
SHAPE(selftest, T);
#undef T

#define T struct result_quality
static const struct json_field quality_fields[] = {
    FLAG(T, valid), FLAG(T, selftest_ok), NUM(T, probe_interval_ms), NUM(T, injection_width_ms), NUM(T, baseline_s),
    NUM(T, hold_s), NUM(T, max_slip_ms), NUM(T, max_stall_ms), INT(T, suspect_count), INT(T, harness_error_count),
    FLAG(T, suspended), NUM(T, clock_slew_ppm), NUM(T, replication_lag_ms), INT(T, exposure_write_count),
    NUM(T, unknown_ratio), INT(T, wire_overflow_count),
    PART_ADDED(T, crosscheck, crosscheck, has_crosscheck), LIST_ADDED(T, selftest, selftest)};
SHAPE(quality, T);
#undef T

#define T struct result_surge
static const struct json_field surge_fields[] = {
    INT(T, fault_id), INT(T, planned_count), INT(T, offered_count), INT(T, sent_count), INT(T, good_count), INT(T, bad_count),
    INT(T, unsent_count), INT(T, returned_count), NUM(T, amplification_ratio)};
SHAPE(surge, T);
#undef T

#define T struct result_history
static const struct json_field history_fields[] = {TEXT(T, file), INT(T, line), TEXT(T, previous_run_id),
                                                   TEXT(T, previous_line_sha256), INT(T, comparable_count),
                                                   ADDED(T, JB_TEXT, before_run_id),
                                                   ADDED(T, JB_TEXT, before_manifest_sha256)};
SHAPE(history, T);
#undef T

#define T struct result
static const struct json_field result_fields[] = {
    INT(T, schema_version), PART(T, tool, tool), PART(T, run, run), PART(T, clock, clock),
    PART(T, scenario, scenario), PART(T, host, host), PART(T, lab, lab), LIST(T, mechanisms, mechanism),
    LIST(T, phases, phase), LIST(T, faults, fault), LIST(T, events, event), LIST(T, objectives, objective),
    LIST(T, checks, check), PART(T, measures, measures), PART(T, requests, requests),
    PART_IF(T, ledger, ledger, has_ledger), PART_IF(T, drift, drift, has_drift), PART(T, quality, quality),
    PART(T, history, history), LIST_ADDED(T, surges, surge), TEXTS(T, limits)};
const struct json_shape result_shape = {result_fields, array_len(result_fields), sizeof(T)};
#undef T

struct any_list {
    char *at;
    size_t len, cap;
};

static void round_numbers(const struct json_shape *shape, void *of)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct json_field *f = &shape->fields[i];
        void *member = (char *)of + f->offset;
        if (f->kind == JB_NUMBER) {
            double *x = member, scaled = round(*x * 1e9);
            if (fabs(scaled) < 9e15)
                *x = scaled / 1e9 == 0 ? 0 : scaled / 1e9; /* no minus zero */
            else if (!isnan(*x) && isinf(*x))
                *x = NAN;
        } else if (f->kind == JB_OBJECT) {
            round_numbers(f->of, member);
        } else if (f->kind == JB_LIST) {
            const struct any_list *list = member;
            for (size_t k = 0; k < list->len; k++)
                round_numbers(f->of, list->at + k * f->of->size);
        }
    }
}

void result_round(struct result *r)
{
    round_numbers(&result_shape, r);
}
