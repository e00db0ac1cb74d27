/* SPDX-License-Identifier: MIT */
/*
 * result.json as a table: one row per key, in the order of the contract, bound to the member of the same name.
 *
 * Both directions walk it, so a key that is written is read, and a member that is renamed does not compile. What a row
 * says about its key is all that `explain`, drtest-result(5) and the JSON Schema know of it.
 */
#include "harness/measure/result_shape.h"

#include "harness/base/json_rows.h"
#include "harness/measure/result_words.h"

/* clang-format off */
#define T struct result_tool
static const struct json_field tool_fields[] = {
    TEXT(name, "always drtest", SURE),
    TEXT(version, "version of drtest", SURE),
    TEXT(commit, "commit that it was built from"),
    TEXT(build_flags, "kind of build"),
    TEXT(sha256, "digest of the program"),
};
SHAPE(tool, T);
#undef T

#define T struct result_run
static const struct json_field run_fields[] = {
    TEXT(id, "name of the run and of its directory"),
    TEXT(suite, "suite that the run belongs to"),
    INT(repeat_index, "which of the repeats this is, from 1", SURE),
    INT(repeat_count, "how many repeats were asked for", SURE),
    TEXT(started_at, "wall clock at run time 0"),
    TEXT(ended_at, "wall clock at the last event"),
    NUM(duration_s, "run time of the last event"),
    TEXT(status, "how far the run came, and whether it counts", SURE, .means = status_means),
    VERDICT(verdict, "missed if any objective is, else inconclusive if any objective or check is, else met"),
    TEXT(reason, "first objective or check that decided the verdict; null when met"),
    INT(met_count, "objectives that are met", SURE),
    INT(missed_count, "objectives that are missed", SURE),
    INT(inconclusive_count, "objectives that drtest could not decide", SURE),
    INT(skipped_count, "objectives that were not judged", SURE),
    INT(exit_code,
        "of this run alone: 0 met, 1 missed, 4 inconclusive, 5 unfit, 128 and the signal if interrupted", SURE),
    INT(seed, "random numbers of the run came from it; the same seed gives the same plan", SURE),
    TEXTS(command, "the command line"),
    NUM(abort_s,
        "from the order to stop until the last open fault was healed; null where nothing stopped the run", LATER),
};
SHAPE(run, T);
#undef T

#define T struct result_clock
static const struct json_field clock_fields[] = {
    TEXT(id, "which clock run time is: CLOCK_MONOTONIC of the host", SURE),
    TEXT(zero_at, "wall clock at run time 0"),
    NUM(scenario_zero_s, "run time at which scenario time 0 was; null if the steady state was not reached"),
};
SHAPE(clock, T);
#undef T

#define T struct result_scenario
static const struct json_field scenario_fields[] = {
    TEXT(name, "name of the scenario"),
    TEXT(title, "one line for people"),
    TEXT(description, "more for people"),
    TEXT(owner, "who answers for it"),
    TEXTS(tags, "words to select it by"),
    TEXT(file, "path as it was given"),
    TEXT(sha256, "digest of the file and of what was overridden"),
    TEXT(targets_sha256, "digest of the targets, taken before the start"),
};
SHAPE(scenario, T);
#undef T

#define T struct result_host
static const struct json_field host_fields[] = {
    TEXT(hostname, "name of the machine"),
    TEXT(kernel, "release of its kernel"),
    TEXT(os, "its operating system"),
    TEXT(arch, "its architecture"),
    INT(cpu_count, "its processors"),
    INT(memory_bytes, "its memory"),
    FLAG(rootless, "whether the run had no privilege"),
    TEXT(clocksource, "what the kernel keeps time by"),
};
SHAPE(host, T);
#undef T

#define T struct result_lab
static const struct json_field lab_fields[] = {
    TEXT(kind, "what the drill ran in", .means = lab_means),
    TEXTS(regions, "regions of the topology"),
    TEXTS(vantages, "places where clients sit"),
    INT(node_count, "nodes of the topology"),
    TEXT(system_sha256, "digest of the system under test: its program or model"),
    TEXT(config_sha256, "digest of its configuration"),
    TEXTS(forced, "mechanisms that were forced, each as EFFECT=NAME", LATER),
};
SHAPE(lab, T);
#undef T

#define T struct result_mechanism
static const struct json_field mechanism_fields[] = {
    TEXT(effect, "what was to be brought about; readers accept words that they do not know"),
    TEXT(name, "how it was brought about; readers accept words that they do not know"),
    TEXT(why, "why in this way"),
};
SHAPE(mechanism, T);
#undef T

#define T struct result_blast
static const struct json_field blast_fields[] = {
    TEXTS(regions, "regions that have a node among those hit"),
    TEXTS(nodes, "nodes that are hit"),
    TEXTS(links, "links that are hit, by their ends"),
    TEXTS(vantages, "vantages at home in such a region, at the end of such a link, or that send a surge"),
};
SHAPE(blast, T);
#undef T

#define T struct result_phase
static const struct json_field phase_fields[] = {
    TEXT(name, "name of the phase", SURE, .means = phase_means),
    NUM(begin_s, "run time of its begin"),
    NUM(end_s, "run time of its end; null if it was not reached"),
};
SHAPE(phase, T);
#undef T

#define T struct result_proof
static const struct json_field proof_fields[] = {
    TEXT(verdict, "what the proof says", SURE, .means = proof_means),
    TEXT(method, "what was looked at, and what it showed", SURE),
    NUM(at_s, "run time at which it was seen"),
    INT(seq, "its line in timeline.jsonl"),
};
SHAPE(proof, T);
#undef T

#define T struct result_fault
static const struct json_field fault_fields[] = {
    INT(id, "number of the step in the plan", SURE),
    {.name = "do", .kind = JB_TEXT, .offset = offsetof(T, do_), .doc = "the verb"},
    TEXTS(subject, "what it hit: regions, nodes, or the ends of links"),
    JSON(params, "the other keys of the step, spelled as in the scenario", .schema = "{\"type\": \"object\"}"),
    INT(line, "line of the step in the scenario"),
    NUM(planned_s, "scenario time for which it was planned"),
    NUM(t_ib_s, "run time before the injecting call; null if it was never applied"),
    NUM(t_ie_s, "run time after its confirmed completion"),
    NUM(t_hb_s, "run time before the healing call; null if nothing healed it"),
    NUM(t_he_s, "run time after its confirmed completion"),
    TEXT(ended_by, "what ended it", SURE, .means = ended_by_means),
    TEXT(mechanism, "how it was brought about"),
    PART(proof, proof, "whether the fault was in force, by a second witness"),
    PART_IF(heal_proof, proof, has_heal_proof, "the same for the heal; null where there was none"),
};
SHAPE(fault, T);
#undef T

#define T struct result_event
static const struct json_field event_fields[] = {
    TEXT(name, "what happened", SURE, .means = event_means),
    NUM(t_s, "run time at which it was seen"),
    TEXT(subject, "where"),
};
SHAPE(event, T);
#undef T

#define T struct result_evidence
static const struct json_field evidence_fields[] = {
    TEXT(file, "file of the run directory"),
    INT(seq, "number of the record or line in it"),
    TEXT(what, "what it shows"),
};
SHAPE(evidence, T);
#undef T

#define T struct result_objective
static const struct json_field objective_fields[] = {
    TEXT(name, "key of the target", SURE),
    TEXT(title, "the promise in words", SURE),
    TEXT(direction, "which side of the target is good", SURE, .means = direction_means),
    NUM(target, "what was promised", SURE),
    NUM(achieved_lower, "lower end of what was achieved; null is open or not measured"),
    NUM(achieved_upper, "upper end of what was achieved; null is open or not measured"),
    TEXT(unit, "unit of the numbers of this objective", SURE, .means = unit_means),
    NUM(resolution, "how finely this run could tell"),
    NUM(floor, "least value that the configuration alone explains"),
    NUM(floor_mean, "mean value that the configuration alone explains"),
    NUM(floor_max, "largest value that the configuration alone explains"),
    NUM(efficiency, "floor_mean over the upper end: near 1 only other settings make it better", LATER),
    NUM(excess, "upper end less floor_max: time that the configuration does not explain", LATER),
    VERDICT(verdict, "by the interval alone, then by what keeps it from being believed"),
    TEXT(reason, "why it is not met; null when it is"),
    TEXT(method, "what it was measured from", SURE, .means = method_means),
    TEXT(recovered_by,
        "what brought service back; null where there was nothing to recover from", .means = recovered_by_means),
    INT(fault_id, "number of the fault that decided"),
    TEXTS(flags, "what a reader of the number should know", .means = flag_means),
    FLAG(implied, "whether the target follows from another one and is not written down"),
    INT(line, "line of the target in its file; 0 where --set gave it"),
    INT(column, "its column"),
    TEXT(file, "file of that line, such as the suite; null is the scenario itself", LATER),
    TEXT(assignment, "what --set said where it gave the target, else null", LATER),
    LIST(evidence, evidence, "records that decided"),
};
SHAPE(objective, T);
#undef T

#define T struct result_check
static const struct json_field check_fields[] = {
    TEXT(name, "what was checked", SURE, .means = check_means),
    VERDICT(verdict, "met or inconclusive, never missed"),
    TEXT(detail, "the first thing found wrong, or what was found right"),
};
SHAPE(check, T);
#undef T

#define T struct result_measures
#define X(member, doc) NUM(member, doc),
#define I(member, doc) INT(member, doc),
#define A(member, doc) NUM(member, doc, LATER),
static const struct json_field measures_fields[] = {RESULT_MEASURES(X, I, A)};
SHAPE(measures, T);
#undef A
#undef I
#undef X
#undef T

#define T struct result_vantage
static const struct json_field vantage_fields[] = {
    TEXT(vantage, "name of the vantage"),
    INT(intended_count, "requests planned", SURE),
    INT(good_count, "good ones", SURE),
    INT(bad_count, "all others", SURE),
    NUM(rto_lower_s, "recovery time that these clients saw, lower end"),
    NUM(rto_upper_s, "recovery time that these clients saw, upper end; null is open"),
    TEXT(dns, "how its clients take answers of the traffic manager; null: there is none", LATER, .means = dns_means),
};
SHAPE(vantage, T);
#undef T

#define T struct result_requests
static const struct json_field requests_fields[] = {
    INT(intended_count, "requests planned", SURE),
    INT(sent_count, "requests that left", SURE),
    INT(good_count, "answered right and in time", SURE),
    INT(bad_count, "all others: the sum of those below", SURE),
    INT(refused_count, "connection refused or unreachable", SURE),
    INT(reset_count, "connection broke, or the answer was cut short", SURE),
    INT(timeout_count, "no answer within the time-out", SURE),
    INT(http_status_count, "a status that says no", SURE),
    INT(late_count, "answered right, but later than the time-out counted from the planned send", SURE),
    INT(wrong_count, "answered with something else than what was asked for", SURE),
    INT(unsent_count, "stopped on our side", SURE),
    INT(tls_count, "no secure connection: the handshake failed or the certificate was not accepted", LATER),
    LIST(by_vantage, vantage, "the same by place of the clients"),
};
SHAPE(requests, T);
#undef T

#define T struct result_lost
static const struct json_field lost_fields[] = {
    INT(id, "number of the write"),
    NUM(acked_at_s, "run time at which it was acknowledged"),
    TEXT(region, "region that acknowledged it"),
    TEXT(when, "on which side of the fault it was acknowledged", .means = when_means),
    TEXT(key, "its key as the store has it", LATER),
    TEXT(value, "its value as the store has it", LATER),
    TEXT(class, "whether it is anywhere", .means = class_means, LATER),
    FLAG(set_aside, "whether a store said that it had set it aside", LATER),
};
SHAPE(lost, T);
#undef T

#define T struct result_ledger
static const struct json_field ledger_fields[] = {
    TEXT(file, "where the writes are recorded"),
    TEXT(chain_sha256, "digest that ends the chain of records"),
    INT(write_count, "writes sent", SURE),
    INT(acked_count, "acknowledged", SURE),
    INT(failed_count, "provably not applied", SURE),
    INT(unknown_count, "may or may not have happened", SURE),
    INT(lost_before_count, "acknowledged before the fault, and lost"),
    INT(lost_after_count, "acknowledged while the fault held, and lost"),
    INT(gone_count, "lost, and in no store any more", SURE),
    INT(stranded_count, "lost, but still in some store", SURE),
    INT(landed_count, "unknown, and found", SURE),
    INT(vanished_count, "unknown, and not found", SURE),
    INT(contradicted_count, "told to have failed, and yet found", SURE),
    INT(foreign_count, "found, though nobody sent it", SURE),
    INT(duplicated_count, "writes that are stored more than once", SURE),
    INT(corrupt_count, "found with another key or value", SURE),
    INT(conflicting_count, "keys with the same version and different writes in different regions", SURE),
    INT(lost_most_count, "upper end of what may be lost: acknowledged and unknown ones that were not found", LATER),
    INT(set_aside_count, "writes that stores said they had set aside, each once; null if none told", LATER),
    INT(recoverable_count, "of the lost: set aside by some store", LATER),
    INT(traceless_count, "of the lost: in no log and not set aside; null unless every store told", LATER),
    INT(set_aside_kept_count, "set aside, acknowledged and yet in every final read", LATER),
    INT(set_aside_unacked_count, "set aside, and never acknowledged", LATER),
    INT(set_aside_foreign_count, "set aside, and no write of ours or not as it was sent", LATER),
    TEXTS(set_aside_regions, "regions whose store told what it had set aside", LATER),
    FLAG(final_read_complete, "whether everything stored was read, before and after the restart"),
    TEXTS(regions_read, "regions whose store was read"),
    LIST(lost, lost, "lost writes, at most 1000"),
    FLAG(lost_truncated, "whether there are more"),
};
SHAPE(ledger, T);
#undef T

#define T struct result_drift_gateway
static const struct json_field drift_gateway_fields[] = {
    TEXT(gateway, "name of the gateway"),
    TEXT(status, "how it ran when it last differed, else at the end", .means = drift_means),
    TEXT(fingerprint, "digest of the configuration that it ran"),
    TEXT(kind, "of which kind the drift was, as the gateway said last; null where it never said",
         .means = drift_kind_means, LATER),
};
SHAPE(drift_gateway, T);
#undef T

#define PATCH "{\"type\": [\"array\", \"null\"]}"
#define T struct result_drift
static const struct json_field drift_fields[] = {
    LIST(gateways, drift_gateway, "each gateway that was seen"),
    JSON(patch, "from what is desired to what ran at the first gateway that differed, RFC 6902", .schema = PATCH),
    JSON(undo_patch, "the way back", .schema = PATCH),
};
SHAPE(drift, T);
#undef T

#define T struct result_crosscheck
static const struct json_field crosscheck_fields[] = {
    FLAG(requested, "whether it was asked for"),
    FLAG(agrees, "whether it confirms the first prober"),
    NUM(lower_s, "its recovery time, lower end"),
    NUM(upper_s, "its recovery time, upper end; null is open"),
    NUM(interval_ms, "its largest probe interval"),
    NUM(difference_ms, "how far the upper ends are apart, where least was left of what is allowed"),
    NUM(allowed_ms, "how far they may be apart there"),
    TEXT(detail, "the same in words"),
};
SHAPE(crosscheck, T);
#undef T

#define T struct result_selftest
static const struct json_field selftest_fields[] = {
    TEXT(mode, "what was done to the clients"),
    NUM(gap_ms, "probe interval"),
    INT(outages, "scripted outages measured"),
    INT(inside, "those whose truth lay within what was measured"),
    NUM(worst_excess_ms, "upper end over the truth, of the outage that came closest to its limit"),
    NUM(allowed_ms, "the limit there; null for rows without an upper end"),
};
SHAPE(selftest, T);
#undef T

#define T struct result_quality
static const struct json_field quality_fields[] = {
    FLAG(valid, "no check voided the run"),
    FLAG(selftest_ok, "this program passed its self-test on this host and kernel; waived for the model"),
    NUM(probe_interval_ms, "longest time between two requests of one deciding client"),
    NUM(injection_width_ms, "longest time that an injecting call took to its confirmation"),
    NUM(baseline_s, "how long the steady state held"),
    NUM(hold_s, "how long service had to stay good to count as recovered"),
    NUM(max_slip_ms, "how late the latest request left"),
    NUM(max_stall_ms, "how late a process of ours woke at most"),
    INT(suspect_count, "requests that were bad only because we were late"),
    INT(harness_error_count, "requests that drtest could not send, records that are missing, and errors of its own"),
    FLAG(suspended, "whether the host was suspended meanwhile"),
    NUM(clock_slew_ppm, "how far the clock was slewed"),
    NUM(replication_lag_ms, "median time from an acknowledgement to the standby, before the fault"),
    INT(exposure_write_count,
        "writes acknowledged just before a fault that cuts off stores; with none, none could be lost"),
    NUM(unknown_ratio, "share of writes just before such a fault whose outcome is unknown"),
    INT(wire_overflow_count, "frames that the wire lost though nobody asked"),
    PART_IF(crosscheck, crosscheck, has_crosscheck,
        "what the second prober of --crosscheck says; null unless it ran", LATER),
    LIST(selftest, selftest, "the self-test that the run relied on, truth against measurement", LATER),
};
SHAPE(quality, T);
#undef T

#define T struct result_surge
static const struct json_field surge_fields[] = {
    INT(fault_id, "number of the step"),
    INT(planned_count, "requests planned"),
    INT(offered_count, "requests sent at least once"),
    INT(sent_count, "attempts, repeats included"),
    INT(good_count, "good ones"),
    INT(bad_count, "all others"),
    INT(unsent_count, "stopped on our side"),
    INT(returned_count, "requests of the herd that came back after the fault"),
    NUM(amplification_ratio, "attempts per request offered"),
};
SHAPE(surge, T);
#undef T

#define T struct result_stop
static const struct json_field stop_fields[] = {
    INT(fault_id, "number of the step"),
    INT(under_way_count, "requests let in, sent before the last of its gateways was gone and over after it was told"),
    INT(answered_count, "those that got an answer"),
    INT(cut_count, "those that broke off"),
    INT(unanswered_count, "those that got none in time"),
};
SHAPE(stop, T);
#undef T

#define T struct result_history
static const struct json_field history_fields[] = {
    TEXT(file, "the history file, as seen from the run directory"),
    INT(line, "line of this run in it"),
    TEXT(previous_run_id, "run before of the same scenario"),
    TEXT(previous_line_sha256, "digest of the line before, whatever it is about"),
    INT(comparable_count, "earlier runs with the same program, scenario, system and configuration"),
    TEXT(before_run_id, "run of the line before", LATER),
    TEXT(before_manifest_sha256, "digest of its manifest; drtest verify looks whether it still is", LATER),
};
SHAPE(history, T);
#undef T

#define T struct result_change
static const struct json_field change_fields[] = {
    TEXT(name, "the objective"),
    TEXT(unit, "of the numbers of this row", .means = unit_means),
    TEXT(change, "what the intervals allow to say", SURE, .means = change_means),
    NUM(earlier_lower, "lower end of the earlier run"),
    NUM(earlier_upper, "upper end of the earlier run; null if open"),
    NUM(shift_lower, "how much worse this run is at least, negative is better; null if an end is open"),
    NUM(shift_upper, "how much worse this run is at most, negative is better; null if an end is open"),
};
SHAPE(change, T);
#undef T

#define T struct result_comparison
static const struct json_field comparison_fields[] = {
    TEXT(with, "which earlier run this is", SURE, .means = with_means),
    TEXT(source, "the file that told of it"),
    TEXT(run_id, "its run id"),
    TEXT(started_at, "wall clock at which it began"),
    TEXT(left_out, "why nothing is compared; null where it is"),
    TEXTS(differs, "which digests are others: drtest, scenario, target system, configuration"),
    LIST(objectives, change, "the objectives that both have"),
};
SHAPE(comparison, T);
#undef T

#define T struct result
static const struct json_field result_fields[] = {
    INT(schema_version, "version of the format, 1", SURE),
    PART(tool, tool, "the drtest that ran it"),
    PART(run, run, "the run and its verdict"),
    PART(clock, clock, "what run time is"),
    PART(scenario, scenario, "what was drilled"),
    PART(host, host, "the machine"),
    PART(lab, lab, "the world that was built"),
    PART_IF(blast_radius, blast, has_blast_radius,
        "what the faults of the plan may touch; null in older results", LATER),
    LIST(mechanisms, mechanism, "how effects were brought about on this machine"),
    LIST(phases, phase, "phases of the run, in order"),
    LIST(faults, fault, "steps of the timeline that break something"),
    LIST(events, event, "moments of the recovery"),
    LIST(objectives, objective, "the promises, one per target"),
    LIST(checks, check, "what must hold for the numbers to be believed; none when the machine was unfit"),
    PART(measures, measures, "every measured value, promised or not"),
    PART(requests, requests, "requests of the window that availability is measured over"),
    PART_IF(ledger, ledger, has_ledger, "what became of the writes; null without writes"),
    PART_IF(drift, drift, has_drift, "configuration of the gateways; null where none was seen to drift"),
    PART(quality, quality, "how well drtest measured"),
    PART(history, history, "where the run stands among the others"),
    LIST(surges, surge, "extra load of surge steps, part of no other number", LATER),
    LIST(stops, stop, "requests that were under way at gateways while a stop let them leave", LATER),
    LIST(comparisons, comparison, "the run beside earlier ones; no part of any verdict", LATER),
    TEXTS(limits, "what the run does not show, in sentences"),
};
const struct json_shape result_shape = {result_fields, array_len(result_fields), sizeof(T)};
#undef T
/* clang-format on */

const struct json_doc result_doc = {.file = "result.json",
                                    .summary = "What a run found, made from its evidence alone.",
                                    .shape = &result_shape,
                                    .version = 1,
                                    .bare = true};
