/* SPDX-License-Identifier: MIT */
/*
 * The evidence of the made-up drill: open-loop requests from 7 s to 82 s with an outage for the clients of us-east, the
 * life of the nodes, and the minutes of the conductor.
 */
#include "tests/unit/reports/fixture.h"

#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdlib.h>

enum { EVENTS_MAX = 128, US_EAST = 0, EU_WEST = 1 };

static int64_t ns(double s)
{
    return (int64_t)llround(s * 1e9);
}

static struct event *add_event(struct fixture *f, enum event_kind kind, double at_s, const char *subject,
                               const char *detail)
{
    struct event *e = &f->evidence.events[f->evidence.event_count];
    *e = (struct event){.kind = kind,
                        .seq = (int64_t)f->evidence.event_count,
                        .at_ns = ns(at_s),
                        .end_ns = ns(at_s),
                        .subject = subject,
                        .detail = detail};
    f->evidence.event_count++;
    return e;
}

static void observe(struct fixture *f, double at_s, const char *node, const char *key, bool value)
{
    json_t *data = json_pack("{s:b}", key, value);
    json_array_append_new(f->kept, data);
    struct event *e = add_event(f, EVENT_OBSERVED, at_s, node, key);
    e->data = data;
    e->due_ns = ns(at_s - 0.05);
    e->end_ns = ns(at_s + 0.004);
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    return x->at_ns != y->at_ns ? (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns) : (x->seq > y->seq) - (x->seq < y->seq);
}

static void fill_events(struct fixture *f, enum fixture_case which)
{
    const struct topology *t = f->plan.topology;
    add_event(f, EVENT_HEADER, 0, NULL, "drtest 0.1.0");
    for (size_t i = 0; i < f->result.phases.len; i++) {
        add_event(f, EVENT_PHASE_BEGIN, f->result.phases.at[i].begin_s, f->result.phases.at[i].name, NULL);
    }
    for (size_t i = 0; i < t->node_count; i++) {
        if (t->nodes[i].role != NODE_CLIENT) {
            add_event(f, EVENT_NODE, 5.0 + (double)i * 0.02, t->nodes[i].name, "started");
            add_event(f, EVENT_OBSERVED, 5.1 + (double)i * 0.02, t->nodes[i].name, "does not answer")->outcome =
                "silent";
            add_event(f, EVENT_OBSERVED, 5.4 + (double)i * 0.05, t->nodes[i].name, "answers again")->outcome = "ok";
        }
    }
    if (which == FIXTURE_TINY) {
        return;
    }
    observe(f, 6.2, "us-east/origin-1", "leader", true);
    add_event(f, EVENT_MECHANISM, 0.4, "degrade", "sch_netem is not in this kernel");
    add_event(f, EVENT_POSITION, 21.9, "eu-west/origin-1", NULL);
    struct event *baseline = add_event(f, EVENT_BASELINE, 21.99, NULL, "100 % good and p99 88 ms");
    baseline->outcome = "met";
    if (which == FIXTURE_DRIFT) {
        observe(f, 22.4, "eu-west/1", "drift", true);
        observe(f, 25.0, "eu-west/1", "drift", false);
        return;
    }
    struct event *apply = add_event(f, EVENT_FAULT_APPLY, 22.000412, "us-east", "kill");
    apply->end_ns = ns(22.003127);
    apply->code = 1;
    for (size_t i = 0; i < t->node_count; i++) {
        if (t->nodes[i].site == US_EAST) {
            add_event(f, EVENT_OBSERVED, 22.2, t->nodes[i].name, "does not answer")->outcome = "silent";
            add_event(f, EVENT_OBSERVED, 42.4 + (double)i * 0.3, t->nodes[i].name, "answers again")->outcome = "ok";
        }
    }
    struct event *proof = add_event(f, EVENT_FAULT_PROOF, 22.003127, "us-east", "pidfd readable and canary refused");
    proof->outcome = "proven";
    observe(f, 23.2, "eu-west/origin-1", "leader", true);
    struct event *heal = add_event(f, EVENT_FAULT_HEAL, 42.000208, "us-east", "restore");
    heal->end_ns = ns(42.061914);
    observe(f, 45.3, "eu-west/origin-1", "leader", false);
    observe(f, 45.35, "us-east/origin-1", "leader", true);
    add_event(f, EVENT_END, f->result.run.duration_s, NULL, NULL)->outcome = "completed";
}

/* Latency of a good answer: mostly near `typical`, with a tail. */
static double latency(struct rng *r, double typical)
{
    double u = rng_unit(r);
    return typical * (0.8 + 0.5 * u + (u > 0.97 ? 3 * rng_unit(r) : 0));
}

static void spoil(struct sample *s, struct rng *r, double into_outage)
{
    double u = rng_unit(r);
    s->outcome = u < 0.012 ? OUTCOME_RESET : u < 0.036 ? OUTCOME_TIMEOUT : OUTCOME_REFUSED;
    s->code = s->outcome == OUTCOME_RESET ? 56 : s->outcome == OUTCOME_TIMEOUT ? 28 : 7;
    s->region = UINT16_MAX;
    s->done_ns = s->planned_ns + ns(s->outcome == OUTCOME_TIMEOUT ? 1.0 : 0.0011);
    if (s->write != WRITE_NONE) {
        s->write = s->outcome == OUTCOME_REFUSED ? WRITE_FAIL : WRITE_UNKNOWN;
    }
    s->endpoint = into_outage > 1 ? 1 : 0;
}

static int by_plan(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return x->planned_ns != y->planned_ns ? (x->planned_ns > y->planned_ns) - (x->planned_ns < y->planned_ns)
                                          : (x->stream > y->stream) - (x->stream < y->stream);
}

static void fill_samples(struct fixture *f, enum fixture_case which, double begin, double end)
{
    struct evidence *ev = &f->evidence;
    struct rng rng;
    rng_init(&rng, 7, "fixture");
    double outage = isfinite(f->result.measures.rto_upper_s) ? f->result.measures.rto_upper_s : 20;
    double back = which == FIXTURE_TINY || which == FIXTURE_DRIFT ? 0 : 22.0004 + outage;
    for (uint16_t stream = 0; stream < f->plan.stream_count; stream++) {
        const struct plan_stream *st = &f->plan.streams[stream];
        for (uint64_t k = 0;; k++) {
            double at = begin + (double)k * 1e6 / (double)st->rate_micro + 0.001 * stream;
            if (at >= end) {
                break;
            }
            bool failed_over = at >= back && at < 45.4 && back > 0, hit = st->vantage == 3;
            struct sample *s = &ev->samples[ev->sample_count++];
            double typical = (failed_over && at > 22 && hit ? 0.045 : 0.0205) + (which == FIXTURE_TINY ? -0.018 : 0);
            *s = (struct sample){.kind = SAMPLE_REQUEST,
                                 .stream = stream,
                                 .status = 200,
                                 .k = k,
                                 .planned_ns = ns(at),
                                 .sent_ns = ns(at + 0.0002),
                                 .epoch = 1,
                                 .key = UINT16_MAX,
                                 .region = failed_over && at > 22 ? EU_WEST : US_EAST,
                                 .write = st->kind == STREAM_WRITE ? WRITE_OK : WRITE_NONE};
            s->done_ns =
                s->planned_ns + ns(latency(&rng, typical) + (failed_over && at < back + 1.5 && hit ? 0.12 : 0));
            s->endpoint = s->region == EU_WEST ? 3 : 0;
            if (at >= 22.0034 && at < back) {
                s->region = EU_WEST;
                s->endpoint = 3;
                if (hit && !(at > back - 0.3 && k % 3 == 0)) {
                    s->status = 0;
                    spoil(s, &rng, at - 22);
                }
            }
        }
    }
    qsort(ev->samples, ev->sample_count, sizeof(*ev->samples), by_plan);
}

void fixture_fill_evidence(struct fixture *f, enum fixture_case which)
{
    struct evidence *ev = &f->evidence;
    struct arena *a = &f->result.arena;
    ev->path = f->in.run_path;
    ev->events = arena_array(a, struct event, EVENTS_MAX);
    ev->samples = arena_array(a, struct sample, 220 * 80);
    ev->switches = arena_array(a, struct sample, 8);
    if (which == FIXTURE_SKIPPED) {
        return;
    }
    fill_events(f, which);
    qsort(ev->events, ev->event_count, sizeof(*ev->events), by_time);
    for (size_t i = 0; i < ev->event_count; i++) {
        ev->events[i].seq = (int64_t)i;
    }
    fill_samples(f, which, which == FIXTURE_TINY ? 1 : 7,
                 which == FIXTURE_TINY ? 5 : fmin(82, f->result.run.duration_s));
    if (which == FIXTURE_TINY || which == FIXTURE_DRIFT) {
        return;
    }
    const double switched[] = {22.9, 23.6, 45.4};
    for (size_t i = 0; i < array_len(switched); i++) {
        ev->switches[ev->switch_count++] = (struct sample){.kind = SAMPLE_SWITCH,
                                                           .stream = 3,
                                                           .k = i == 0   ? 1
                                                                : i == 1 ? 2
                                                                         : 0,
                                                           .done_ns = ns(switched[i])};
    }
}
