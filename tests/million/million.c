/* SPDX-License-Identifier: MIT */
/*
 * Write i belongs to client i % 2, is invoked 100 us after the one before, goes to key i % 1000 as its next version,
 * and is acknowledged 1 to 4 ms later, so that acknowledgements overtake each other as they do in life. Intents and
 * results stand in the file in the order of their instants.
 */
#include "tests/million/million.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"

#include <string.h>

#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define FIRST_NS (10 * NS_PER_S)
#define EVERY_NS (100 * INT64_C(1000))
#define TAIL_NS (20 * NS_PER_S)
enum { CLIENTS = 2, KEYS = 1000, OVERTAKING = 64, PER_PAGE = 1000 };

static struct topo_site sites[] = {
    {.name = "us-east", .kind = SITE_REGION, .role = REGION_PRIMARY, .first_node = 0, .node_count = 2, .gateways = 1,
     .origins = 1},
    {.name = "eu-west", .kind = SITE_REGION, .role = REGION_STANDBY, .first_node = 2, .node_count = 2, .gateways = 1,
     .origins = 1},
    {.name = "clients", .kind = SITE_VANTAGE, .first_node = 4, .node_count = 1},
};
static struct topo_node nodes[] = {
    {.name = "us-east/1", .role = NODE_GATEWAY, .site = 0, .number = 1},
    {.name = "us-east/origin-1", .role = NODE_ORIGIN, .site = 0, .number = 1},
    {.name = "eu-west/1", .role = NODE_GATEWAY, .site = 1, .number = 1},
    {.name = "eu-west/origin-1", .role = NODE_ORIGIN, .site = 1, .number = 1},
    {.name = "clients/1", .role = NODE_CLIENT, .site = 2, .number = 1},
};
static struct topo_link links[] = {{.a = 0, .b = 1}, {.a = 0, .b = 2}, {.a = 1, .b = 2}};
static uint16_t endpoints[] = {0, 2};
static const struct action_type partition = {.verb = "partition", .class = ACTION_FAULT, .severing = true};

static int64_t invoked_ns(size_t i)
{
    return FIRST_NS + (int64_t)i * EVERY_NS;
}

static int64_t acked_ns(size_t i)
{
    return invoked_ns(i) + NS_PER_MS + (int64_t)(i * 7919 % 3000) * 1000;
}

static int64_t end_ns(const struct million *m)
{
    return invoked_ns(m->writes) + TAIL_NS;
}

static int64_t fault_ns(const struct million *m)
{
    return invoked_ns(m->writes / 2);
}

static uint64_t value_of(size_t i)
{
    return (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void make_plan(struct million *m)
{
    m->topology = (struct topology){.name = "million", .sites = sites, .nodes = nodes, .links = links, .site_count = 3,
                                    .node_count = 5, .link_count = 3, .endpoints = endpoints, .endpoint_count = 2,
                                    .replication = {.mode = REPLICATION_ASYNC, .every_ns = 200 * NS_PER_MS}};
    for (uint16_t i = 0; i < 3; i++) {
        m->streams[i] = (struct plan_stream){.kind = i < CLIENTS ? STREAM_WRITE : STREAM_READ_FRESH, .vantage = 2,
                                             .client = i, .rate_micro = 10 * 1000 * 1000, .timeout_ns = NS_PER_S,
                                             .path = "/v1/orders"};
    }
    m->steps[0] = (struct plan_step){.id = 1, .hold_ns = NS_PER_S, .until_ns = INT64_MAX, .text = "partition",
                                     .line = 1, .action = {.type = &partition, .target = TARGET_LINK}};
    m->targets[0] = (struct plan_target){.key = TARGET_LOST_WRITES, .value = 0, .line = 1, .column = 1};
    m->plan = (struct plan){.name = "million", .title = "one write of many is lost", .file = "million.yaml", .text = "",
                            .sha256 = SHA, .targets_sha256 = SHA, .seed = 1, .topology = &m->topology,
                            .streams = m->streams, .stream_count = 3, .steps = m->steps, .step_count = 1,
                            .targets = m->targets, .target_count = 1, .good_ratio_ppm = 990000,
                            .baseline_hold_ns = 4 * NS_PER_S, .window_ns = NS_PER_S,
                            .converge_within_ns = 60 * NS_PER_S, .timeline_end_ns = 20 * NS_PER_S,
                            .drill_ns = 20 * NS_PER_S, .observe_ns = 60 * NS_PER_S};
}

static int write_samples(const struct million *m, const char *folder, struct err *e)
{
    struct sample_writer *w = NULL;
    if (samples_create(folder, SHA, 0, e) < 0 || samples_open(&w, folder, e) < 0)
        return -1;
    for (uint64_t k = 0; FIRST_NS / 2 + (int64_t)k * NS_PER_S / 10 < end_ns(m); k++) {
        int64_t due = FIRST_NS / 2 + (int64_t)k * NS_PER_S / 10;
        for (uint16_t i = 0; i < 3; i++) {
            struct sample s = {.kind = SAMPLE_REQUEST, .stream = i, .k = k, .planned_ns = due, .sent_ns = due,
                               .done_ns = due + 2 * NS_PER_MS, .key = UINT16_MAX};
            samples_add(w, &s);
        }
    }
    int status = samples_flush(w, e);
    samples_close(w);
    return status;
}

static int add(struct ledger_writer *w, struct million *m, struct ledger_record *r, struct err *e)
{
    m->entries++;
    m->records++;
    return ledger_add(w, r, e);
}

static int add_intent(struct ledger_writer *w, struct million *m, size_t i, struct err *e)
{
    struct ledger_record r = {.kind = LEDGER_INTENT, .client = (uint16_t)(i % CLIENTS), .seq = i / CLIENTS,
                              .key = (uint16_t)(i % KEYS), .value = value_of(i), .at_ns = invoked_ns(i)};
    return add(w, m, &r, e);
}

static int add_result(struct ledger_writer *w, struct million *m, size_t i, struct err *e)
{
    struct ledger_record r = {.kind = LEDGER_RESULT, .outcome = WRITE_OK, .client = (uint16_t)(i % CLIENTS),
                              .seq = i / CLIENTS, .key = (uint16_t)(i % KEYS), .version = (uint32_t)(i / KEYS + 1),
                              .lsn = i + 1, .epoch = 1, .status = 201, .at_ns = acked_ns(i)};
    return add(w, m, &r, e);
}

/* Results due before the next intent, of the few writes that can be under way. */
static int write_writes(struct million *m, const char *folder, struct err *e)
{
    struct ledger_writer *w[CLIENTS] = {0};
    int status = 0;
    bool answered[OVERTAKING] = {false};
    for (uint16_t c = 0; c < CLIENTS && status == 0; c++)
        status = ledger_open(&w[c], folder, c, e);
    for (size_t i = 0; i < m->writes + OVERTAKING && status == 0; i++) {
        for (size_t j = i < OVERTAKING ? 0 : i - OVERTAKING + 1; j < i && j < m->writes && status == 0; j++) {
            if (answered[j % OVERTAKING] || acked_ns(j) > invoked_ns(i))
                continue;
            answered[j % OVERTAKING] = true;
            status = add_result(w[j % CLIENTS], m, j, e);
        }
        if (i < m->writes && status == 0) {
            answered[i % OVERTAKING] = false;
            status = add_intent(w[i % CLIENTS], m, i, e);
        }
    }
    for (uint16_t c = 0; c < CLIENTS; c++)
        ledger_close(w[c]);
    return status;
}

/* One whole reading of one source. */
static int write_reading(struct ledger_writer *w, struct million *m, struct ledger_record of, struct err *e)
{
    static struct ledger_found page[PER_PAGE];
    struct ledger_record begin = of, end = of;
    size_t n = 0;
    int status;
    begin.kind = LEDGER_READ_BEGIN;
    status = add(w, m, &begin, e);
    for (size_t i = 0; i < m->writes && status == 0; i++) {
        if (i != m->lost)
            page[n++] = (struct ledger_found){.client = (uint16_t)(i % CLIENTS), .key = (uint16_t)(i % KEYS),
                                              .epoch = 1, .version = (uint32_t)(i / KEYS + 1),
                                              .seq = (uint32_t)(i / CLIENTS), .value = value_of(i), .lsn = i + 1};
        if (n == PER_PAGE || (n && i + 1 == m->writes)) {
            status = ledger_add_page(w, &of, page, n, e);
            m->entries += n;
            m->records++;
            n = 0;
        }
    }
    end.kind = LEDGER_READ_END;
    end.outcome = 1;
    end.count = m->writes - 1;
    return status == 0 ? add(w, m, &end, e) : -1;
}

static int write_readings(struct million *m, const char *folder, struct err *e)
{
    static const uint16_t regions[] = {UINT16_MAX, 0, 1};
    int status = 0;
    for (uint8_t pass = PASS_LIVE; pass <= PASS_COLD && status == 0; pass++) {
        struct ledger_writer *w = NULL;
        status = ledger_open(&w, folder, (uint16_t)(LEDGER_CHAIN_READ + pass), e);
        for (uint32_t i = 0; i < 6 && status == 0; i++) {
            struct ledger_record of = {.read = pass * 1000u + i, .region = regions[i / 2], .pass = pass,
                                       .at_ns = end_ns(m)};
            status = write_reading(w, m, of, e);
        }
        ledger_close(w);
    }
    return status;
}

static void note(struct timeline *t, enum event_kind kind, int64_t at, const char *subject, const char *outcome,
                 int64_t code, json_t *data, struct err *e)
{
    struct event ev = {.kind = kind, .at_ns = at, .end_ns = at, .subject = subject, .outcome = outcome, .code = code,
                       .data = data};
    timeline_add(t, &ev, NULL, e);
    json_decref(data);
}

static json_t *clocks(int64_t at)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "wall_ns", (json_int_t)at, "mono_ns", (json_int_t)at, "raw_ns",
                     (json_int_t)at, "boot_ns", (json_int_t)at);
}

static int write_timeline(const struct million *m, const char *folder, struct err *e)
{
    struct timeline *t = NULL;
    int64_t fault = fault_ns(m), end = end_ns(m);
    json_t *seals = evidence_seals(folder, e);
    if (!seals || timeline_open(&t, folder, e) < 0)
        return -1;
    note(t, EVENT_HEADER, 0, NULL, NULL, 0, json_pack("{s:i,s:s}", "format", EVENT_FORMAT, "scenario_sha256", SHA), e);
    note(t, EVENT_SELFTEST, 0, NULL, "met", 0, NULL, e);
    note(t, EVENT_CLOCK, 0, NULL, NULL, 0, clocks(0), e);
    note(t, EVENT_BASELINE, FIRST_NS - NS_PER_S / 2, NULL, "met", 0, NULL, e);
    note(t, EVENT_SCENARIO_ZERO, fault, NULL, NULL, 0, NULL, e);
    note(t, EVENT_FAULT_APPLY, fault, "link", "ok", 1, NULL, e);
    note(t, EVENT_FAULT_PROOF, fault, "link", "proven", 1, NULL, e);
    note(t, EVENT_PHASE_BEGIN, end, "quiesce", NULL, 0, NULL, e);
    note(t, EVENT_RESIDUE, end, NULL, "clean", 0, NULL, e);
    note(t, EVENT_CLOCK, end, NULL, NULL, 0, clocks(end), e);
    note(t, EVENT_END, end, NULL, "completed", 0, json_pack("{s:s,s:o}", "scenario_sha256", SHA, "seals", seals), e);
    timeline_close(t);
    return e && e->kind != ERR_NONE ? -1 : 0;
}

int million_make(struct million *m, const char *folder, struct err *e)
{
    m->lost_id = (int64_t)(m->lost % CLIENTS) << 32 | (int64_t)(m->lost / CLIENTS);
    m->lost_key = (uint16_t)(m->lost % KEYS);
    m->lost_acked_ns = acked_ns(m->lost);
    m->entries = m->records = 0;
    make_plan(m);
    return ledger_create(folder, 0, e) < 0 || write_writes(m, folder, e) < 0 || write_readings(m, folder, e) < 0 ||
                   write_samples(m, folder, e) < 0 || write_timeline(m, folder, e) < 0
               ? -1
               : 0;
}
