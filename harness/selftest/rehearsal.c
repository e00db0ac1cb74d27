/* SPDX-License-Identifier: MIT */
/*
 * The course of one outage: some good service (the hold of the one before), a pause of random length so that the phase
 * against the plan's instants is random, the order, the outage, the hold. The server ends the outage by itself and
 * writes down when; the instants it wrote are the truth, and the owner only waits until they are written.
 *
 * Lengths are random between a floor and 300 ms more. The floor is what the method needs: five gaps, the least for
 * which an RTO target is accepted at all. The last phase of a flap is longer than any stall that leaves the rehearsal
 * valid, since an outage that a stall hides from all requests but one would be tolerated as a blip.
 *
 * `half` and an outage that never ends are watched for a while and cut off before they end.
 *
 * sigma is asked of the measures for the client's side and of the server's journal for its own, from the fault to the
 * first good reply (to the end where there is none).
 *
 * A machine may be too busy to tell. Then the outage is void, no pass and no failure, and the caller has it done again.
 * It is void when a gate of the drill tripped; when both sides together were later than a drill may be (G7), T_req past
 * the first good reply included, since requests of the outage time out until then; and when the good service around it
 * was slow: with a baseline p99 near T_req, time-outs of the outage itself count as suspects, and a client that can
 * send in time but not take the answers in time has time-outs that nobody scripted. Only good replies are asked how
 * long they took: bad ones where the script has none are a finding, not an excuse.
 */
#include "harness/selftest/rehearsal.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/measure.h"
#include "harness/measure/quality.h"
#include "harness/measure/rto.h"
#include "harness/selftest/closed_loop.h"
#include "harness/selftest/stage.h"
#include <math.h>
#include <string.h>

#define BASELINE_NS (300 * NS_PER_MS)
#define BASELINE_GUARD_NS (50 * NS_PER_MS) /* what may be in flight when the fault comes is no baseline */
#define WARM_UP_NS (450 * NS_PER_MS)
#define VARIES_NS (300 * NS_PER_MS)
#define MARGIN_NS (150 * NS_PER_MS) /* of the hold, for stalls that leave the rehearsal valid */
#define WATCH_NS (700 * NS_PER_MS)  /* of what never recovers */
#define DEAD_NS (1300 * NS_PER_MS)  /* of the negative control: longer than the rto target */
#define LAST_FLAP_NS (130 * NS_PER_MS)
#define SLOWER_NS (100 * NS_PER_MS)
#define VOID_LATE_NS (STAGE_RTO_NS / 10)
#define STEADY_PART 5 /* baseline p99 at most this part of T_req */

/* The instants of one outage, loop time. */
struct course {
    int64_t from_ns, ib_ns, ie_ns, end_ns;
    size_t first_change; /* in the server's journal */
};

struct rehearsal {
    const struct rehearsal_config *config;
    struct stage stage;
    struct outage_server server;
    struct closed_loop *closed;
    struct rng rng;
    struct course courses[REHEARSAL_OUTAGES];
};

static bool comes_back(const struct outage_script *s)
{
    return !s->never && s->mode != OUTAGE_HALF;
}

static int64_t settle_ns(const struct rehearsal_config *c)
{
    return STAGE_HOLD_NS + 6 * c->gap_ns + MARGIN_NS;
}

static int64_t floor_ns(const struct rehearsal_config *c)
{
    return 50 * NS_PER_MS + 5 * c->gap_ns;
}

static int64_t draw(struct rehearsal *r, int64_t from_ns, int64_t more_ns)
{
    return from_ns + (int64_t)rng_below(&r->rng, (uint64_t)more_ns);
}

static struct outage_order order_of(struct rehearsal *r, const struct outage_script *s)
{
    struct outage_order o = {.mode = s->mode, .phase_count = 1};
    int64_t gap = r->config->gap_ns;
    o.phases_ns[0] = draw(r, floor_ns(r->config), VARIES_NS);
    if (!comes_back(s))
        o.phases_ns[0] = s->never ? 3600 * NS_PER_S : WATCH_NS + 2 * MARGIN_NS;
    if (s->mode == OUTAGE_FLAP) {
        o.phase_count = rng_below(&r->rng, 2) ? 5 : 3;
        for (size_t i = 0; i < o.phase_count; i++)
            o.phases_ns[i] = draw(r, 30 * NS_PER_MS + 3 * gap, 60 * NS_PER_MS);
        o.phases_ns[o.phase_count - 1] += LAST_FLAP_NS;
    }
    return o;
}

static int64_t order_length(const struct outage_order *o)
{
    int64_t sum = 0;
    for (size_t i = 0; i < o->phase_count; i++)
        sum += o->phases_ns[i];
    return sum;
}

static const struct outage_change *change_at(const struct rehearsal *r, size_t i)
{
    const struct outage_journal *j = r->server.journal;
    return i < atomic_load_explicit(&j->change_count, memory_order_acquire) ? &j->changes[i] : NULL;
}

/* Until the server has written down the last change of an order, a second at most. */
static int await_end(struct rehearsal *r, size_t last_change, struct err *e)
{
    int64_t bound = loop_tick(r->stage.loop) + NS_PER_S;
    while (!change_at(r, last_change)) {
        if (loop_now(r->stage.loop) >= bound)
            return err_set(e, ERR_RUN, "selftest", "the outage server did not end its outage in time");
        if (stage_run(&r->stage, loop_now(r->stage.loop) + NS_PER_MS, e) < 0)
            return -1;
    }
    return 0;
}

static int outage_perform(struct rehearsal *r, size_t i, struct err *e)
{
    const struct outage_script *script = &r->config->scripts[i];
    struct stage *s = &r->stage;
    struct course *c = &r->courses[i];
    uint16_t id = (uint16_t)(i + 1);
    struct outage_order o = order_of(r, script);
    if (stage_run(s, loop_tick(s->loop) + draw(r, 0, 20 * NS_PER_MS + r->config->gap_ns), e) < 0)
        return -1;
    c->first_change = atomic_load(&r->server.journal->change_count);
    c->ib_ns = loop_tick(s->loop);
    if (outage_server_order(&r->server, &o, e) < 0)
        return -1;
    c->ie_ns = loop_tick(s->loop);
    c->from_ns = c->ib_ns - BASELINE_NS;
    stage_note(s, EVENT_BASELINE, id, NULL, "met", c->from_ns, c->ib_ns - BASELINE_GUARD_NS);
    stage_note(s, EVENT_FAULT_APPLY, id, "truth", "ok", c->ib_ns, c->ie_ns);
    stage_note(s, EVENT_FAULT_PROOF, id, "truth", "proven", c->ie_ns, c->ie_ns);
    int64_t watched = script->never ? DEAD_NS : comes_back(script) ? order_length(&o) + settle_ns(r->config) : WATCH_NS;
    if (stage_run(s, c->ib_ns + watched, e) < 0)
        return -1;
    if (comes_back(script) && await_end(r, c->first_change + o.phase_count, e) < 0)
        return -1;
    c->end_ns = loop_tick(s->loop);
    stage_note(s, EVENT_PHASE_BEGIN, id, "quiesce", NULL, c->end_ns, c->end_ns);
    if (script->never || comes_back(script))
        return 0;
    if (await_end(r, c->first_change + 1, e) < 0)
        return -1;
    return stage_run(s, loop_tick(s->loop) + BASELINE_NS + MARGIN_NS, e);
}

/* ---- judging ---- */

/* Returns the instant from which it was well again, loop time. */
static int64_t read_truth(const struct rehearsal *r, size_t i, struct outage_record *out)
{
    const struct outage_journal *j = r->server.journal;
    const struct course *c = &r->courses[i];
    const struct outage_change *first = &j->changes[c->first_change], *last = first; /* there since the order */
    size_t n = atomic_load_explicit(&j->change_count, memory_order_acquire);
    for (size_t k = c->first_change; k < n && j->changes[k].before_ns < c->end_ns; k++) {
        if (j->changes[k].mode == OUTAGE_NONE)
            out->down_ns += j->changes[k].before_ns - last->before_ns;
        else
            out->down_phases++;
        last = &j->changes[k];
    }
    bool back = last->mode == OUTAGE_NONE;
    out->truth_lo_ns = back ? last->before_ns - first->after_ns : c->end_ns - first->after_ns;
    out->truth_hi_ns = back ? last->after_ns - first->before_ns : INT64_MAX - 2 * CLOCK_READ_NS;
    return last->before_ns;
}

/* How late we were between the fault and the first good reply, and how long that one took once it could be served.
 * Returns how late we were until nothing of the outage was under way any more. */
static int64_t read_lateness(const struct rehearsal *r, size_t i, const struct stage_slice *slice, int64_t up_ns,
                          struct outage_record *out)
{
    struct arena arena = {0};
    struct study study;
    struct rto_run rto;
    const struct course *c = &r->courses[i];
    int64_t zero = r->stage.zero_ns, until = c->end_ns;
    study_make(&study, &slice->plan, &slice->evidence, &arena);
    quality_prepare(&study);
    rto_measure(&study, &rto);
    const struct stream_rto *w = rto.worst;
    if (w && w->fg != NO_INDEX && !out->never) {
        const struct sample *fg = w->stream->at[w->fg];
        int64_t could = fg->sent_ns + zero > up_ns ? fg->sent_ns + zero : up_ns;
        until = fg->done_ns + zero;
        out->service_ns = until > could ? until - could : 0;
    }
    out->client_late_ns = lateness_in(&study, c->ib_ns - zero, until - zero);
    out->server_late_ns = outage_server_lateness(&r->server, c->ib_ns, until);
    int64_t landed = until + out->timeout_ns;
    int64_t late = lateness_in(&study, c->ib_ns - zero, landed - zero) +
                   outage_server_lateness(&r->server, c->ib_ns, landed);
    arena_deinit(&arena);
    return late;
}

static int64_t in_ns(double s, int64_t none)
{
    return isnan(s) ? none : llround(s * 1e9);
}

static void read_result(const struct result *result, struct outage_record *out)
{
    const struct result_measures *m = &result->measures;
    const struct result_objective *rto = &result->objectives.at[0]; /* the plan's first target */
    out->lower_ns = in_ns(m->rto_lower_s, 0);
    out->upper_ns = in_ns(m->rto_upper_s, INT64_MAX);
    out->loss_ns = in_ns(m->full_outage_equivalent_s, 0);
    out->verdict = rto->verdict;
    out->recovered_never = text_eq(rto->recovered_by, "never");
    out->injection_ns = in_ns(result->quality.injection_width_ms / 1e3, 0);
    out->valid = result->quality.valid;
    for (size_t i = 0; i < result->checks.len && !out->valid; i++) {
        const struct result_check *c = &result->checks.at[i];
        if (c->verdict != MET && !*out->why)
            snprintf(out->why, sizeof(out->why), "%s: %s", c->name, c->detail ? c->detail : "");
    }
}

static void count_beside(const struct rehearsal *r, size_t i, const struct evidence *ev, struct outage_record *out)
{
    const struct course *c = &r->courses[i];
    int64_t from = c->ib_ns - r->stage.zero_ns, to = c->end_ns - r->stage.zero_ns;
    for (size_t k = 0; k < ev->sample_count; k++) {
        const struct sample *x = &ev->samples[k];
        if (x->planned_ns < from || x->planned_ns >= to)
            continue;
        out->beside.open_all++;
        out->beside.open_bad += x->outcome != OUTCOME_GOOD;
    }
    struct closed_loop_count n = closed_loop_count(r->closed, c->ib_ns, c->end_ns);
    out->beside.closed_all = n.all;
    out->beside.closed_bad = n.bad;
    out->beside.span_ns = to - from;
}

static void limit(struct outage_record *out, const char *what, int64_t is_ns, int64_t limit_ns)
{
    if (is_ns <= limit_ns || !out->valid)
        return;
    out->valid = false;
    snprintf(out->why, sizeof(out->why), "%s: %.1f ms, %.1f ms are the limit", what, (double)is_ns / 1e6,
             (double)limit_ns / 1e6);
}

/* Was the machine too busy to tell? */
static void look_for_trouble(const struct rehearsal *r, size_t i, const struct evidence *ev, int64_t late_ns,
                             int64_t up_ns, struct outage_record *out)
{
    const struct course *c = &r->courses[i];
    int64_t zero = r->stage.zero_ns, steady = r->config->timeout_ns / STEADY_PART;
    struct baseline before = baseline_of(ev->samples, ev->sample_count, c->from_ns - zero,
                                         c->ib_ns - BASELINE_GUARD_NS - zero);
    struct baseline after = baseline_of(ev->samples, ev->sample_count, up_ns - zero, c->end_ns - zero);
    limit(out, "client and server together were late", late_ns, VOID_LATE_NS);
    limit(out, "p99 before the outage", before.p99_ns, steady);
    if (!out->never)
        limit(out, "p99 after the outage", after.p99_ns, steady);
}

static int outage_judge(struct rehearsal *r, size_t i, const struct evidence *ev, struct outage_record *out,
                        struct err *e)
{
    struct measure_context context = {.run_id = "selftest", .repeat_index = 1, .repeat_count = 1};
    const struct rehearsal_config *config = r->config;
    const struct course *c = &r->courses[i];
    struct stage_slice slice;
    struct result *result = NULL;
    *out = (struct outage_record){.mode = config->scripts[i].mode, .never = !comes_back(&config->scripts[i]),
                                  .gap_ns = config->gap_ns, .timeout_ns = config->timeout_ns};
    stage_slice(&r->stage, ev, (uint16_t)(i + 1), c->from_ns, c->end_ns, &slice);
    int failed = measure_run(&slice.plan, &slice.evidence, &context, &result, e);
    if (!failed) {
        int64_t up = read_truth(r, i, out);
        int64_t late = read_lateness(r, i, &slice, up, out);
        read_result(result, out);
        count_beside(r, i, &slice.evidence, out);
        look_for_trouble(r, i, &slice.evidence, late, up, out);
        if (config->watcher && config->watcher->outage)
            config->watcher->outage(config->watcher->arg, c->from_ns, c->ib_ns, c->ie_ns, c->end_ns, out);
    }
    result_free(result);
    stage_slice_deinit(&slice);
    return failed;
}

static int rehearsal_judge(struct rehearsal *r, struct outage_record *records, struct err *e)
{
    struct evidence *ev = NULL;
    int failed = evidence_load(&ev, r->stage.path, e);
    for (size_t i = 0; !failed && i < r->config->script_count; i++)
        failed = outage_judge(r, i, ev, &records[i], e);
    evidence_free(ev);
    return failed;
}

/* ---- the whole ---- */

static int rehearsal_begin(struct rehearsal *r, struct err *e)
{
    const struct rehearsal_config *c = r->config;
    struct stage_config stage = {.seed = c->seed, .gap_ns = c->gap_ns, .timeout_ns = c->timeout_ns, .reads = true,
                                 .step_count = c->script_count, .scratch = c->scratch, .name = c->name};
    if (outage_server_start(&r->server, c->host, c->timeout_ns + SLOWER_NS, e) < 0 ||
        stage_open(&r->stage, &stage, r->server.address, r->server.ports[DOOR_WORKER], e) < 0)
        return -1;
    if (c->watcher && c->watcher->begin &&
        c->watcher->begin(c->watcher->arg, r->server.address, r->server.ports[DOOR_WATCHER], c->gap_ns, c->timeout_ns,
                          e) < 0)
        return -1;
    struct closed_loop_config closed = {.address = r->server.address, .port = r->server.ports[DOOR_CLOSED_LOOP],
                                        .target = "/v1/orders?key=k0", .gap_ns = c->gap_ns,
                                        .timeout_ns = c->timeout_ns, .seed = c->seed};
    closed_loop_new(&r->closed, &closed, r->stage.loop, r->stage.transport);
    worker_start(r->stage.worker, loop_tick(r->stage.loop) + 20 * NS_PER_MS);
    return stage_run(&r->stage, loop_tick(r->stage.loop) + WARM_UP_NS, e);
}

int rehearsal_perform(const struct rehearsal_config *c, struct outage_record *records, struct err *e)
{
    struct rehearsal r = {.config = c, .server = {.control = -1}};
    rng_init(&r.rng, c->seed, "rehearsal");
    int failed = rehearsal_begin(&r, e);
    for (size_t i = 0; !failed && i < c->script_count; i++)
        failed = outage_perform(&r, i, e);
    if (r.closed)
        closed_loop_stop(r.closed);
    failed = failed || stage_finish(&r.stage, e) < 0;
    while (!failed && !closed_loop_idle(r.closed)) /* bounded by its time-out */
        failed = stage_run(&r.stage, loop_tick(r.stage.loop) + 5 * NS_PER_MS, e) < 0;
    if (c->watcher && c->watcher->end)
        c->watcher->end(c->watcher->arg);
    failed = failed || rehearsal_judge(&r, records, e) < 0;
    closed_loop_free(r.closed);
    stage_close(&r.stage);
    outage_server_stop(&r.server);
    return failed ? -1 : 0;
}

int64_t rehearsal_planned_ns(const struct rehearsal_config *c)
{
    return WARM_UP_NS + (int64_t)c->script_count * (floor_ns(c) + VARIES_NS / 2 + settle_ns(c));
}
