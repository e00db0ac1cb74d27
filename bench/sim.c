/* SPDX-License-Identifier: MIT */
/*
 * bench-sim DRTEST SCENARIO ROUNDS: a whole drill on virtual time, and each stage after it on a large run.
 *
 * The drill is the command itself, started anew each round, from reading the scenario to the last report; its ratio is
 * drilled seconds per second of wall time. For the stages the same scenario is run once with READS_PER_S, which gives
 * more than 100,000 samples; that run is then loaded, measured and reported over and over in this process, each stage
 * in turns with its floor (sim.h).
 */
#include "bench/sim.h"

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/stored.h"
#include "harness/measure/measure.h"
#include "reports/report.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DRILL_BOUND_NS (120 * NS_PER_S)
#define READS_PER_S "workload.reads.rate=2400/s"

struct stage {
    struct figures ours, floor;
};

static void stage_deinit(struct stage *s)
{
    figures_deinit(&s->ours);
    figures_deinit(&s->floor);
}
#define scoped_stage __attribute__((cleanup(stage_deinit)))

static void drill(const char *drtest, const char *scenario, const char *output, const char *rate)
{
    struct child c = {0};
    struct err e = {0};
    scoped_fd int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const char *argv[] = {drtest, "run", "-q", "--lab", "sim", "-o", output, scenario, rate ? "--set" : NULL,
                          rate,   NULL};
    if (child_exec(&c, argv, NULL, log, NULL, NULL, &e) != 0) {
        bench_fail(&e, "drtest");
    }
    int alive = child_wait(&c, DRILL_BOUND_NS, &e);
    if (alive != 0 || c.status != 0) {
        child_stop(&c, 0, NULL);
        err_set(&e, ERR_RUN, scenario, "the drill failed (wait status %d)", c.status);
        bench_fail(&e, "drtest");
    }
}

static void load(struct stored_run *s, const char *output)
{
    struct err e = {0};
    *s = (struct stored_run){0};
    if (stored_load(s, output, "latest", &e) != 0) {
        bench_fail(&e, "loading a run");
    }
}

static void bench_drill(const char *drtest, const char *scenario, int64_t rounds, const char *output)
{
    scoped_figures struct figures wall = {0};
    scoped_figures struct figures virtual = {0};
    struct stored_run s;
    for (int64_t i = -1; i < rounds; i++) {
        int64_t begun = clock_mono_ns();
        drill(drtest, scenario, output, NULL);
        double ms = bench_ms_since(begun);
        load(&s, output);
        if (i >= 0) {
            figures_add(&wall, ms);
            figures_add(&virtual, s.result->run.duration_s * 1e3);
        }
        stored_deinit(&s);
    }
    char ratio[64];
    printf("%-28s %9.1f ms   drills %.0f s\n", "drtest run --lab sim", figures_median(&wall),
           figures_median(&virtual) / 1e3);
    printf("ratio drilled / wall time: %s\n", figures_ratio_text(&virtual, &wall, ratio));
}

static double load_ms(const char *run_path)
{
    struct evidence *ev = NULL;
    struct err e = {0};
    int64_t begun = clock_mono_ns();
    if (evidence_load(&ev, run_path, &e) != 0) {
        bench_fail(&e, "evidence");
    }
    double ms = bench_ms_since(begun);
    evidence_free(ev);
    return ms;
}

static double measure_ms(const struct stored_run *s)
{
    struct measure_context ctx = {.run_id = "bench", .repeat_index = 1, .repeat_count = 1, .tool_version = "bench"};
    struct result *r = NULL;
    struct err e = {0};
    int64_t begun = clock_mono_ns();
    if (measure_run(s->plan, s->evidence, &ctx, &r, &e) != 0) {
        bench_fail(&e, "measures");
    }
    double ms = bench_ms_since(begun);
    result_free(r);
    return ms;
}

static double report_ms(const struct stored_run *s)
{
    struct report_input in = {.result = s->result, .plan = s->plan, .evidence = s->evidence, .run_path = s->path};
    struct err e = {0};
    int64_t begun = clock_mono_ns();
    if (report_write_all(&in, &e) != 0) {
        bench_fail(&e, "reports");
    }
    return bench_ms_since(begun);
}

static void add(struct stage *stage, double ours, double floor, const struct err *e)
{
    if (floor < 0) {
        bench_fail(e, "floor");
    }
    figures_add(&stage->ours, ours);
    figures_add(&stage->floor, floor);
}

static void print_stage(const char *name, const char *floor, const struct stage *s)
{
    char ratio[64];
    printf("%-28s %9.1f ms   %-34s %9.1f ms\n", name, figures_median(&s->ours), floor, figures_median(&s->floor));
    printf("ratio: %s\n", figures_ratio_text(&s->ours, &s->floor, ratio));
}

static void bench_stages(const char *drtest, const char *scenario, int64_t rounds, const char *output,
                         const char *copies)
{
    scoped_stage struct stage loading = {0};
    scoped_stage struct stage measuring = {0};
    scoped_stage struct stage reporting = {0};
    struct stored_run s;
    struct err e = {0};
    int64_t read = 0, written = 0;
    drill(drtest, scenario, output, READS_PER_S);
    load(&s, output);
    size_t samples = s.evidence->sample_count, events = s.evidence->event_count, records = s.evidence->ledger_count;
    for (int64_t i = 0; i < rounds; i++) {
        add(&loading, load_ms(s.path), floor_read_ms(s.path, &read, &e), &e);
        add(&measuring, measure_ms(&s), floor_sort_ms(s.evidence), &e);
        add(&reporting, report_ms(&s), floor_write_ms(s.path, copies, &written, &e), &e);
    }
    printf("a run of %zu samples, %zu events, %zu ledger records (%.1f MB); reports %.1f MB\n", samples, events,
           records, (double)read / 1e6, (double)written / 1e6);
    print_stage("evidence_load", "reading and hashing the files", &loading);
    print_stage("measure_run", "one sort of the samples", &measuring);
    double seconds = figures_median(&measuring.ours) / 1e3;
    printf("       %.0f samples/s, %.0f records of all kinds/s\n", (double)samples / seconds,
           (double)(samples + events + records) / seconds);
    print_stage("report_write_all", "writing the same bytes", &reporting);
    stored_deinit(&s);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench-sim DRTEST SCENARIO ROUNDS\n");
        return 2;
    }
    int64_t rounds = bench_number(argv[3], BENCH_ROUNDS_MIN, BENCH_ROUNDS_MAX);
    const char *scratch = bench_scratch();
    char small[320], large[320], copies[320];
    snprintf(small, sizeof(small), "%s/small", scratch);
    snprintf(large, sizeof(large), "%s/large", scratch);
    snprintf(copies, sizeof(copies), "%s/copies", scratch);
    mkdir(copies, 0700);
    printf("medians of %lld rounds\n", (long long)rounds);
    bench_drill(argv[1], argv[2], rounds, small);
    bench_stages(argv[1], argv[2], rounds, large, copies);
    return 0;
}
