/* SPDX-License-Identifier: MIT */
/*
 * The plan is written by hand, since no YAML has a server that fails on command. Its faults are steps of a type of our
 * own, noted as applied and proven when the server has said that it changed its mind; their end is on nobody's record,
 * so to the measures the service recovers unaided, as it does after a fail-over.
 *
 * Many outages share one rehearsal: a warm server and client, and the hold of one outage is the baseline of the next.
 * For judging they are cut apart again. A slice holds one step, the requests planned in its time, every note of
 * lateness (they are asked for by span), and the events of its own id or of none, so that each outage is judged with
 * gates and verdict as if it had been a drill of its own.
 */
#include "harness/selftest/stage.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LANDING_NS (10 * NS_PER_S)
#define CHECKSUM "0000000000000000000000000000000000000000000000000000000000000000"

static const struct action_type outage_type = {.verb = "outage", .summary = "the scripted server fails",
                                               .class = ACTION_FAULT, .targets = TARGET_REGION, .proven_once = true,
                                               .severing = true};
static const struct action_type nothing_type = {.verb = "nothing", .summary = "nothing is done",
                                                .class = ACTION_NOTHING};

static void topology_init(struct stage *s, const char *address)
{
    size_t regions = s->config.writes ? 2 : 1;
    s->sites[0] = (struct topo_site){.name = "truth", .kind = SITE_REGION, .node_count = 1, .gateways = 1};
    s->sites[1] = (struct topo_site){.name = "mirror", .kind = SITE_REGION, .role = REGION_STANDBY, .first_node = 1};
    s->sites[0].origins = s->sites[1].origins = s->config.writes ? 1 : 0;
    s->sites[regions] = (struct topo_site){.name = "prober", .kind = SITE_VANTAGE, .first_node = 1, .node_count = 1};
    s->nodes[0] = (struct topo_node){.name = "truth/1", .role = NODE_GATEWAY, .number = 1};
    snprintf(s->nodes[0].address, sizeof(s->nodes[0].address), "%s", address);
    s->nodes[1] = (struct topo_node){.name = "prober/1", .role = NODE_CLIENT, .site = (uint16_t)regions, .number = 1};
    s->topology = (struct topology){.name = "selftest", .sites = s->sites, .site_count = regions + 1, .nodes = s->nodes,
                                    .node_count = 2, .endpoints = &s->endpoint, .endpoint_count = 1,
                                    .failover = {.unhealthy_after = INT32_MAX, .healthy_after = 1}};
}

static void plan_init(struct stage *s)
{
    const struct stage_config *c = &s->config;
    struct plan *p = &s->plan;
    p->name = p->title = p->file = "selftest";
    p->text = p->yaml = "";
    memcpy(p->sha256, CHECKSUM, sizeof(p->sha256));
    memcpy(p->targets_sha256, CHECKSUM, sizeof(p->targets_sha256));
    p->seed = c->seed;
    p->topology = &s->topology;
    p->streams = s->streams;
    p->steps = s->steps;
    p->targets = s->targets;
    int64_t rate = PPM * NS_PER_S / c->gap_ns;
    uint16_t vantage = (uint16_t)(s->topology.site_count - 1);
    struct plan_stream stream = {.vantage = vantage, .rate_micro = rate, .timeout_ns = c->timeout_ns,
                                 .path = "/v1/orders"};
    if (c->reads) {
        stream.kind = STREAM_READ_FRESH;
        s->streams[p->stream_count++] = stream;
    }
    if (c->writes) {
        stream.kind = STREAM_WRITE;
        s->streams[p->stream_count++] = stream;
    }
    for (uint16_t i = 0; i < c->step_count; i++)
        s->steps[p->step_count++] =
            (struct plan_step){.id = (uint16_t)(i + 1), .until_ns = INT64_MAX, .hold_ns = STAGE_HOLD_NS,
                               .action = {.type = c->null_drill ? &nothing_type : &outage_type,
                                          .target = TARGET_REGION},
                               .text = c->null_drill ? "nothing" : "a scripted outage"};
    s->targets[p->target_count++] = (struct plan_target){.key = TARGET_RTO, .value = STAGE_RTO_NS};
    if (c->writes)
        s->targets[p->target_count++] = (struct plan_target){.key = TARGET_RPO, .value = NS_PER_S};
    p->good_ratio_ppm = 999000;
    p->baseline_hold_ns = p->baseline_within_ns = 300 * NS_PER_MS;
    p->window_ns = NS_PER_S;
    p->hold_max_ns = STAGE_HOLD_NS;
    p->timeline_end_ns = p->observe_ns = p->drill_ns = NS_PER_S;
}

void stage_note(struct stage *s, enum event_kind kind, uint16_t id, const char *subject, const char *outcome,
                int64_t begin_ns, int64_t end_ns)
{
    struct event ev = {.kind = kind, .at_ns = begin_ns - s->zero_ns, .end_ns = end_ns - s->zero_ns, .subject = subject,
                       .outcome = outcome, .code = id};
    timeline_add(s->timeline, &ev, NULL, NULL);
}

static void note_clock(struct stage *s, const char *when)
{
    struct clock_quad q = clock_quad_read();
    scoped_json json_t *data = json_pack("{s:I,s:I,s:I,s:I}", "wall_ns", (json_int_t)q.wall_ns, "mono_ns",
                                         (json_int_t)q.mono_ns, "raw_ns", (json_int_t)q.raw_ns, "boot_ns",
                                         (json_int_t)q.boot_ns);
    int64_t now = q.mono_ns - s->zero_ns;
    struct event ev = {.kind = EVENT_CLOCK, .at_ns = now, .end_ns = now, .detail = when, .data = data};
    timeline_add(s->timeline, &ev, NULL, NULL);
}

static void note_header(struct stage *s)
{
    scoped_json json_t *data = json_pack("{s:i,s:s,s:I}", "format", EVENT_FORMAT, "scenario_sha256", s->plan.sha256,
                                         "seed", (json_int_t)s->plan.seed);
    struct event ev = {.kind = EVENT_HEADER, .data = data};
    timeline_add(s->timeline, &ev, NULL, NULL);
    stage_note(s, EVENT_SELFTEST, 0, NULL, "met", s->zero_ns, s->zero_ns); /* it is itself what is being asked for */
    note_clock(s, "start");
}

static int files_open(struct stage *s, struct err *e)
{
    snprintf(s->path, sizeof(s->path), "%s/%s", s->config.scratch, s->config.name);
    if (mkdir(s->path, 0700) < 0)
        return err_os(e, ERR_OUTPUT, errno, s->path, "the self-test cannot make its folder");
    int64_t wall = clock_wall_ns();
    if (timeline_open(&s->timeline, s->path, e) < 0 || samples_create(s->path, s->plan.sha256, wall, e) < 0 ||
        (s->config.writes && ledger_create(s->path, wall, e) < 0))
        return -1;
    note_header(s);
    return 0;
}

int stage_open(struct stage *s, const struct stage_config *c, const char *address, uint16_t port, struct err *e)
{
    *s = (struct stage){.config = *c, .zero_ns = clock_mono_ns()};
    topology_init(s, address);
    plan_init(s);
    uint16_t vantage = (uint16_t)(s->topology.site_count - 1);
    size_t room = 2 * worker_max_in_flight(&s->plan, vantage);
    if (files_open(s, e) < 0 || !(s->loop = loop_new(e)) || transport_curl_new(&s->transport, s->loop, room, e) < 0)
        return -1;
    struct worker_config config = {.plan = &s->plan, .vantage = vantage, .run_path = s->path, .run_id = "selftest",
                                   .zero_ns = s->zero_ns, .http_port = port};
    return worker_new(&s->worker, &config, s->loop, s->transport, e);
}

int stage_run(struct stage *s, int64_t until_ns, struct err *e)
{
    return loop_run(s->loop, until_ns, NULL, e) < 0 ? -1 : 0;
}

int stage_finish(struct stage *s, struct err *e)
{
    int64_t bound = loop_tick(s->loop) + LANDING_NS;
    worker_stop(s->worker);
    while (!worker_idle(s->worker) && loop_now(s->loop) < bound)
        if (stage_run(s, loop_now(s->loop) + 5 * NS_PER_MS, e) < 0)
            return -1;
    if (!worker_idle(s->worker))
        return err_set(e, ERR_RUN, "selftest", "requests did not end within %lld s",
                       (long long)(LANDING_NS / NS_PER_S));
    const struct err *failure = worker_failure(s->worker);
    if (failure && failure->kind != ERR_RUN) { /* what could not be sent is on record, for gate G5 */
        *e = *failure;
        return -1;
    }
    int64_t now = loop_tick(s->loop);
    note_clock(s, "end");
    stage_note(s, EVENT_RESIDUE, 0, NULL, "clean", now, now);
    stage_note(s, EVENT_END, 0, NULL, "completed", now, now);
    return 0;
}

void stage_close(struct stage *s)
{
    static const char *const files[] = {"timeline.jsonl", "samples.bin", "ledger.bin"};
    worker_free(steal(&s->worker));
    if (s->transport)
        s->transport->ops->free(s->transport);
    s->transport = NULL;
    loop_free(steal(&s->loop));
    timeline_close(steal(&s->timeline));
    for (size_t i = 0; *s->path && i < array_len(files); i++) {
        scoped_text struct text file = {0};
        text_addf(&file, "%s/%s", s->path, files[i]);
        unlink(text_str(&file));
    }
    if (*s->path)
        rmdir(s->path);
}

static size_t sample_from(const struct evidence *ev, int64_t planned_ns)
{
    size_t i = 0;
    while (i < ev->sample_count && ev->samples[i].planned_ns < planned_ns)
        i++;
    return i;
}

void stage_slice(const struct stage *s, const struct evidence *whole, uint16_t id, int64_t from_ns, int64_t to_ns,
                 struct stage_slice *out)
{
    size_t first = sample_from(whole, from_ns - s->zero_ns), after = sample_from(whole, to_ns - s->zero_ns), n = 0;
    *out = (struct stage_slice){.plan = s->plan, .evidence = *whole};
    out->plan.steps = &s->plan.steps[id - 1];
    out->plan.step_count = 1;
    out->evidence.samples = whole->samples + first;
    out->evidence.sample_count = after - first;
    out->events = xcalloc(whole->event_count + 1, sizeof(*out->events));
    for (size_t i = 0; i < whole->event_count; i++)
        if (whole->events[i].code == 0 || whole->events[i].code == id)
            out->events[n++] = whole->events[i];
    out->evidence.events = out->events;
    out->evidence.event_count = n;
}

void stage_slice_deinit(struct stage_slice *slice)
{
    free(slice->events);
    slice->events = NULL;
}
