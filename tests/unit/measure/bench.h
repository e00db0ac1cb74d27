/* SPDX-License-Identifier: MIT */
/*
 * A drill on paper: a world of two regions and one vantage, a plan that a test adds to, and evidence in memory.
 *
 * bench_init gives what every run has when all went well; a test takes away or adds what it is about, then bench_run
 * measures it. Instants of the helpers are milliseconds of run time, as in the worked examples.
 */
#pragma once
#include "harness/base/units.h"
#include "harness/base/vec.h"
#include "harness/measure/measure.h"
#include "harness/measure/study.h"

#include <math.h>

enum { EAST, WEST, CLIENTS, WITNESS };
enum { GATEWAY_EAST, ORIGIN_EAST, GATEWAY_WEST, ORIGIN_WEST, CLIENT, WITNESS_NODE };
#define BENCH_SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define MS(x) ((int64_t)((x)*1e6 + 0.5))
#define NEVER (-1.0)

struct bench {
    struct plan plan;
    struct topology topology;
    struct plan_stream streams[8];
    struct plan_patrol patrols[4];
    struct plan_step steps[8];
    struct plan_target targets[TARGET_KEYS];
    struct evidence ev;
    vec_of(struct sample) samples;
    vec_of(struct sample) stalls;
    vec_of(struct sample) switches;
    vec_of(struct sample) patrol_samples;
    vec_of(struct event) events;
    vec_of(struct ledger_record) ledger;
    vec_of(struct cross_record) cross;
    vec_of(struct cross_record) cross_changes;
    struct result *result;
};

void bench_init(struct bench *b);
void bench_deinit(struct bench *b);

uint16_t bench_stream(struct bench *b, enum stream_kind kind, double rate, double timeout_ms);
void bench_target(struct bench *b, enum target_key key, int64_t value);
/* A fault with apply and proof; heal_ms NEVER leaves it open. Its step is returned. */
struct plan_step *bench_fault(struct bench *b, const char *verb, double ib, double ie, double hb, double he,
                              double hold_ms);
/* A request: good, or bad in the given way; region EAST until told otherwise. */
struct sample *bench_sample(struct bench *b, uint16_t stream, uint64_t k, double planned, double sent, double done,
                            enum outcome outcome);
/* Somebody's key at a gateway, and a request with it: a status, or 0 for no answer. */
uint16_t bench_patrol(struct bench *b, enum caller who, uint16_t gateway, double rate);
void bench_visit(struct bench *b, uint16_t patrol, uint64_t k, double sent, double done, int status);
/* A step without events. */
struct plan_step *bench_step(struct bench *b, const char *verb, double at);
/* The run was asked for a cross-check and has a whole record of it. */
void bench_crosscheck(struct bench *b);
/* A request of the second prober of the vantage; endpoint changes of either prober's client. */
struct cross_record *bench_cross(struct bench *b, uint64_t k, double planned, double sent, double done,
                                 enum outcome outcome);
void bench_change(struct bench *b, bool second, double at, uint16_t node);
void bench_stall(struct bench *b, double due, double woke);
struct event *bench_event(struct bench *b, enum event_kind kind, double at, double end, const char *subject,
                          const char *outcome, int64_t code);
struct event *bench_find(struct bench *b, enum event_kind kind, const char *detail); /* NULL; detail NULL: any */
void bench_drop(struct bench *b, enum event_kind kind);                              /* every event of the kind */
json_t *bench_json(const char *format, ...) __attribute__((format(printf, 1, 2)));   /* printf to JSON */

void bench_write(struct bench *b, uint16_t client, uint64_t seq, double inv, double ack, enum write_outcome outcome);
/* A whole final read, recorded twice, of those ops of client 0 for which has() is true. */
void bench_reads(struct bench *b, uint16_t region, enum ledger_pass pass, const bool *has, size_t n);
void bench_all_reads(struct bench *b, const bool *has, size_t n); /* gateway, both regions, both passes */

/* Measure; the result belongs to the bench. */
struct result *bench_run(struct bench *b);
const struct result_objective *bench_objective(const struct bench *b, const char *name);
const struct result_check *bench_check(const struct bench *b, const char *name);

#define CU_ASSERT_NEAR(is, wanted) CU_ASSERT_DOUBLE_EQUAL(is, wanted, 1e-9)
#define CU_ASSERT_WORD(is, wanted) CU_ASSERT(text_eq((is), (wanted)))
