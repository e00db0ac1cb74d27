/* SPDX-License-Identifier: MIT */
/* The guard: heals that fail or hang, in a lab that does so on order. Each node
 * of the fake lab is killed by one fault. */
#include "harness/run/strike_private.h"

#include "harness/base/child.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/evidence_read.h"
#include "harness/run/guard.h"
#include "harness/run/roll.h"
#include "injectors/injector.h"
#include "tests/unit/lab/fake_lab.h"
#include "tests/unit/runner.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = FAKE_NODES - 1 };

static char folder[] = "/tmp/drtest-strike.XXXXXX";
static struct plan_step steps[STEPS];
static struct plan plan;
static struct fake_lab *lab;
static struct run_options options;
static struct drill d;

static void set_stage(const char *verb)
{
    struct err e = {0};
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    lab = fake_lab_new();
    for (uint16_t i = 0; i < STEPS; i++) {
        steps[i] = (struct plan_step){.id = (uint16_t)(i + 1), .text = verb, .until_ns = INT64_MAX,
                                      .action = {.type = &injector_find(verb)->type, .target = TARGET_NODE, .node = i,
                                                 .grace_ns = 50 * NS_PER_S}};
    }
    plan = (struct plan){.topology = &lab->topo, .steps = steps, .step_count = STEPS};
    options = (struct run_options){.run_path = folder, .lab = lab->lab.ops};
    d = (struct drill){.plan = &plan, .options = &options, .ops = lab->lab.ops, .lab = &lab->lab, .loop = lab->loop};
    CU_ASSERT_EQUAL_FATAL(timeline_open(&d.rec.timeline, folder, &e), 0);
    d.rec.loop = d.loop;
    record_fact(&d.rec, EVENT_HEADER, NULL, NULL, NULL, 0);
    CU_ASSERT_EQUAL_FATAL(fabric_new(&d.fabric, d.lab, &lab->topo, &e), 0);
    roll_new(&d.roll, &d);
    CU_ASSERT_EQUAL_FATAL(strikes_new(&d.strikes, &d, &e), 0);
}

static void kill_all(void)
{
    set_stage("kill");
    for (size_t i = 0; i < STEPS; i++) {
        strikes_apply(d.strikes, &steps[i]);
    }
    CU_ASSERT_EQUAL(strikes_open(d.strikes), STEPS);
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void clear_stage(void)
{
    strikes_free(d.strikes);
    roll_free(d.roll);
    fabric_free(d.fabric);
    fake_lab_free(lab);
    CU_ASSERT_EQUAL(nftw(folder, discard, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* What the timeline says of each heal, by step: NULL it went well. In an arena of ev. */
static void heals(struct evidence **ev, const char *said[STEPS], double took_s[STEPS])
{
    size_t n = 0;
    timeline_close(d.rec.timeline);
    CU_ASSERT_EQUAL_FATAL(samples_create(folder, "", 0, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(evidence_load(ev, folder, NULL), 0);
    for (size_t i = 0; i < (*ev)->event_count; i++) {
        const struct event *event = &(*ev)->events[i];
        if (event->kind == EVENT_FAULT_HEAL) {
            said[event->code - 1] = event->detail;
            took_s[event->code - 1] = (double)(event->end_ns - event->at_ns) / 1e9;
            n++;
        }
    }
    CU_ASSERT_EQUAL(n, STEPS);
}

static void a_heal_that_fails_does_not_stop_the_next(void)
{
    const char *said[STEPS] = {0};
    double took_s[STEPS] = {0};
    struct evidence *ev = NULL;
    kill_all();
    lab->fail_after = 0; /* the first start of the rollback, which is of the last fault */
    strikes_rollback(d.strikes);
    CU_ASSERT_EQUAL(strikes_open(d.strikes), 0);
    heals(&ev, said, took_s);
    CU_ASSERT_STRING_EQUAL(said[STEPS - 1], "told to fail");
    for (size_t i = 0; i < STEPS - 1; i++) {
        CU_ASSERT_PTR_NULL(said[i]);
    }
    for (uint16_t i = 0; i < STEPS; i++) {
        CU_ASSERT_EQUAL(lab->nodes[i].state, NODE_UP); /* the next heal has tried the failed one again */
    }
    evidence_free(ev);
    clear_stage();
}

static void a_heal_that_hangs_is_called_off(void)
{
    const char *said[STEPS] = {0};
    double took_s[STEPS] = {0};
    struct evidence *ev = NULL;
    kill_all();
    lab->stalling = 1u << 4 | 1u << 2;
    strikes_rollback(d.strikes);
    heals(&ev, said, took_s);
    for (uint16_t i = 0; i < STEPS; i++) {
        bool hangs = lab->stalling & 1u << i;
        CU_ASSERT_EQUAL(lab->nodes[i].state, hangs ? NODE_DOWN : NODE_UP);
        CU_ASSERT_EQUAL(said[i] != NULL, hangs);
        CU_ASSERT(took_s[i] <= 2.001);
    }
    CU_ASSERT_STRING_EQUAL(said[4], "it was not done within the time it had");
    evidence_free(ev);
    clear_stage();
}

static void ten_seconds_are_all_there_is(void)
{
    const char *said[STEPS] = {0};
    double took_s[STEPS] = {0}, all_s = 0;
    struct evidence *ev = NULL;
    kill_all();
    lab->stalling = ~0U;
    strikes_rollback(d.strikes);
    CU_ASSERT_EQUAL(strikes_open(d.strikes), 0);
    heals(&ev, said, took_s);
    for (size_t i = 0; i < STEPS; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(said[i]);
        all_s += took_s[i];
    }
    CU_ASSERT(all_s > 9.9 && all_s < 10.1);
    CU_ASSERT_STRING_EQUAL(said[0], "not begun: the time for all heals has passed");
    evidence_free(ev);
    clear_stage();
}

static void stop_drill(struct loop_timer *t, int64_t now)
{
    (void)t, (void)now;
    drill_stop(&d, "enough");
}

/* Told to stop while a node takes its time to leave: the grace is cut short. */
static void stopping_calls_off_an_apply(void)
{
    set_stage("stop");
    lab->ignores_hangup = true;
    int64_t begun = loop_now(d.loop);
    struct loop_timer later = {.due = stop_drill};
    loop_timer_set(d.loop, &later, begun + NS_PER_S);
    strikes_apply(d.strikes, &steps[0]);
    CU_ASSERT(loop_now(d.loop) - begun < 1100 * NS_PER_MS);
    strikes_rollback(d.strikes);
    CU_ASSERT_EQUAL(lab->nodes[0].state, NODE_UP);
    timeline_close(d.rec.timeline);
    clear_stage();
}

/* A real loop, and a process that hangs for good: nothing but the last resort can end it. */
static void the_last_resort_ends_the_process(void)
{
    struct child c;
    int side = child_fork(&c, NULL);
    if (side == 0) {
        struct guard *g = NULL;
        struct loop *l = loop_new(NULL);
        if (l && guard_new(&g, l, 100 * NS_PER_MS, NULL) == 0 && guard_heal_begin(g, NULL) == 0) {
            pause();
        }
        _exit(0);
    }
    CU_ASSERT_EQUAL_FATAL(side, 1);
    CU_ASSERT_EQUAL(child_wait(&c, 5 * NS_PER_S, NULL), 0);
    CU_ASSERT(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGKILL);
}

/* And one that comes to its end in time is left alone. */
static void the_last_resort_is_lifted(void)
{
    struct child c;
    int side = child_fork(&c, NULL);
    if (side == 0) {
        struct guard *g = NULL;
        struct loop *l = loop_new(NULL);
        bool fine = l && guard_new(&g, l, 50 * NS_PER_MS, NULL) == 0;
        guard_rollback_begin(g);
        fine = fine && guard_heal_begin(g, NULL) == 0;
        guard_heal_end(g);
        guard_rollback_end(g);
        fine = fine && loop_run(l, loop_now(l) + 150 * NS_PER_MS, NULL, NULL) == 1;
        guard_free(g);
        loop_free(l);
        _exit(fine ? 0 : 1);
    }
    CU_ASSERT_EQUAL_FATAL(side, 1);
    CU_ASSERT_EQUAL(child_wait(&c, 5 * NS_PER_S, NULL), 0);
    CU_ASSERT(WIFEXITED(c.status) && WEXITSTATUS(c.status) == 0);
}

static const enum proof *next_proof;

static enum proof prove_in_turn(struct injection *in, bool healed)
{
    (void)healed;
    snprintf(in->method, sizeof(in->method), "gone");
    return *next_proof++;
}

/* How often a fault in force is said to have lapsed when its looks come to this. */
static unsigned lapses(const enum proof *proofs, size_t n)
{
    struct evidence *ev = NULL;
    unsigned found = 0;
    set_stage("freeze");
    struct strike *k = &d.strikes->at[0];
    struct injector fake = *k->injector;
    fake.prove = prove_in_turn;
    k->injector = &fake;
    k->state = STRIKE_IN_FORCE;
    next_proof = proofs;
    for (size_t i = 0; i < n; i++) {
        strike_beat(&k->beat, loop_now(d.loop));
        loop_timer_stop(&k->beat);
    }
    timeline_close(d.rec.timeline);
    CU_ASSERT_EQUAL_FATAL(samples_create(folder, "", 0, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(evidence_load(&ev, folder, NULL), 0);
    for (size_t i = 0; i < ev->event_count; i++)
        found += ev->events[i].kind == EVENT_FAULT_LAPSE;
    evidence_free(ev);
    clear_stage();
    return found;
}

/* Injectors that ask in rounds say "pending" between two findings. */
static void two_failing_looks_are_a_lapse_whatever_pends_between(void)
{
    static const enum proof gone[] = {PROOF_PROVEN,  PROOF_PENDING, PROOF_REFUTED,
                                      PROOF_PENDING, PROOF_REFUTED, PROOF_PENDING};
    static const enum proof once[] = {PROOF_REFUTED, PROOF_PENDING, PROOF_PROVEN, PROOF_PENDING, PROOF_REFUTED};
    CU_ASSERT_EQUAL(lapses(gone, array_len(gone)), 1);
    CU_ASSERT_EQUAL(lapses(once, array_len(once)), 0);
}

void suite_strike(void)
{
    runner_suite(NULL, NULL);
    runner_test(a_heal_that_fails_does_not_stop_the_next);
    runner_test(a_heal_that_hangs_is_called_off);
    runner_test(ten_seconds_are_all_there_is);
    runner_test(stopping_calls_off_an_apply);
    runner_test(the_last_resort_ends_the_process);
    runner_test(the_last_resort_is_lifted);
    runner_test(two_failing_looks_are_a_lapse_whatever_pends_between);
}
