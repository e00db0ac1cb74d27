/* SPDX-License-Identifier: MIT */
/*
 * drtest run: everything is read, checked and compiled first; nothing is started while one file is wrong. Then the
 * runs, one after the other, each judged and reported before the next begins.
 *
 * The exit code is that of the worst run: an interruption, then missed, inconclusive, skipped, met.
 */
#include "harness/run/run.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/cli/gate.h"
#include "harness/cli/machine.h"
#include "harness/cli/notify.h"
#include "harness/cli/outputs.h"
#include "harness/cli/plan.h"
#include "harness/cli/tool.h"
#include "harness/crosscheck/crosscheck.h"
#include "harness/spec/profile.h"

#include <string.h>
#include <unistd.h>

#define SEED_MAX (INT64_C(1) << 53)
#define REPEAT_MAX 10000

struct run_flags {
    const char *output, *history, *baseline, *lab, *profile, *junit, *junit_style, *html, *summary, *metrics, *notify;
    struct option_list set, tags, mechanisms;
    int64_t repeat, seed, timeout_ns;
    bool fail_fast, keep, dry_run, skip_unsupported, crosscheck, live;
};

static const char *const lab_words[] = {"netns", "sim", NULL};
static const char *const junit_styles[] = {"common", "jenkins", NULL};

#define AT(member) .offset = offsetof(struct run_flags, member)
static const struct option_row options[] = {
    OPTION_OUTPUT(struct run_flags, "folder for run directories and history"),
    OPTION_HISTORY(struct run_flags),
    {.name = "baseline",
     .kind = OPTION_TEXT,
     AT(baseline),
     .value = "FILE",
     .help = "say how each run did beside the one kept in this result.json or history; no influence on verdicts"},
    {.name = "set",
     .kind = OPTION_LIST,
     AT(set),
     .value = "KEY=VALUE",
     .help = "override a value of the scenario, e.g. targets.rto=3s; may be given again"},
    {.name = "tag",
     .kind = OPTION_LIST,
     AT(tags),
     .value = "TAG",
     .help = "only scenarios with this tag, !TAG: only those without; may be given again"},
    {.name = "repeat",
     .kind = OPTION_COUNT,
     AT(repeat),
     .value = "N",
     .help = "do every scenario N times, each with a fresh world and a fault phase of its own"},
    {.name = "profile",
     .kind = OPTION_TEXT,
     AT(profile),
     .value = "NAME",
     .choices = profile_words,
     .help = "ci or article: the same with other times of checks and names"},
    {.name = "seed",
     .kind = OPTION_COUNT,
     AT(seed),
     .value = "N",
     .help = "random numbers of the run; otherwise the scenario's, else a fresh one"},
    {.name = "timeout", .kind = OPTION_DURATION, AT(timeout_ns), .value = "DUR", .help = "limit of one whole run"},
    {.name = "fail-fast", AT(fail_fast), .help = "stop after the first run that is not met"},
    {.name = "keep", AT(keep), .help = "hold the lab after the drill until Ctrl-C"},
    {.name = "dry-run", .letter = 'n', AT(dry_run), .help = "print the plan, start nothing"},
    {.name = "lab",
     .kind = OPTION_TEXT,
     AT(lab),
     .value = "KIND",
     .choices = lab_words,
     .fallback = "netns",
     .help = "netns: real processes and packets; sim: a model on virtual time"},
    {.name = "mechanism",
     .kind = OPTION_LIST,
     AT(mechanisms),
     .value = "EFFECT=NAME",
     .help = "force how an effect is made, e.g. cut=fib"},
    {.name = "crosscheck",
     AT(crosscheck),
     .help = "a second prober beside the load, by other code; disagreement voids the run"},
    {.name = "skip-unsupported", AT(skip_unsupported), .help = "a scenario this machine cannot do is no failure"},
    {.name = "junit", .kind = OPTION_TEXT, AT(junit), .value = "FILE", .help = "a copy of junit.xml, all runs in one"},
    {.name = "junit-style",
     .kind = OPTION_TEXT,
     AT(junit_style),
     .value = "STYLE",
     .choices = junit_styles,
     .fallback = "common",
     .help = "common or jenkins"},
    {.name = "html",
     .kind = OPTION_TEXT,
     AT(html),
     .value = "FILE",
     .help = "a copy of report.html; with several runs NAME-<run id>.EXT"},
    {.name = "summary",
     .kind = OPTION_TEXT,
     AT(summary),
     .value = "FILE",
     .help = "a copy of summary.md, all runs in one"},
    {.name = "metrics",
     .kind = OPTION_TEXT,
     AT(metrics),
     .value = "FILE",
     .help = "a copy of metrics.prom, all runs in one"},
    {.name = "live",
     AT(live),
     .help = "serve a page of the running drill on a port of 127.0.0.1, told on standard error"},
    {.name = "notify",
     .kind = OPTION_TEXT,
     AT(notify),
     .value = "URL",
     .help = "tell the course of each run there (CloudEvents by POST); DRTEST_NOTIFY_HEADER is a header for it"},
};
#undef AT

/* Everything the loop over the jobs needs. */
struct running {
    struct call *call;
    const struct run_flags *flags;
    struct session session;
    struct side baseline;
    struct outputs outputs;
    struct suite_record suite; /* .suite NULL: not in one */
    int exit_code, suite_code; /* of all runs, of those of the suite */
    bool stop;
};

static int check_flags(const struct run_flags *f, struct err *e)
{
    if (f->seed == 0 || f->seed >= SEED_MAX) {
        err_set(e, ERR_USAGE, "--seed", "%lld cannot be ordered", (long long)f->seed);
        return err_help(e, "write a number from 1 to 2^53 - 1, or leave it out for the scenario's own or a fresh one");
    }
    if (f->repeat == 0 || f->repeat > REPEAT_MAX) {
        err_set(e, ERR_USAGE, "--repeat", "%lld times makes no sense", (long long)f->repeat);
        return err_help(e, "write a number from 1 to %d", REPEAT_MAX);
    }
    if (f->timeout_ns == 0) {
        err_set(e, ERR_USAGE, "--timeout", "a run takes longer than no time at all");
        return err_help(e, "write a time such as 5m, or leave it out for no limit");
    }
    if (f->notify && notify_check(f->notify, e) < 0) {
        return -1;
    }
    if (f->keep && text_eq(f->lab, "sim")) {
        err_set(e, ERR_USAGE, "--keep", "a model on virtual time has no lab that could be kept");
        return err_help(e, "leave out --keep, or run on --lab netns");
    }
    if (f->crosscheck && text_eq(f->lab, "sim")) {
        err_set(e, ERR_USAGE, "--crosscheck", "a model on virtual time has no socket that a second prober could use");
        return err_help(e, "leave out --crosscheck, or run on --lab netns");
    }
    return 0;
}

/* A second prober repeats the fresh reads of a vantage: without them it would have nothing to be compared with. */
static int check_crosscheck(const struct run_flags *f, const struct batch *b, struct err *e)
{
    for (size_t i = 0; f->crosscheck && i < b->jobs.len; i++) {
        const struct plan *p = b->jobs.at[i].plan;
        if (p->topology->tls) {
            err_set(e, ERR_USAGE, "--crosscheck",
                    "%.80s has `topology.tls`, and the second prober speaks plain HTTP only", p->name);
            return err_help(e, "leave out --crosscheck, or run with --set topology.tls=false");
        }
        if (topo_dns_node(p->topology) != TOPO_NONE) {
            err_set(e, ERR_USAGE, "--crosscheck", "%.80s has a traffic manager, and the second prober asks no DNS",
                    p->name);
            return err_help(e, "leave out --crosscheck, or set topology.traffic_manager=reference");
        }
        if (!cross_possible(p)) {
            err_set(e, ERR_USAGE, "--crosscheck", "%.80s sends no fresh reads that a second prober could repeat",
                    p->name);
            return err_help(e, "leave out --crosscheck, or give `workload.reads` connections both or fresh");
        }
    }
    return 0;
}

/* Report what is wrong with the files. Returns the exit code, 0 to go on. */
static int check_batch(struct call *c, const struct batch *b)
{
    if (b->errors > 0 || !c->globals.quiet) {
        scoped_text struct text t = {0};
        batch_print(b, &t, text_eq(getenv("GITHUB_ACTIONS"), "true") ? "github" : "human", c->err.colour);
        fputs(text_str(&t), stderr);
    }
    if (b->errors > 0) {
        return 3;
    }
    return b->jobs.len == 0 ? say_no_match(b->files) : 0;
}

static int begin_session(struct running *r, struct lab_caps *caps, struct text *gateway, struct err *e)
{
    const struct run_flags *f = r->flags;
    struct session *s = &r->session;
    *s = (struct session){.call = r->call,
                          .output = f->output,
                          .history = f->history,
                          .keep = f->keep,
                          .crosscheck = f->crosscheck,
                          .junit_style = f->junit_style,
                          .notify = f->notify,
                          .live = f->live,
                          .skip_unsupported = f->skip_unsupported,
                          .signals_fd = -1,
                          .timeout_ns = f->timeout_ns > 0 ? f->timeout_ns : 0,
                          .lab = text_eq(f->lab, "sim") ? &lab_sim : &lab_netns};
    if (machine_forced(&f->mechanisms, &r->call->arena, s->forced, e) < 0) {
        return -1;
    }
    if (f->baseline) {
        s->baseline = &r->baseline;
        if (side_load(&r->baseline, &r->call->arena, f->output, f->baseline, e) < 0) {
            return -1;
        }
    }
    if (s->lab == &lab_sim) {
        s->selftest = (struct gate){.word = "skipped",
                                    .detail = "a run on virtual time measures a model, not this machine"};
    } else {
        if (tool_find_gateway(gateway, e) < 0 || lab_caps_probe(caps, e) < 0 ||
            lab_caps_force(caps, s->forced, e) < 0) {
            return -1;
        }
        s->gateway = text_str(gateway);
        s->caps = caps;
        if (caps->usable) {
            selftest_gate(r->call, &s->selftest);
        }
    }
    return session_block_signals(s, e);
}

static void count(struct running *r, int code)
{
    r->exit_code = exit_code_worse(r->exit_code, code);
    r->suite_code = exit_code_worse(r->suite_code, code);
}

static void end_suite(struct running *r)
{
    struct err e = {0};
    scoped_text struct text said = {0};
    bool jenkins = text_eq(r->flags->junit_style, "jenkins");
    if (r->suite.suite && suite_record_end(&r->suite, r->suite_code, jenkins, &said, &e) < 0) {
        say_error(&r->call->err, &e);
        count(r, 4);
    }
    if (said.len && !r->call->globals.json) {
        printf("\n%s", text_str(&said));
    }
    suite_record_deinit(&r->suite);
    r->suite_code = 0;
}

/* A run of another suite than the one before ends that and begins its own. */
static int follow_suite(struct running *r, const struct batch *b, const struct job *job)
{
    struct err e = {0};
    if (job->suite == r->suite.suite) {
        return 0;
    }
    end_suite(r);
    const struct batch_suite *suite = job->suite;
    if (suite && suite_record_begin(&r->suite, suite, &b->jobs.at[suite->first], r->flags->output, &e) < 0) {
        count(r, say_error(&r->call->err, &e));
        suite_record_deinit(&r->suite);
        return -1;
    }
    return 0;
}

static void one_run(struct running *r, const struct job *job)
{
    struct session_outcome o = {0};
    struct err e = {0};
    if (session_run(&r->session, job, &o, &e) < 0) {
        count(r, say_error(&r->call->err, &e));
        r->stop = e.kind == ERR_OUTPUT;
    }
    if (o.result) {
        struct report_input in = {.result = o.result,
                                  .plan = job->plan,
                                  .evidence = o.evidence,
                                  .run_path = o.run_path,
                                  .earlier = o.earlier.at,
                                  .earlier_count = o.earlier.len,
                                  .earlier_unread = o.earlier.unread};
        o.unwritten |= outputs_add(&r->outputs, &in) < 0;
    }
    int code = session_exit_code(&r->session, &o);
    if (r->suite.suite) {
        suite_record_add(&r->suite, job, &o);
    }
    bool failed = code != 0;
    count(r, code);
    r->stop |= o.signal != 0 || (failed && r->flags->fail_fast);
    session_outcome_deinit(&o);
}

static int run_all(struct running *r, const struct batch *b)
{
    const struct batch_suite *stopped = NULL;
    for (size_t i = 0; i < b->jobs.len && !r->stop; i++) {
        const struct job *job = &b->jobs.at[i];
        if (job->suite && job->suite == stopped) {
            continue;
        }
        if (follow_suite(r, b, job) < 0) {
            break;
        }
        one_run(r, job);
        if (job->suite && job->suite->stop_on_failure && r->suite_code != 0) {
            stopped = job->suite;
        }
    }
    end_suite(r);
    return r->exit_code;
}

static int run_batch(struct call *c, const struct run_flags *f, const struct batch *b, struct err *e)
{
    struct lab_caps caps = {0};
    scoped_text struct text gateway = {0};
    struct running r = {.call = c,
                        .flags = f,
                        .outputs = {.call = c,
                                    .junit = f->junit,
                                    .html = f->html,
                                    .summary = f->summary,
                                    .metrics = f->metrics,
                                    .jenkins_style = text_eq(f->junit_style, "jenkins"),
                                    .several = b->jobs.len > 1}};
    scoped_text struct text history = {0};
    bool simulated = text_eq(f->lab, "sim");
    text_addf(&history, "%s%s", f->history ? f->history : f->output, f->history ? "" : "/history.jsonl");
    int code = machine_has_room(b, f->output, simulated, e) < 0 || outputs_prepare(&r.outputs, f->history, e) < 0 ||
                       outputs_check_history(text_str(&history), e) < 0 || begin_session(&r, &caps, &gateway, e) < 0
                   ? -1
                   : run_all(&r, b);
    fd_close(&r.session.signals_fd);
    json_decref(r.session.selftest.data);
    outputs_deinit(&r.outputs);
    side_deinit(&r.baseline);
    return code;
}

static int run(struct call *c)
{
    const struct run_flags *f = c->flags;
    struct err e = {0};
    struct batch b = {0};
    struct batch_options o = {
        .set = &f->set, .tags = &f->tags, .profile = f->profile, .repeat = f->repeat, .seed = f->seed};
    int code = check_flags(f, &e) < 0 || batch_load(&b, &c->operands, &o, &e) < 0 ? -1 : check_batch(c, &b);
    if (code == 0) {
        code = check_crosscheck(f, &b, &e);
    }
    if (code == 0) {
        code =
            f->dry_run ? plan_show(c, &b, text_eq(f->lab, "sim"), &f->mechanisms, NULL, &e) : run_batch(c, f, &b, &e);
    }
    batch_deinit(&b);
    return code < 0 ? say_error(&c->err, &e) : code;
}

const struct command command_run = {
    .name = "run",
    .operands = "PATH...",
    .summary = "run scenarios, suites or folders of them",
    .text =
        "Reads and checks every file first; while one is wrong nothing is started. Each run leaves a directory with "
        "its plan, its evidence and its reports; `latest` in the output folder points to the newest. Repeats and "
        "suites also leave a folder with suite.json, which says what the repeats together support.",
    .exits = "0 1 3 4 5 6 130 143",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct run_flags),
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .run = run};
