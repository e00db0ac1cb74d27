/* SPDX-License-Identifier: MIT */
/*
 * The lines of timeline.jsonl: one JSON object per event, integer ns of run time. Only the conductor writes it.
 *
 *     {"seq":3611,"kind":"fault.proof","due_ns":..,"at_ns":..,"end_ns":..,"subject":"us-east","outcome":"ok","code":0,
 *      "detail":"pidfd","crc":"1f3a90c4"}
 *
 * (in one line). The first line is the header (kind "header": format = EVENT_FORMAT, scenario hash, hash of plan.yaml,
 * seed, host, capabilities, wall time at zero, argv in `data`). crc is the CRC-32C, eight hex digits, of all bytes of
 * the line before `,"crc":`. The last line seals the other files (seal.h). A torn last line is ignored. at_ns..end_ns
 * bracket what happened; due_ns is when the plan wanted it (for observations: the send of the last poll that did not
 * show it yet), 0 where there is no such thing.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>

#define EVENT_FORMAT 2

/* kind                 subject           what the numbers say; data */
#define EVENT_KINDS(X)                                                                                                \
    X(HEADER, "header")              /* first line */                                                                 \
    X(PHASE_BEGIN, "phase.begin")    /* subject: name of the phase */                                                 \
    X(PHASE_END, "phase.end")                                                                                         \
    X(SCENARIO_ZERO, "scenario.zero")/* at_ns: run time of scenario time 0 */                                         \
    X(MECHANISM, "mechanism")        /* subject: effect; detail: why; data {"name"} */                                \
    X(FAULT_APPLY, "fault.apply")    /* code: fault id; at..end = t_ib..t_ie; data {"mechanism"} */                   \
    X(FAULT_PROOF, "fault.proof")    /* code: fault id; at = t_v; outcome proven|refuted|unproven; detail: method */  \
    X(FAULT_LAPSE, "fault.lapse")    /* code: fault id; the fault was no longer in force */                           \
    X(FAULT_HEAL, "fault.heal")      /* code: fault id; at..end = t_hb..t_he; data {"ended_by"}; detail: an error */   \
    X(HEAL_PROOF, "heal.proof")      /* code: fault id; as fault.proof */                                             \
    X(ACTION, "action")              /* code: step id of an operator action */                                        \
    X(NODE, "node")                  /* subject: node; detail: started|ready|exited|killed|stopped|continued */       \
    X(OBSERVED, "observed")          /* subject: node; detail: what changed; data: the new status; due = send of the  \
                                        last poll without it, at = send of the first with it, end = its completion */ \
    X(POSITION, "position")          /* subject: origin node; code: applied lsn; due/at/end as observed */            \
    X(BASELINE, "baseline")          /* outcome met|missed; data: intended, good, p50_ms, p95_ms, p99_ms */           \
    X(CLOCK, "clock")                /* detail: start|inject|heal|end; data: wall_ns, mono_ns, raw_ns, boot_ns */     \
    X(HARNESS, "harness")            /* outcome error|warning; detail */                                              \
    X(CANARY, "canary")              /* subject: path; data: baseline delay, loss */                                  \
    X(CONVERGE, "converge")          /* one poll of all live regions: outcome equal|different|unreachable; data */    \
    X(LIMIT, "limit")                /* detail: a sentence saying what this run does not show */                      \
    X(RESIDUE, "residue")            /* subject: before, or none after it all; outcome clean|dirty; detail */         \
    X(ABORT, "abort")                /* detail: signal or abort condition */                                          \
    X(DRIFT, "drift")                /* subject: gateway; data: desired and running configuration at that moment */   \
    X(SELFTEST, "selftest")          /* outcome met|missed|skipped; detail; data {"form", "at", "rows"} */            \
    X(WIRE, "wire")                  /* outcome late: at..end, a frame waited that much beyond its instant;           \
                                        ok|overflow: the books at the end; code: frames lost though nobody asked;     \
                                        data: counts */                                                               \
    X(SURGE, "surge")                /* code: step id; outcome complete|cut; data: what became of the extra load, see \
                                        SURGE_TALLY in harness/load/surge.h, and {"amplification"}: sent / offered */ \
    X(END, "end")                    /* the last line; outcome completed|void|interrupted|unfit;                      \
                                        data {"scenario_sha256", "seals"} */

enum event_kind {
#define X(name, word) EVENT_##name,
    EVENT_KINDS(X)
#undef X
        EVENT_KIND_COUNT
};
extern const char *const event_words[EVENT_KIND_COUNT];

struct event {
    enum event_kind kind;
    int64_t seq; /* 0 the header, then 1.. */
    int64_t due_ns, at_ns, end_ns;
    const char *subject, *outcome, *detail; /* NULL where empty */
    int64_t code;
    json_t *data; /* NULL or an object; borrowed */
};
