/* SPDX-License-Identifier: MIT */
/* The drill on paper. Evidence is what it is in memory after loading; JSON of events is freed with the bench. */
#include "tests/unit/measure/bench.h"

#include "harness/base/text.h"
#include "harness/base/vec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct topo_site sites[] = {
    {.name = "us-east", .kind = SITE_REGION, .role = REGION_PRIMARY, .first_node = 0, .node_count = 2, .gateways = 1,
     .origins = 1},
    {.name = "eu-west", .kind = SITE_REGION, .role = REGION_STANDBY, .first_node = 2, .node_count = 2, .gateways = 1,
     .origins = 1},
    {.name = "clients", .kind = SITE_VANTAGE, .first_node = 4, .node_count = 1},
    {.name = "witness", .kind = SITE_WITNESS, .first_node = 5, .node_count = 1},
};
static struct topo_node nodes[] = {
    {.name = "us-east/1", .role = NODE_GATEWAY, .site = EAST, .number = 1},
    {.name = "us-east/origin-1", .role = NODE_ORIGIN, .site = EAST, .number = 1},
    {.name = "eu-west/1", .role = NODE_GATEWAY, .site = WEST, .number = 1},
    {.name = "eu-west/origin-1", .role = NODE_ORIGIN, .site = WEST, .number = 1},
    {.name = "clients/1", .role = NODE_CLIENT, .site = CLIENTS, .number = 1},
    {.name = "witness/1", .role = NODE_WITNESS, .site = WITNESS, .number = 1},
};
static struct topo_link links[] = {{.a = EAST, .b = WEST}, {.a = EAST, .b = CLIENTS}, {.a = WEST, .b = CLIENTS},
                                   {.a = EAST, .b = WITNESS}, {.a = WEST, .b = WITNESS}};
static uint16_t endpoints[] = {GATEWAY_EAST, GATEWAY_WEST};

static const struct action_type types[] = {
    {.verb = "kill", .class = ACTION_FAULT, .severing = true, .proven_once = true},
    {.verb = "stop", .class = ACTION_FAULT, .severing = true, .proven_once = true},
    {.verb = "freeze", .class = ACTION_FAULT, .severing = true},
    {.verb = "partition", .class = ACTION_FAULT, .severing = true},
    {.verb = "degrade", .class = ACTION_FAULT},
    {.verb = "drift", .class = ACTION_FAULT, .proven_once = true},
    {.verb = "tls", .class = ACTION_FAULT, .severing = true},
    {.verb = "nothing", .class = ACTION_NOTHING},
    {.verb = "fail_over", .class = ACTION_OPERATOR},
    {.verb = "revoke", .class = ACTION_OPERATOR, .of_identity = true},
};

static const struct action_type *type_of(const char *verb)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (text_eq(types[i].verb, verb))
            return &types[i];
    return NULL;
}

json_t *bench_json(const char *format, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return json_loads(text, JSON_DECODE_ANY, NULL);
}

struct event *bench_event(struct bench *b, enum event_kind kind, double at, double end, const char *subject,
                          const char *outcome, int64_t code)
{
    struct event *e = vec_push(&b->events);
    *e = (struct event){.kind = kind, .seq = (int64_t)b->events.len - 1, .at_ns = MS(at), .end_ns = MS(end),
                        .subject = subject, .outcome = outcome, .code = code};
    return e;
}

static void clock_event(struct bench *b, double at, const char *when)
{
    struct event *e = bench_event(b, EVENT_CLOCK, at, at, NULL, NULL, 0);
    e->detail = when;
    e->data = bench_json("{\"wall_ns\":%lld,\"mono_ns\":%lld,\"raw_ns\":%lld,\"boot_ns\":%lld}",
                         (long long)(MS(at) + 1767247200000000000), (long long)MS(at), (long long)MS(at),
                         (long long)MS(at));
}

void bench_init(struct bench *b)
{
    *b = (struct bench){0};
    b->topology = (struct topology){.name = "test", .sites = sites, .nodes = nodes, .links = links, .site_count = 4,
                                    .node_count = 6, .link_count = 5, .primary = EAST, .endpoints = endpoints,
                                    .endpoint_count = 2,
                                    .failover = {.probe_every_ns = MS(250), .probe_timeout_ns = MS(200),
                                                 .unhealthy_after = 3, .healthy_after = 4},
                                    .replication = {.mode = REPLICATION_ASYNC, .every_ns = MS(200)}};
    b->plan = (struct plan){.name = "test", .title = "a drill on paper", .file = "test.yaml", .text = "",
                            .sha256 = BENCH_SHA, .targets_sha256 = BENCH_SHA, .seed = 7, .topology = &b->topology,
                            .streams = b->streams, .patrols = b->patrols, .steps = b->steps, .targets = b->targets,
                            .good_ratio_ppm = 990000, .baseline_hold_ns = MS(4000), .window_ns = MS(1000),
                            .converge_within_ns = MS(60000), .timeline_end_ns = MS(20000), .drill_ns = MS(30000),
                            .observe_ns = MS(60000)};
    struct event *header = bench_event(b, EVENT_HEADER, 0, 0, NULL, NULL, 0);
    header->data = bench_json("{\"format\":2,\"scenario_sha256\":\"%s\",\"seed\":7,\"zero_wall\":"
                              "\"2026-01-01T06:00:00.118Z\",\"argv\":[\"drtest\",\"run\",\"test.yaml\"],"
                              "\"host\":{\"hostname\":\"ci-7\",\"kernel\":\"6.1\",\"os\":\"Debian\","
                              "\"arch\":\"x86_64\",\"clocksource\":\"tsc\",\"cpu_count\":4,"
                              "\"memory_bytes\":8589934592,\"rootless\":true},"
                              "\"lab\":{\"kind\":\"netns\",\"system_sha256\":\"aa\",\"config_sha256\":\"bb\"}}",
                              BENCH_SHA);
    bench_event(b, EVENT_SELFTEST, 0, 0, NULL, "met", 0);
    clock_event(b, 0, "start");
    bench_event(b, EVENT_PHASE_BEGIN, 9000, 9000, "baseline", NULL, 0);
    bench_event(b, EVENT_BASELINE, 10500, 14500, NULL, "met", 0);
    bench_event(b, EVENT_PHASE_END, 14800, 14800, "baseline", NULL, 0);
    bench_event(b, EVENT_SCENARIO_ZERO, 14900, 14900, NULL, NULL, 0);
    clock_event(b, 100000, "end");
    bench_event(b, EVENT_RESIDUE, 100000, 100000, NULL, "clean", 0);
    bench_event(b, EVENT_END, 100000, 100000, NULL, "completed", 0);
}

void bench_deinit(struct bench *b)
{
    result_free(b->result);
    for (size_t i = 0; i < b->events.len; i++)
        json_decref(b->events.at[i].data);
    vec_deinit(&b->samples);
    vec_deinit(&b->stalls);
    vec_deinit(&b->switches);
    vec_deinit(&b->patrol_samples);
    vec_deinit(&b->events);
    vec_deinit(&b->ledger);
    vec_deinit(&b->cross);
    vec_deinit(&b->cross_changes);
    *b = (struct bench){0};
}

uint16_t bench_stream(struct bench *b, enum stream_kind kind, double rate, double timeout_ms)
{
    b->streams[b->plan.stream_count] =
        (struct plan_stream){.kind = kind, .vantage = CLIENTS, .rate_micro = (int64_t)(rate * 1e6),
                             .timeout_ns = MS(timeout_ms), .path = "/v1/orders"};
    return (uint16_t)b->plan.stream_count++;
}

void bench_target(struct bench *b, enum target_key key, int64_t value)
{
    for (size_t i = 0; i < b->plan.target_count; i++) {
        if (b->targets[i].key == key) {
            b->targets[i].value = value;
            return;
        }
    }
    b->targets[b->plan.target_count++] = (struct plan_target){.key = key, .value = value, .line = 24, .column = 3};
}

struct plan_step *bench_step(struct bench *b, const char *verb, double at)
{
    struct plan_step *step = &b->steps[b->plan.step_count++];
    *step = (struct plan_step){.id = (uint16_t)b->plan.step_count, .until_ns = INT64_MAX, .text = verb, .line = 21};
    step->action = (struct action){.type = type_of(verb), .target = TARGET_REGION, .site = EAST};
    step->at_ns = MS(at) - MS(15000) > 0 ? MS(at) - MS(15000) : 0;
    return step;
}

struct plan_step *bench_fault(struct bench *b, const char *verb, double ib, double ie, double hb, double he,
                              double hold_ms)
{
    struct plan_step *step = bench_step(b, verb, ib);
    step->hold_ns = MS(hold_ms);
    struct event *apply = bench_event(b, EVENT_FAULT_APPLY, ib, ie, "us-east", "ok", step->id);
    apply->data = bench_json("{\"mechanism\":\"signal\"}");
    struct event *proof = bench_event(b, EVENT_FAULT_PROOF, ie, ie, "us-east", "proven", step->id);
    proof->detail = "pidfd";
    if (hb < 0)
        return step;
    struct event *heal = bench_event(b, EVENT_FAULT_HEAL, hb, he, "us-east", "ok", step->id);
    heal->data = bench_json("{\"ended_by\":\"restore\"}");
    proof = bench_event(b, EVENT_HEAL_PROOF, he, he, "us-east", "proven", step->id);
    proof->detail = "canary";
    return step;
}

struct sample *bench_sample(struct bench *b, uint16_t stream, uint64_t k, double planned, double sent, double done,
                            enum outcome outcome)
{
    struct sample *x = vec_push(&b->samples);
    *x = (struct sample){.kind = SAMPLE_REQUEST, .outcome = (uint8_t)outcome, .stream = stream, .k = k,
                         .planned_ns = MS(planned), .sent_ns = MS(sent), .done_ns = MS(done), .key = UINT16_MAX,
                         .region = EAST};
    return x;
}

uint16_t bench_patrol(struct bench *b, enum caller who, uint16_t gateway, double rate)
{
    struct plan_patrol *p = &b->patrols[b->plan.patrol_count];
    *p = (struct plan_patrol){.who = who, .gateway = gateway};
    p->stream = (struct plan_stream){.vantage = CLIENTS, .rate_micro = (int64_t)(rate * 1e6), .timeout_ns = MS(1000)};
    return (uint16_t)b->plan.patrol_count++;
}

void bench_visit(struct bench *b, uint16_t patrol, uint64_t k, double sent, double done, int status)
{
    *vec_push(&b->patrol_samples) = (struct sample){
        .kind = SAMPLE_PATROL, .stream = patrol, .k = k, .status = (uint16_t)status, .planned_ns = MS(sent),
        .sent_ns = MS(sent), .done_ns = MS(done),
        .outcome = status == 0 ? OUTCOME_TIMEOUT : status == 200 ? OUTCOME_GOOD : OUTCOME_HTTP_STATUS};
}

void bench_stall(struct bench *b, double due, double woke)
{
    struct sample *x = vec_push(&b->stalls);
    *x = (struct sample){.kind = SAMPLE_STALL, .stream = UINT16_MAX, .planned_ns = MS(due), .sent_ns = MS(woke)};
}

void bench_crosscheck(struct bench *b)
{
    json_object_set_new(b->events.at[0].data, "crosscheck", json_true());
    b->ev.has_cross = true;
    (void)snprintf(b->ev.cross_scenario_sha256, sizeof(b->ev.cross_scenario_sha256), "%s", BENCH_SHA);
}

struct cross_record *bench_cross(struct bench *b, uint64_t k, double planned, double sent, double done,
                                 enum outcome outcome)
{
    struct cross_record *r = vec_push(&b->cross);
    *r = (struct cross_record){.kind = CROSS_REQUEST, .outcome = (uint8_t)outcome, .vantage = CLIENTS, .number = k,
                               .planned_ns = MS(planned), .sent_ns = MS(sent), .done_ns = MS(done)};
    return r;
}

void bench_change(struct bench *b, bool second, double at, uint16_t node)
{
    if (second) {
        struct cross_record *r = vec_push(&b->cross_changes);
        *r = (struct cross_record){.kind = CROSS_CHANGE, .vantage = CLIENTS, .number = b->cross_changes.len - 1,
                                   .node = node, .planned_ns = MS(at), .sent_ns = MS(at), .done_ns = MS(at)};
    } else {
        struct sample *x = vec_push(&b->switches);
        *x = (struct sample){.kind = SAMPLE_SWITCH, .stream = CLIENTS, .endpoint = node, .planned_ns = MS(at),
                             .sent_ns = MS(at), .done_ns = MS(at)};
    }
}

struct event *bench_find(struct bench *b, enum event_kind kind, const char *detail)
{
    for (size_t i = 0; i < b->events.len; i++)
        if (b->events.at[i].kind == kind && (!detail || text_eq(b->events.at[i].detail, detail)))
            return &b->events.at[i];
    return NULL;
}

void bench_drop(struct bench *b, enum event_kind kind)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->events.len; i++) {
        if (b->events.at[i].kind == kind)
            json_decref(b->events.at[i].data);
        else
            b->events.at[kept++] = b->events.at[i];
    }
    b->events.len = kept;
}

static uint64_t value_of(uint64_t seq)
{
    return seq * UINT64_C(0x9e3779b97f4a7c15) + 17;
}

void bench_write(struct bench *b, uint16_t client, uint64_t seq, double inv, double ack, enum write_outcome outcome)
{
    struct ledger_record *r = vec_push(&b->ledger);
    *r = (struct ledger_record){.kind = LEDGER_INTENT, .client = client, .seq = seq, .at_ns = MS(inv),
                                .key = (uint16_t)(seq % 16), .value = value_of(seq)};
    if (ack < 0)
        return;
    r = vec_push(&b->ledger);
    *r = (struct ledger_record){.kind = LEDGER_RESULT, .outcome = (uint8_t)outcome, .client = client, .seq = seq,
                                .at_ns = MS(ack), .key = (uint16_t)(seq % 16), .region = EAST,
                                .version = (uint32_t)(seq / 16 + 1), .lsn = seq + 1, .status = 200};
}

static uint32_t next_read(const struct bench *b)
{
    uint32_t next = 1;
    for (size_t i = 0; i < b->ledger.len; i++)
        if (b->ledger.at[i].read >= next)
            next = b->ledger.at[i].read + 1;
    return next;
}

void bench_reads(struct bench *b, uint16_t region, enum ledger_pass pass, const bool *has, size_t n)
{
    for (int repeat = 0; repeat < 2; repeat++) {
        uint32_t read = next_read(b);
        uint64_t count = 0;
        struct ledger_record *r = vec_push(&b->ledger);
        *r = (struct ledger_record){.kind = LEDGER_READ_BEGIN, .read = read, .region = region, .pass = (uint8_t)pass};
        for (size_t i = 0; i < n; i++) {
            if (!has[i])
                continue;
            count++;
            r = vec_push(&b->ledger);
            *r = (struct ledger_record){.kind = LEDGER_FOUND, .read = read, .region = region, .pass = (uint8_t)pass,
                                        .seq = i, .key = (uint16_t)(i % 16), .value = value_of(i),
                                        .version = (uint32_t)(i / 16 + 1)};
        }
        r = vec_push(&b->ledger);
        *r = (struct ledger_record){.kind = LEDGER_READ_END, .outcome = 1, .read = read, .region = region,
                                    .pass = (uint8_t)pass, .count = count};
    }
}

void bench_all_reads(struct bench *b, const bool *has, size_t n)
{
    static const uint16_t sources[] = {UINT16_MAX, EAST, WEST};
    for (size_t i = 0; i < 3; i++) {
        bench_reads(b, sources[i], PASS_LIVE, has, n);
        bench_reads(b, sources[i], PASS_COLD, has, n);
    }
}

struct result *bench_run(struct bench *b)
{
    struct measure_context ctx = {.run_id = "test-20260101T060000Z", .repeat_index = 1, .repeat_count = 1,
                                  .tool_version = "0.1.0", .tool_commit = "c", .tool_build_flags = "Debug",
                                  .tool_sha256 = "e2"};
    struct evidence *ev = &b->ev;
    result_free(b->result);
    b->result = NULL;
    ev->path = "test";
    ev->events = b->events.at;
    ev->event_count = b->events.len;
    ev->samples = b->samples.at;
    ev->sample_count = b->samples.len;
    ev->stalls = b->stalls.at;
    ev->stall_count = b->stalls.len;
    ev->switches = b->switches.at;
    ev->switch_count = b->switches.len;
    ev->patrols = b->patrol_samples.at;
    ev->patrol_count = b->patrol_samples.len;
    ev->ledger = b->ledger.at;
    ev->ledger_count = b->ledger.len;
    memset(ev->ledger_kinds, 0, sizeof(ev->ledger_kinds));
    for (size_t i = 0; i < b->ledger.len; i++)
        if (b->ledger.at[i].kind < LEDGER_KINDS)
            ev->ledger_kinds[b->ledger.at[i].kind]++;
    ev->has_ledger = b->ledger.len > 0;
    ev->cross = b->cross.at;
    ev->cross_count = b->cross.len;
    ev->cross_changes = b->cross_changes.at;
    ev->cross_change_count = b->cross_changes.len;
    if (measure_run(&b->plan, ev, &ctx, &b->result, NULL) < 0)
        abort();
    return b->result;
}

const struct result_objective *bench_objective(const struct bench *b, const char *name)
{
    static const struct result_objective none;
    for (size_t i = 0; i < b->result->objectives.len; i++)
        if (text_eq(b->result->objectives.at[i].name, name))
            return &b->result->objectives.at[i];
    return &none;
}

const struct result_check *bench_check(const struct bench *b, const char *name)
{
    static const struct result_check none;
    for (size_t i = 0; i < b->result->checks.len; i++)
        if (text_eq(b->result->checks.at[i].name, name))
            return &b->result->checks.at[i];
    return &none;
}
