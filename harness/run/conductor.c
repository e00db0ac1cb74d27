/* SPDX-License-Identifier: MIT */
/*
 * The phases of a drill, in order, and the one way out of it.
 *
 *     lab_up -> setup -> baseline -> fault -> failback -> quiesce -> final_read -> lab_down -> audit
 *
 * Any phase may end the drill early: a signal, an abort condition, a harness process that died, a baseline that was not
 * reached, a node that did not start. All roads lead through drill_end: open faults are healed last first, the
 * customers are sent home, the lab is closed, and the timeline gets its last line. What was measured until then stays.
 */
#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/run/audit.h"
#include "harness/run/carriage.h"
#include "harness/run/converge.h"
#include "harness/run/crowd.h"
#include "harness/run/drill.h"
#include "harness/run/finalread.h"
#include "harness/run/interrupt.h"
#include "harness/run/observe.h"
#include "harness/run/prelude.h"
#include "harness/run/roll.h"
#include "harness/run/schedule.h"
#include "harness/run/steady.h"
#include "harness/run/strike.h"
#include "harness/run/supervise.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WATCH_NS (250 * NS_PER_MS)
#define HEAL_PROOF_NS (8 * NS_PER_S)
#define SCENARIO_MAX (1024 * 1024)

void drill_stop(struct drill *d, const char *reason)
{
    if (d->stop)
        return;
    d->stop = true;
    if (d->held)
        return;
    if (d->applying)
        loop_limit(d->loop, loop_now(d->loop));
    snprintf(d->stop_reason, sizeof(d->stop_reason), "%.159s", reason);
    record_fact(&d->rec, EVENT_ABORT, NULL, NULL, reason, d->signal);
}

/* A worker or a wire that is gone makes every later number worthless: no use in going on. */
static void drill_watch(struct drill *d)
{
    const char *why = d->crowd ? crowd_failure(d->crowd) : NULL;
    struct err e = {0};
    why = why ? why : strikes_failure(d->strikes);
    if (!why && carriage_watch(d, &e) < 0)
        why = e.msg;
    if (d->roll)
        roll_call(d->roll, "exited");
    if (!why || d->stop)
        return;
    record_fact(&d->rec, EVENT_HARNESS, NULL, "error", why, 0);
    drill_stop(d, why);
}

static bool drill_late(const struct drill *d)
{
    return d->options->timeout_ns && record_now(&d->rec) > d->options->timeout_ns;
}

int drill_wait(struct drill *d, int64_t until_ns)
{
    while (!d->stop && record_now(&d->rec) < until_ns) {
        int64_t next = record_now(&d->rec) + WATCH_NS;
        struct err e = {0};
        if (loop_run(d->loop, (next < until_ns ? next : until_ns) + d->rec.zero_ns, &d->stop, &e) < 0)
            drill_stop(d, e.msg);
        drill_watch(d);
        if (drill_late(d))
            drill_stop(d, "--timeout has passed");
    }
    return !d->stop;
}

void drill_phase(struct drill *d, const char *name)
{
    if (d->phase)
        record_fact(&d->rec, EVENT_PHASE_END, d->phase, NULL, NULL, 0);
    d->phase = name;
    if (name)
        record_fact(&d->rec, EVENT_PHASE_BEGIN, name, NULL, NULL, 0);
}

static void drill_failed(struct drill *d, const struct err *e)
{
    scoped_text struct text what = {0};
    text_addf(&what, "%s%s%s", e->at, e->at[0] ? ": " : "", e->msg);
    record_fact(&d->rec, EVENT_HARNESS, NULL, "error", text_str(&what), 0);
    drill_stop(d, text_str(&what));
}

/* The ledger's chains belong to the workers' descriptors, but what fdatasync(2) makes durable belongs to the file. */
void drill_sync_ledger(struct drill *d)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/ledger.bin", d->options->run_path);
    scoped_fd int fd = open(text_str(&path), O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && fdatasync(fd) < 0)
        record_fact(&d->rec, EVENT_HARNESS, NULL, "error", "the ledger could not be made durable", errno);
}

/* Scenario time 0 comes at a random moment of the health-check period, so that repeats do not lock on to its tick. */
static void drill_zero(struct drill *d)
{
    struct rng rng;
    rng_init(&rng, d->plan->seed, "run/phase");
    drill_sync_ledger(d);
    record_clock(&d->rec, "inject");
    d->scenario_zero_ns = record_tick(&d->rec) + (int64_t)rng_below(&rng, (uint64_t)d->plan->phase_max_ns + 1);
    struct event ev = {.kind = EVENT_SCENARIO_ZERO, .at_ns = d->scenario_zero_ns, .end_ns = d->scenario_zero_ns};
    record_add(&d->rec, &ev);
}

static void drill_deed(struct drill *d, const struct deed *deed)
{
    if (deed->kind == DEED_APPLY)
        strikes_apply(d->strikes, deed->step);
    else if (deed->kind == DEED_HEAL)
        strikes_heal(d->strikes, deed->step, "for");
    else
        strikes_restore(d->strikes, deed->step);
}

static bool step_severs(const struct plan *p)
{
    for (size_t i = 0; i < p->step_count; i++)
        if (p->steps[i].action.type->class == ACTION_FAULT)
            return true;
    return false;
}

/* Faults that nothing ends stay until service has been stable for the fault's hold, at most until observation ends. */
static void drill_unhealed(struct drill *d)
{
    const struct plan *p = d->plan;
    int64_t hold = 0, end = d->scenario_zero_ns + p->observe_ns;
    for (size_t i = 0; i < p->step_count; i++)
        hold = p->steps[i].hold_ns > hold ? p->steps[i].hold_ns : hold;
    drill_wait(d, d->scenario_zero_ns + p->timeline_end_ns + hold);
    while (!d->stop && record_now(&d->rec) < end) {
        int64_t settled = steady_settled_ns(d->steady);
        if (steady_ratio(d->steady, settled - hold, settled) * (double)PPM >= (double)p->good_ratio_ppm)
            break;
        drill_wait(d, record_now(&d->rec) + WATCH_NS);
    }
}

static void drill_failback(struct drill *d)
{
    struct err e = {0};
    struct converge *c = NULL;
    int64_t healed = record_now(&d->rec), drilled = d->scenario_zero_ns + d->plan->drill_ns;
    bool writes = plan_rate_writes(d->plan) > 0 && step_severs(d->plan);
    drill_phase(d, "failback");
    if (writes && converge_new(&c, d, healed, &e) < 0)
        drill_failed(d, &e);
    drill_wait(d, drilled);
    while (!d->stop && record_now(&d->rec) < healed + HEAL_PROOF_NS && strikes_unsettled(d->strikes))
        drill_wait(d, record_now(&d->rec) + WATCH_NS);
    while (!d->stop && c && !converge_reached(c) && record_now(&d->rec) < healed + d->plan->converge_within_ns)
        drill_wait(d, record_now(&d->rec) + WATCH_NS);
    converge_free(c);
}

static void drill_break(struct drill *d)
{
    const struct plan *p = d->plan;
    scoped_free struct deed *deeds = xcalloc(2 * p->step_count + 1, sizeof(*deeds));
    size_t n = schedule_of(p, deeds);
    drill_phase(d, "fault");
    drill_zero(d);
    observer_positions(d->observer, false);
    for (size_t i = 0; i < n && drill_wait(d, d->scenario_zero_ns + deeds[i].at_ns); i++)
        drill_deed(d, &deeds[i]);
    if (strikes_open(d->strikes))
        drill_unhealed(d);
    strikes_rollback(d->strikes);
    record_clock(&d->rec, "heal");
    if (!d->stop)
        drill_failback(d);
}

static void drill_finish(struct drill *d)
{
    struct err e = {0};
    drill_phase(d, "quiesce");
    if (final_quiesce(d, &e) < 0) {
        drill_failed(d, &e);
        return;
    }
    if (d->stop)
        return;
    drill_phase(d, "final_read");
    if (final_reads(d, &e) < 0)
        drill_failed(d, &e);
}

/* Whether the drill came as far as breaking something; what happened otherwise is on record. */
static bool drill_course(struct drill *d)
{
    struct err e = {0};
    drill_phase(d, "setup");
    if (fabric_new(&d->fabric, d->lab, d->plan->topology, &e) < 0 || prelude_nodes(d, &e) < 0 ||
        (!d->stop && prelude_customers(d, &e) < 0)) {
        drill_failed(d, &e);
        return false;
    }
    supervisor_new(&d->supervisor, d);
    if (d->stop)
        return false;
    drill_phase(d, "baseline");
    if (!prelude_baseline(d))
        return false;
    drill_break(d);
    return true;
}

static void drill_close_lab(struct drill *d, struct interrupt *interrupt)
{
    strikes_rollback(d->strikes);
    carriage_record(d);
    strikes_disband(d->strikes);
    crowd_free(d->crowd);
    d->crowd = NULL;
    supervisor_free(d->supervisor);
    observer_free(d->observer);
    roll_free(steal(&d->roll));
    steady_free(d->steady);
    strikes_free(d->strikes);
    fabric_free(d->fabric);
    interrupt_deinit(interrupt);
    drill_phase(d, "lab_down");
    record_release(&d->rec);
    d->ops->close(d->lab);
}

static void drill_audit(struct drill *d, struct audit *a)
{
    audit_after(a, d);
    record_clock(&d->rec, "end");
    drill_phase(d, NULL);
}

static int drill_files(struct drill *d, struct err *e)
{
    const char *path = d->options->run_path;
    int64_t wall = clock_wall_ns();
    if (timeline_open(&d->rec.timeline, path, e) < 0 || samples_create(path, d->plan->sha256, wall, e) < 0)
        return -1;
    return plan_rate_writes(d->plan) > 0 ? ledger_create(path, wall, e) : 0;
}

static int drill_open_lab(struct drill *d, const struct lab_options *lab, struct audit *audit)
{
    struct err e = {0};
    audit_begin(audit, d);
    int64_t begin = record_tick(&d->rec);
    int failed = d->ops->open(&d->lab, d->plan->topology, lab, &e);
    if (failed == 0)
        d->loop = d->rec.loop = d->ops->loop(d->lab);
    int64_t end = record_tick(&d->rec);
    prelude_header(d);
    audit_before(audit, d);
    struct event up = {.kind = EVENT_PHASE_BEGIN, .at_ns = begin, .end_ns = begin, .subject = "lab_up"};
    record_add(&d->rec, &up);
    up.kind = EVENT_PHASE_END;
    up.at_ns = up.end_ns = end;
    record_add(&d->rec, &up);
    if (failed < 0)
        drill_failed(d, &e);
    return failed;
}

/* What was to be measured has been: nobody is watched any more, and whatever ends the wait ends nothing else. */
static void drill_hold(struct drill *d)
{
    if (!d->options->keep || d->stop)
        return;
    dprintf(STDERR_FILENO, "drtest: the lab is kept; Ctrl-C takes it down\n");
    d->held = true;
    while (!d->stop && !drill_late(d) && loop_run(d->loop, loop_now(d->loop) + WATCH_NS, &d->stop, NULL) == 0) {
    }
    d->held = d->stop = false;
    d->signal = 0;
}

/* Whether the promises were changed while they were being tested (gate G10): the file, hashed again. */
static void drill_end_line(struct drill *d, const char *outcome)
{
    scoped_text struct text now = {0};
    char sha256[SHA256_HEX];
    bool gone = text_read_file(&now, d->plan->file, SCENARIO_MAX, NULL) < 0;
    const char *text = text_behind_bom(text_str(&now));
    bool same = gone || text_eq(text, d->plan->text);
    snprintf(sha256, sizeof(sha256), "%s", d->plan->sha256);
    if (!same)
        sha256_hex(text, strlen(text), sha256);
    struct err e = {0};
    json_t *seals = evidence_seals(d->options->run_path, &e);
    if (!seals)
        drill_failed(d, &e);
    int64_t at = record_now(&d->rec);
    struct event ev = {.kind = EVENT_END, .at_ns = at, .end_ns = at, .outcome = outcome, .code = d->signal,
                       .detail = d->stop_reason[0] ? d->stop_reason : NULL,
                       .data = json_pack("{s:s,s:o*}", "scenario_sha256", sha256, "seals", seals)};
    record_add(&d->rec, &ev);
    json_decref(ev.data);
}

int run_drill(const struct plan *plan, const struct run_options *o, int *signal_seen, struct err *e)
{
    bool simulated = o->lab == &lab_sim;
    struct drill d = {.plan = plan, .options = o, .ops = o->lab, .rec.progress = o->progress};
    d.rec.zero_ns = simulated ? 0 : clock_mono_ns();
    struct lab_options lab = {.run_path = o->run_path, .gateway_path = o->gateway_path, .seed = plan->seed,
                              .zero_ns = d.rec.zero_ns};
    scoped_free unsigned *link_effects = xcalloc(plan->topology->link_count + 1, sizeof(*link_effects));
    run_link_effects(plan, link_effects);
    lab.link_effects = link_effects;
    lab.effects = run_effects(plan);
    memcpy(lab.forced, o->forced, sizeof(lab.forced));
    struct interrupt interrupt = {.fd = -1};
    struct audit audit = {0};
    const char *outcome = "void";
    if (drill_files(&d, e) < 0)
        return -1;
    if (drill_open_lab(&d, &lab, &audit) == 0) {
        if (interrupt_init(&interrupt, &d, e) == 0) {
            bool broken = drill_course(&d);
            strikes_rollback(d.strikes);
            if (broken)
                drill_finish(&d);
            drill_hold(&d);
            outcome = d.stop ? "interrupted" : broken ? "completed" : "void";
        }
        drill_close_lab(&d, &interrupt);
    }
    drill_audit(&d, &audit);
    drill_end_line(&d, outcome);
    timeline_close(d.rec.timeline);
    *signal_seen = d.signal;
    return d.rec.failure.kind ? err_set(e, d.rec.failure.kind, d.rec.failure.at, "%s", d.rec.failure.msg) : 0;
}

int run_unfit(const struct plan *plan, const struct run_options *o, const char *reason, struct err *e)
{
    struct drill d = {.plan = plan, .options = o, .ops = o->lab};
    if (drill_files(&d, e) < 0)
        return -1;
    prelude_header(&d);
    record_fact(&d.rec, EVENT_END, NULL, "unfit", reason, 0);
    timeline_close(d.rec.timeline);
    return d.rec.failure.kind ? err_set(e, d.rec.failure.kind, d.rec.failure.at, "%s", d.rec.failure.msg) : 0;
}
