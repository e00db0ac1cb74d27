/* SPDX-License-Identifier: MIT */
/*
 * One row of the table: a plan with one stream of 200 fresh reads a second and one "fault", the switch of the outage
 * server's mode; the worker of the load room drives it, the evidence goes into a scratch directory, measure_run judges
 * it. The truth is what the server wrote down. What is accepted follows from the method: a bad request sent shows the
 * service still out, a good one completed shows it back, so the truth lies inside the interval up to 2 ms for the
 * server's own reading of the clock, and the upper end exceeds it by at most one probe gap, one service time, the
 * injection's width and the harness's own worst lateness.
 */
#include "harness/selftest/selftest.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/evidence/evidence_write.h"
#include "harness/load/load.h"
#include "harness/measure/measure.h"
#include "harness/selftest/outage_server.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define RATE_MICRO (200 * PPM)
#define INTERVAL_NS (5 * NS_PER_MS)
#define BASELINE_NS (700 * NS_PER_MS)
#define HOLD_NS (500 * NS_PER_MS)
#define AFTER_NS (1300 * NS_PER_MS)
#define CLOCK_READ_S 0.002

static const struct action_type outage_type = {.verb = "outage", .summary = "the scripted server fails",
                                               .class = ACTION_FAULT, .targets = TARGET_REGION, .proven_once = true};

/* Everything the plan points to, in one place. */
struct bench {
    struct plan plan;
    struct topology topology;
    struct topo_site sites[2];
    struct topo_node nodes[2];
    uint16_t endpoint;
    struct plan_stream stream;
    struct plan_step step;
    struct plan_target target;
};

static void bench_init(struct bench *b, uint64_t seed, int64_t outage_ns)
{
    *b = (struct bench){0};
    b->sites[0] = (struct topo_site){.name = "truth", .kind = SITE_REGION, .node_count = 1, .gateways = 1};
    b->sites[1] = (struct topo_site){.name = "prober", .kind = SITE_VANTAGE, .first_node = 1, .node_count = 1};
    b->nodes[0] = (struct topo_node){.name = "truth/1", .role = NODE_GATEWAY, .number = 1, .address = "127.0.0.1"};
    b->nodes[1] = (struct topo_node){.name = "prober/1", .role = NODE_CLIENT, .site = 1, .number = 1};
    b->topology = (struct topology){.name = "selftest", .sites = b->sites, .nodes = b->nodes, .site_count = 2,
                                    .node_count = 2, .endpoints = &b->endpoint, .endpoint_count = 1,
                                    .failover = {.probe_every_ns = NS_PER_S, .probe_timeout_ns = NS_PER_S / 5,
                                                 .unhealthy_after = 1000, .healthy_after = 1}};
    b->stream = (struct plan_stream){.kind = STREAM_READ_FRESH, .vantage = 1, .rate_micro = RATE_MICRO,
                                     .timeout_ns = NS_PER_S, .path = "/v1/orders"};
    b->step = (struct plan_step){.id = 1, .action = {.type = &outage_type, .target = TARGET_REGION},
                                 .until_ns = INT64_MAX, .hold_ns = HOLD_NS, .text = "scripted outage"};
    b->target = (struct plan_target){.key = TARGET_RTO, .value = NS_PER_S};
    struct plan *p = &b->plan;
    p->name = p->title = "selftest";
    p->file = "selftest";
    p->text = "";
    p->seed = seed;
    p->topology = &b->topology;
    p->streams = &b->stream;
    p->steps = &b->step;
    p->targets = &b->target;
    p->stream_count = p->step_count = p->target_count = 1;
    p->good_ratio_ppm = 999000;
    p->baseline_hold_ns = BASELINE_NS;
    p->baseline_within_ns = 2 * BASELINE_NS;
    p->window_ns = NS_PER_S;
    p->timeline_end_ns = outage_ns;
    p->drill_ns = p->observe_ns = outage_ns + AFTER_NS;
}

struct rehearsal {
    struct bench bench;
    struct outage_server server;
    struct timeline *timeline;
    struct loop *loop;
    struct transport *transport;
    struct worker *worker;
    char path[64];
    int64_t zero_ns, truth_ns;
};

static void rehearsal_note(struct rehearsal *r, enum event_kind kind, const char *subject, const char *outcome,
                           int64_t code, int64_t begin, int64_t end, struct err *e)
{
    struct event ev = {.kind = kind, .at_ns = begin - r->zero_ns, .end_ns = end - r->zero_ns, .subject = subject,
                       .outcome = outcome, .code = code};
    timeline_add(r->timeline, &ev, NULL, e);
}

static int rehearsal_run(struct rehearsal *r, int64_t for_ns, struct err *e)
{
    return loop_run(r->loop, loop_tick(r->loop) + for_ns, NULL, e) < 0 ? -1 : 0;
}

/* The beginning of the outage is the fault. Its end is not on record: to the measures the service recovers unaided. */
static int rehearsal_break(struct rehearsal *r, enum outage_mode mode, int64_t *truth, struct err *e)
{
    int64_t begin = loop_tick(r->loop);
    if (outage_server_switch(&r->server, mode, truth, e) < 0)
        return -1;
    int64_t end = loop_tick(r->loop);
    rehearsal_note(r, EVENT_FAULT_APPLY, "outage", "ok", 1, begin, end, e);
    rehearsal_note(r, EVENT_FAULT_PROOF, "outage", "proven", 1, end, end, e);
    return 0;
}

static int rehearsal_open(struct rehearsal *r, struct err *e)
{
    static const char *const addresses[] = {"127.0.0.1"};
    const char *tmp = getenv("TMPDIR");
    snprintf(r->path, sizeof(r->path), "%.40s/drtest-selftest-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    if (!mkdtemp(r->path))
        return err_os(e, ERR_OUTPUT, errno, r->path, "the self-test cannot make its scratch directory");
    r->zero_ns = clock_mono_ns();
    if (timeline_open(&r->timeline, r->path, e) < 0 || samples_create(r->path, r->bench.plan.sha256, clock_wall_ns(), e) < 0 ||
        outage_server_start(&r->server, e) < 0 || !(r->loop = loop_new(e)) ||
        transport_curl_new(&r->transport, r->loop, 512, e) < 0)
        return -1;
    struct worker_config config = {.plan = &r->bench.plan, .vantage = 1, .run_path = r->path, .run_id = "selftest",
                                   .zero_ns = r->zero_ns, .http_port = r->server.port, .addresses = addresses};
    return worker_new(&r->worker, &config, r->loop, r->transport, e);
}

/* The course of a drill in small: baseline, outage, recovery; every instant on record. */
static int rehearsal_perform(struct rehearsal *r, enum outage_mode mode, struct err *e)
{
    int64_t out = 0, back = 0, now = loop_tick(r->loop);
    struct event header = {.kind = EVENT_HEADER};
    timeline_add(r->timeline, &header, NULL, e);
    worker_start(r->worker, now + 50 * NS_PER_MS);
    if (rehearsal_run(r, BASELINE_NS, e) < 0)
        return -1;
    now = loop_tick(r->loop);
    rehearsal_note(r, EVENT_BASELINE, NULL, "met", 0, now, now, e);
    rehearsal_note(r, EVENT_SCENARIO_ZERO, NULL, NULL, 0, now, now, e);
    if (rehearsal_break(r, mode, &out, e) < 0 || rehearsal_run(r, r->bench.plan.timeline_end_ns, e) < 0 ||
        outage_server_switch(&r->server, OUTAGE_NONE, &back, e) < 0 || rehearsal_run(r, AFTER_NS, e) < 0)
        return -1;
    worker_stop(r->worker);
    for (int i = 0; i < 200 && !worker_idle(r->worker); i++)
        if (rehearsal_run(r, 10 * NS_PER_MS, e) < 0)
            return -1;
    now = loop_tick(r->loop);
    rehearsal_note(r, EVENT_END, NULL, "completed", 0, now, now, e);
    r->truth_ns = back - out;
    return worker_failure(r->worker) ? err_set(e, ERR_RUN, "selftest", "%s", worker_failure(r->worker)->msg) : 0;
}

static int rehearsal_judge(struct rehearsal *r, struct selftest_row *row, struct err *e)
{
    struct measure_context context = {.run_id = "selftest", .repeat_index = 1, .repeat_count = 1};
    struct evidence *ev = NULL;
    struct result *result = NULL;
    if (evidence_load(&ev, r->path, e) < 0)
        return -1;
    if (measure_run(&r->bench.plan, ev, &context, &result, e) == 0) {
        const struct result_quality *q = &result->quality;
        double late_ms = fmax(isnan(q->max_stall_ms) ? 0 : q->max_stall_ms, isnan(q->max_slip_ms) ? 0 : q->max_slip_ms);
        double service_ms = isnan(result->measures.baseline_p99_ms) ? 0 : result->measures.baseline_p99_ms;
        row->truth_s = (double)r->truth_ns / 1e9;
        row->lower_s = result->measures.rto_lower_s;
        row->upper_s = result->measures.rto_upper_s;
        row->allowed_s = (double)INTERVAL_NS / 1e9 + (service_ms + late_ms + q->injection_width_ms) / 1e3 + CLOCK_READ_S;
        row->inside = row->lower_s <= row->truth_s + CLOCK_READ_S && row->truth_s <= row->upper_s + CLOCK_READ_S &&
                      row->upper_s - row->truth_s <= row->allowed_s;
    }
    result_free(result);
    evidence_free(ev);
    return e->kind ? -1 : 0;
}

static void rehearsal_close(struct rehearsal *r)
{
    static const char *const files[] = {"timeline.jsonl", "samples.bin"};
    worker_free(r->worker);
    if (r->transport)
        r->transport->ops->free(r->transport);
    loop_free(r->loop);
    outage_server_stop(&r->server);
    timeline_close(r->timeline);
    for (size_t i = 0; i < array_len(files); i++) {
        scoped_text struct text file = {0};
        text_addf(&file, "%s/%s", r->path, files[i]);
        unlink(text_str(&file));
    }
    rmdir(r->path);
}

static int selftest_row(uint64_t seed, enum outage_mode mode, struct selftest_row *row, struct err *e)
{
    struct rng rng;
    struct rehearsal r = {.server = {.control = -1}};
    *row = (struct selftest_row){.mode = outage_words[mode], .lower_s = NAN, .upper_s = NAN};
    rng_init(&rng, seed, outage_words[mode]);
    bench_init(&r.bench, seed, 150 * NS_PER_MS + (int64_t)rng_below(&rng, 250 * NS_PER_MS));
    int failed = rehearsal_open(&r, e) < 0 || rehearsal_perform(&r, mode, e) < 0;
    timeline_close(steal(&r.timeline));
    if (r.worker) {
        worker_free(steal(&r.worker));
        failed = failed || rehearsal_judge(&r, row, e) < 0;
    }
    rehearsal_close(&r);
    return failed ? -1 : 0;
}

int selftest_short(uint64_t seed, struct selftest_row rows[SELFTEST_ROWS], struct err *e)
{
    static const enum outage_mode modes[SELFTEST_ROWS] = {OUTAGE_RST, OUTAGE_ERROR503};
    for (size_t i = 0; i < SELFTEST_ROWS; i++)
        if (selftest_row(seed, modes[i], &rows[i], e) < 0)
            return -1;
    return 0;
}

bool selftest_passed(const struct selftest_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rows[i].inside)
            return false;
    return n > 0;
}

void selftest_print(FILE *out, const struct selftest_row *rows, size_t n)
{
    fprintf(out, "%-10s %10s   %-23s %12s\n", "mode", "truth", "measured", "");
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%-10s %8.1f ms  %8.1f to %8.1f ms  %s\n", rows[i].mode, rows[i].truth_s * 1e3,
                rows[i].lower_s * 1e3, rows[i].upper_s * 1e3, rows[i].inside ? "inside" : "OUTSIDE");
}
