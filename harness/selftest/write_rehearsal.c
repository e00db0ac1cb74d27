/* SPDX-License-Identifier: MIT */
/*
 * Write by write. Expected of each one, by the store's journal: its outcome (said ok, denied, nothing), whether it is
 * in every region, in some, or twice in one; and whether its loss is one from before the fault or after it. Where the
 * write was in flight at the fault, either side of it is right. The counts of the result must be the sums of all that.
 *
 * The RPO's truth: nothing lost before the fault, 0. Else the age, at the fault, of the moment up to which nothing is
 * missing: when the oldest lost write took effect; for a lagging region that is the lag itself, which lies
 * between the last write that got through and the first that did not, as the interval does.
 *
 * A client that did not get its answer (a stalled machine) knows less than the store; the drill is void then.
 */
#include "harness/selftest/write_rehearsal.h"
#include "harness/base/err.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/measure/join.h"
#include "harness/measure/measure.h"
#include "harness/selftest/acceptance.h"
#include "harness/selftest/stage.h"
#include <math.h>
#include <string.h>

#define GAP_NS (5 * NS_PER_MS)
#define TIMEOUT_NS (2 * NS_PER_S)
#define BEFORE_NS (500 * NS_PER_MS)
#define BASELINE_NS (300 * NS_PER_MS)
#define BASELINE_GUARD_NS (50 * NS_PER_MS)
#define AFTER_NS (700 * NS_PER_MS)
#define READ_NS (10 * NS_PER_S)

struct write_rehearsal {
    const struct write_rehearsal_config *config;
    struct stage stage;
    struct write_server server;
    int64_t lag_ns, ib_ns, ie_ns;
    struct rng rng;
};

static int final_reads(struct write_rehearsal *r, struct err *e)
{
    struct stage *s = &r->stage;
    const struct readback_source sources[] = {
        {.region = UINT16_MAX, .address = r->server.address, .port = r->server.ports[WRITE_PORT_GATEWAY]},
        {.region = 0, .address = r->server.address, .port = r->server.ports[WRITE_PORT_FIRST]},
        {.region = 1, .address = r->server.address, .port = r->server.ports[WRITE_PORT_SECOND]}};
    uint32_t next = 1;
    for (unsigned pass = PASS_LIVE; pass <= PASS_COLD; pass++) {
        bool complete;
        struct readback_config c = {.run_path = s->path, .run_id = "selftest", .zero_ns = s->zero_ns,
                                    .deadline_ns = loop_tick(s->loop) + READ_NS, .pass = (uint8_t)pass,
                                    .first_read = next,
                                    .chain = (uint16_t)(LEDGER_CHAIN_READ + pass), .sources = sources,
                                    .source_count = array_len(sources)};
        if (readback_run(&c, s->loop, s->transport, &complete, &next, e) < 0)
            return -1;
    }
    return 0;
}

static void note_fault(struct write_rehearsal *r)
{
    struct stage *s = &r->stage;
    int64_t ib = r->ib_ns, ie = r->ie_ns;
    stage_note(s, EVENT_BASELINE, 1, NULL, "met", ib - BASELINE_NS, ib - BASELINE_GUARD_NS);
    stage_note(s, r->config->null_drill ? EVENT_ACTION : EVENT_FAULT_APPLY, 1, "truth", "ok", ib, ie);
    if (!r->config->null_drill)
        stage_note(s, EVENT_FAULT_PROOF, 1, "truth", "proven", ie, ie);
}

static int course(struct write_rehearsal *r, struct err *e)
{
    struct stage *s = &r->stage;
    const struct write_rehearsal_config *c = r->config;
    struct stage_config stage = {.seed = c->seed, .gap_ns = GAP_NS, .timeout_ns = TIMEOUT_NS, .reads = c->null_drill,
                                 .writes = true, .null_drill = c->null_drill, .step_count = 1, .scratch = c->scratch,
                                 .name = c->name};
    if (write_server_start(&r->server, c->host, c->lie, r->lag_ns, e) < 0 ||
        stage_open(s, &stage, r->server.address, r->server.ports[WRITE_PORT_GATEWAY], e) < 0)
        return -1;
    int64_t start = loop_tick(s->loop) + 20 * NS_PER_MS;
    worker_start(s->worker, start);
    if (stage_run(s, start + BEFORE_NS + (int64_t)rng_below(&r->rng, 2 * GAP_NS), e) < 0)
        return -1;
    r->ib_ns = loop_tick(s->loop);
    if (!c->null_drill && write_server_fault(&r->server, e) < 0)
        return -1;
    r->ie_ns = loop_tick(s->loop);
    note_fault(r);
    if (stage_run(s, r->ie_ns + AFTER_NS, e) < 0)
        return -1;
    int64_t end = loop_tick(s->loop);
    stage_note(s, EVENT_PHASE_BEGIN, 0, "quiesce", NULL, end, end);
    worker_stop(s->worker);
    if (stage_run(s, end + LIE_DELAY_NS + 100 * NS_PER_MS, e) < 0 || final_reads(r, e) < 0)
        return -1;
    return stage_finish(s, e);
}

/* ---- judging ---- */

static const struct write_entry *entry_of(const struct write_journal *j, uint64_t seq)
{
    for (size_t i = 0; i < j->count; i++)
        if (j->entries[i].seq == seq)
            return &j->entries[i];
    return NULL;
}

static const char *set_wrong(const struct write *w, const struct write_entry *truth)
{
    static const uint8_t outcomes[] = {
        [SAID_OK] = WRITE_OK, [SAID_DENIED] = WRITE_FAIL, [SAID_NOTHING] = WRITE_UNKNOWN};
    if (w->outcome != outcomes[truth->said])
        return "its outcome";
    if (w->everywhere != (truth->copies[0] && truth->copies[1]))
        return "being everywhere";
    if (w->anywhere != (truth->copies[0] || truth->copies[1]))
        return "being somewhere";
    if (w->twice != (truth->copies[0] > 1 || truth->copies[1] > 1))
        return "being stored twice";
    return w->corrupt ? "its content" : NULL;
}

/* Was a lost write put on the right side of the fault? In flight at the fault, both are. */
static bool side_right(const struct write_rehearsal *r, const struct result *result, const struct write *w,
                       const struct write_entry *truth)
{
    const char *when = NULL;
    for (size_t i = 0; i < result->ledger.lost.len; i++)
        if (result->ledger.lost.at[i].id == (int64_t)w->id)
            when = result->ledger.lost.at[i].when;
    bool in_flight = w->inv_ns <= r->ie_ns - r->stage.zero_ns && w->ack_ns >= r->ib_ns - r->stage.zero_ns;
    const char *right = truth->effect_ns > r->server.journal->fault_before_ns ? "after" : "before";
    return when && (in_flight || text_eq(when, right));
}

static void blame(struct write_record *out, const struct write *w, const char *what)
{
    out->wrong++;
    if (!*out->why)
        snprintf(out->why, sizeof(out->why), "write c%u-%llu: the measures and the store differ in %s",
                 (unsigned)w->client, (unsigned long long)(w->id & UINT32_MAX), what);
}

static void compare_sets(const struct write_rehearsal *r, const struct ledger_view *l, const struct result *result,
                         struct write_record *out)
{
    const struct result_ledger *m = &result->ledger;
    int64_t lost = 0, gone = 0, twice = 0, contradicted = 0, landed = 0, vanished = 0;
    for (size_t i = 0; i < l->write_count; i++) {
        const struct write *w = &l->writes[i];
        const struct write_entry *truth = entry_of(r->server.journal, w->id & UINT32_MAX);
        const char *wrong = truth ? set_wrong(w, truth) : "having been received";
        bool everywhere = truth && truth->copies[0] && truth->copies[1];
        bool anywhere = truth && (truth->copies[0] || truth->copies[1]);
        if (truth && truth->said == SAID_OK && !everywhere) {
            lost++;
            gone += !anywhere;
            wrong = wrong || side_right(r, result, w, truth) ? wrong : "the side of the fault";
        }
        twice += truth && (truth->copies[0] > 1 || truth->copies[1] > 1);
        contradicted += truth && truth->said == SAID_DENIED && anywhere;
        landed += truth && truth->said == SAID_NOTHING && everywhere;
        vanished += truth && truth->said == SAID_NOTHING && !everywhere;
        if (wrong)
            blame(out, w, wrong);
    }
    out->writes = (int64_t)l->write_count;
    out->sets_exact = out->wrong == 0 && (size_t)out->writes == r->server.journal->count &&
                      m->lost_before_count + m->lost_after_count == lost && m->gone_count == gone &&
                      m->stranded_count == lost - gone && m->duplicated_count == twice &&
                      m->contradicted_count == contradicted && m->landed_count == landed &&
                      m->vanished_count == vanished && m->foreign_count == 0 && m->corrupt_count == 0;
}

static int64_t rpo_truth(const struct write_rehearsal *r)
{
    const struct write_journal *j = r->server.journal;
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < j->count; i++) {
        const struct write_entry *w = &j->entries[i];
        bool lost = w->said == SAID_OK && !(w->copies[0] && w->copies[1]);
        if (lost && w->effect_ns <= j->fault_before_ns && w->effect_ns < oldest)
            oldest = w->effect_ns;
    }
    if (oldest == INT64_MAX)
        return 0;
    return r->config->lie == LIE_LAGGING ? r->lag_ns : j->fault_before_ns - oldest;
}

static void take_counts(const struct result *result, struct write_record *out)
{
    const struct result_ledger *m = &result->ledger;
    out->lost_before = m->lost_before_count;
    out->lost_after = m->lost_after_count;
    out->gone = m->gone_count;
    out->stranded = m->stranded_count;
    out->duplicated = m->duplicated_count;
    out->contradicted = m->contradicted_count;
    out->landed = m->landed_count;
    out->vanished = m->vanished_count;
    const struct result_measures *v = &result->measures;
    out->lower_ns = isnan(v->rpo_lower_s) ? 0 : llround(v->rpo_lower_s * 1e9);
    out->upper_ns = isnan(v->rpo_upper_s) ? INT64_MAX : llround(v->rpo_upper_s * 1e9);
}

/* Null drill: nothing bad, RTO from 0, nothing lost, every check met. */
static bool null_accepted(const struct result *result, struct write_record *out)
{
    const struct result_requests *q = &result->requests;
    bool clean = q->bad_count == 0 && q->intended_count > 0 && result->measures.rto_lower_s == 0 &&
                 result->run.verdict == MET;
    if (!clean && !*out->why)
        snprintf(out->why, sizeof(out->why), "%lld bad requests, verdict %s: %s", (long long)q->bad_count,
                 verdict_words[result->run.verdict], result->run.reason ? result->run.reason : "");
    return clean;
}

static void judge_result(struct write_rehearsal *r, const struct evidence *ev, const struct result *result,
                         struct write_record *out)
{
    struct arena arena = {0};
    struct study study;
    struct ledger_view ledger;
    study_make(&study, &r->stage.plan, ev, &arena);
    ledger_join(&study, &ledger);
    out->valid = result->quality.valid && result->ledger.final_read_complete && !r->server.journal->overflow &&
                 result->requests.timeout_count == 0;
    for (size_t i = 0; i < result->checks.len && !out->valid; i++)
        if (result->checks.at[i].verdict != MET && !*out->why)
            snprintf(out->why, sizeof(out->why), "%s: %s", result->checks.at[i].name,
                     result->checks.at[i].detail ? result->checks.at[i].detail : "");
    take_counts(result, out);
    compare_sets(r, &ledger, result, out);
    out->truth_ns = rpo_truth(r);
    out->rpo_inside = out->lower_ns <= out->truth_ns + CLOCK_READ_NS &&
                      (out->upper_ns == INT64_MAX || out->truth_ns <= out->upper_ns + CLOCK_READ_NS);
    out->accepted = out->sets_exact && out->rpo_inside && (!out->null_drill || null_accepted(result, out));
    arena_deinit(&arena);
}

static int judge(struct write_rehearsal *r, struct write_record *out, struct err *e)
{
    struct measure_context context = {.run_id = "selftest", .repeat_index = 1, .repeat_count = 1};
    struct evidence *ev = NULL;
    struct result *result = NULL;
    int failed = evidence_load(&ev, r->stage.path, e) < 0 || measure_run(&r->stage.plan, ev, &context, &result, e) < 0;
    if (!failed)
        judge_result(r, ev, result, out);
    result_free(result);
    evidence_free(ev);
    return failed ? -1 : 0;
}

int write_rehearsal_perform(const struct write_rehearsal_config *c, struct write_record *out, struct err *e)
{
    struct write_rehearsal r = {.config = c, .server = {.control = -1}};
    rng_init(&r.rng, c->seed, "writes");
    r.lag_ns = 40 * NS_PER_MS + (int64_t)rng_below(&r.rng, 200 * NS_PER_MS);
    *out = (struct write_record){.lie = c->lie, .null_drill = c->null_drill, .gap_ns = GAP_NS};
    int failed = course(&r, e) < 0 || judge(&r, out, e) < 0;
    stage_close(&r.stage);
    write_server_stop(&r.server);
    return failed ? -1 : 0;
}
