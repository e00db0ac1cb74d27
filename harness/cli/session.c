/* SPDX-License-Identifier: MIT */
/*
 * The order of one run, seen from outside the lab.
 *
 * The conductor is a grandchild behind a guardian (guardian.h), in a process group of its own, so that Ctrl-C reaches
 * it exactly once: through us. It reports back through one shared page; its own words go to standard error. The wait
 * ends when the guardian's pidfd says dead; before that a signal shortens the bound (healing and final lines take at
 * most some ten seconds), and a conductor that overruns even its bound is killed, whereupon the kernel takes the lab
 * down.
 *
 * Failure paths: no run directory, no plan file: the error is returned and nothing was started. The conductor died or
 * could not write: what evidence there is gets judged, and is inconclusive for want of its last line. History or
 * reports that cannot be written are told and make the exit code 4 where it would have been 0; the result stands.
 */
#include "harness/cli/session.h"

#include "harness/base/child.h"
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/guardian.h"
#include "harness/cli/machine.h"
#include "harness/cli/progress.h"
#include "harness/evidence/evidence_write.h"
#include "harness/measure/compared.h"
#include "harness/measure/measure.h"
#include "harness/run/run.h"
#include "harness/spec/plan_yaml.h"
#include "reports/report.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SIGNAL_BOUND_NS (60 * NS_PER_S)
#define SPARE_NS (600 * NS_PER_S)

/* What the conductor leaves for its parent in shared memory. */
struct last_words {
    bool spoken;
    int rc, signal;
    struct err e;
};

/* Who else hears of the course of a run. */
struct listeners {
    struct notify *notify;
    struct live *live;
};

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

int session_block_signals(struct session *s, struct err *e)
{
    sigset_t set;
    signal_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals_fd < 0 ? err_os(e, ERR_RUN, errno, "signalfd", "cannot watch for signals") : 0;
}

static int prepare(const struct session *s, const struct job *job, struct session_outcome *o, struct err *e)
{
    scoped_text struct text path = {0}, yaml = {0};
    if (rundir_create(s->output, job->plan->name, clock_wall_ns(), &o->run_path, e) < 0) {
        return -1;
    }
    text_addf(&path, "%s/plan.yaml", o->run_path);
    plan_yaml(job->plan, &yaml);
    return file_replace(text_str(&path), text_str(&yaml), yaml.len, e);
}

static const char *run_id_of(const char *run_path)
{
    const char *slash = strrchr(run_path, '/');
    return slash ? slash + 1 : run_path;
}

static struct run_options options_of(const struct session *s, const struct session_outcome *o)
{
    struct run_options r = {.lab = s->lab,
                            .run_path = o->run_path,
                            .run_id = run_id_of(o->run_path),
                            .gateway_path = s->gateway,
                            .argv = s->call->argv,
                            .selftest = s->selftest.word,
                            .selftest_detail = s->selftest.detail,
                            .selftest_data = s->selftest.data,
                            .keep = s->keep,
                            .crosscheck = s->crosscheck,
                            .timeout_ns = s->timeout_ns};
    memcpy(r.forced, s->forced, sizeof(r.forced));
    return r;
}

static _Noreturn void conduct(const struct session *s, const struct plan *plan, const struct session_outcome *o,
                              const struct listeners *others, struct last_words *words)
{
    setpgid(0, 0);
    signal(SIGTTOU, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (s->caps) {
        sigset_t set;
        signal_set(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
    }
    struct watch w;
    watch_init(&w, plan, &s->call->err, s->lab->kind);
    w.notify = others->notify;
    w.live = others->live;
    w.progress.wants_seconds = s->live;
    w.quiet = s->call->globals.quiet;
    w.verbose = s->call->globals.verbose;
    struct run_options r = options_of(s, o);
    r.progress = &w.progress;
    words->rc = run_drill(plan, &r, &words->signal, &words->e);
    watch_deinit(&w);
    words->spoken = true;
    _exit(0);
}

/* About how long the whole run takes at most, by its plan. */
static int64_t planned_bound(const struct session *s, const struct plan *p)
{
    if (s->keep) {
        return INT64_MAX / 2;
    }
    int64_t planned = p->baseline_within_ns + p->phase_max_ns + p->observe_ns + p->drill_ns + p->recovery_within_ns +
                      p->converge_within_ns;
    return (s->timeout_ns && s->timeout_ns < planned ? s->timeout_ns : planned) + SPARE_NS;
}

/* Take one pending signal and hand it on. Returns it, 0 for none; SIGHUP counts as SIGTERM. */
static int forward_signal(const struct session *s, const struct child *c)
{
    struct signalfd_siginfo info;
    if (read(s->signals_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return 0;
    }
    int sig = info.ssi_signo == SIGHUP ? SIGTERM : (int)info.ssi_signo;
    child_signal(c, sig, NULL);
    return sig;
}

/* A conductor of a real lab answers by itself, as soon as it heals; the model just stops. */
static void answer_for_model(const struct session *s, int sig)
{
    if (s->lab == &lab_sim) {
        fprintf(stderr, "drtest: %s, the model stops here; what is on record is judged\n",
                sig == SIGINT ? "interrupted" : "told to stop");
    }
}

/* Wait for the conductor; returns the first signal that came meanwhile. */
static int await(const struct session *s, const struct plan *p, struct child *c)
{
    int64_t until = clock_mono_ns() + planned_bound(s, p);
    int first = 0;
    while (!child_dead(c)) {
        int64_t left = until - clock_mono_ns();
        if (left <= 0) {
            say_warning(&s->call->err, "the conductor did not end in time and is killed");
            child_stop(c, 0, NULL);
            break;
        }
        struct pollfd fds[2] = {{.fd = c->pidfd, .events = POLLIN}, {.fd = s->signals_fd, .events = POLLIN}};
        int64_t ms = left / NS_PER_MS + 1;
        if (poll(fds, 2, ms > 60000 ? 60000 : (int)ms) > 0 && fds[1].revents) {
            int sig = forward_signal(s, c);
            if (sig && !first) {
                first = sig;
                until = clock_mono_ns() + SIGNAL_BOUND_NS;
                answer_for_model(s, sig);
            }
        }
    }
    return first;
}

static int conductor(const struct session *s, const struct plan *plan, struct session_outcome *o,
                     const struct listeners *others, struct err *e)
{
    struct last_words *words = mmap(NULL, sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (words == MAP_FAILED) {
        return err_os(e, ERR_RUN, errno, "shared memory", "cannot map a page");
    }
    fflush(NULL);
    struct child c = {0};
    int side = guardian_fork(&c, e);
    if (side == 0) {
        conduct(s, plan, o, others, words);
    }
    if (side > 0) {
        int seen = await(s, plan, &c);
        guardian_bury();
        o->signal = words->spoken ? words->signal : seen;
        if (words->spoken && words->rc < 0) {
            say_error(&s->call->err, &words->e);
            o->unwritten = true;
        } else if (!words->spoken && !seen) {
            say_warning(&s->call->err, "the conductor ended without a word (wait status %d)", c.status);
        }
    }
    munmap(words, sizeof(*words));
    return side < 0 ? -1 : 0;
}

/* An output that failed is told at once; what follows is still tried. */
static void told(const struct session *s, struct session_outcome *o, int rc, const struct err *e)
{
    if (rc < 0) {
        say_error(&s->call->err, e);
        o->unwritten = true;
    }
}

static struct measure_context context_of(const struct job *job, const struct session_outcome *o)
{
    const struct tool_facts *t = tool_facts();
    return (struct measure_context){.run_id = run_id_of(o->run_path),
                                    .suite = job->suite && job->suite->file ? job->suite->name : NULL,
                                    .repeat_index = job->repeat_index,
                                    .repeat_count = job->repeat_count,
                                    .tool_version = t->version,
                                    .tool_commit = t->commit,
                                    .tool_build_flags = t->build_flags,
                                    .tool_sha256 = t->sha256};
}

static int judge(const struct session *s, const struct job *job, struct session_outcome *o, struct err *e)
{
    struct measure_context ctx = context_of(job, o);
    if (evidence_load(&o->evidence, o->run_path, e) < 0 ||
        measure_run(job->plan, o->evidence, &ctx, &o->result, e) < 0) {
        return -1;
    }
    o->result->run.exit_code = session_exit_code(s, o);
    return 0;
}

/* The manifest of the run before becomes part of this run's evidence, so that the runs of a folder hang together. */
static void chain_to_run_before(struct result *r, const char *run_path)
{
    scoped_text struct text manifest = {0};
    char sha256[SHA256_HEX];
    if (!r->history.before_run_id) {
        return;
    }
    text_addf(&manifest, "%s/../%s/manifest.sha256", run_path, r->history.before_run_id);
    if (sha256_file(text_str(&manifest), sha256, NULL) == 0) {
        r->history.before_manifest_sha256 = arena_strdup(&r->arena, sha256);
    } else {
        r->history.before_run_id = NULL;
    }
}

/* The run beside the last of its scenario and configuration, and beside what was committed. */
static void compare(const struct session *s, const struct history_runs *earlier, struct result *r)
{
    scoped_json json_t *doc = result_to_json(r);
    struct pool_run mine = pool_run_of_result(&r->arena, doc);
    const struct pool_run *previous = compared_previous(earlier->at, earlier->len, &mine);
    if (previous) {
        compared_add(r, &mine, previous, "previous", r->history.file);
    }
    const struct pool_run *baseline = s->baseline ? side_newest(s->baseline, r->scenario.name) : NULL;
    if (baseline) {
        compared_add(r, &mine, baseline, "baseline", s->baseline->word);
    } else if (s->baseline) {
        say_warning(&s->call->err, "--baseline: %s tells of no run of %s", s->baseline->word, r->scenario.name);
    }
}

/* Others that could not be told are no reason to doubt the run. */
static void finish_notify(const struct session *s, struct notify *n, struct session_outcome *o)
{
    int undelivered;
    struct err log = {0};
    told(s, o, notify_end(n, o->result, o->run_path, &undelivered, &log), &log);
    if (undelivered > 0) {
        say_warning(&s->call->err, "--notify: %d event%s could not be delivered, see notifications.jsonl", undelivered,
                    undelivered == 1 ? "" : "s");
    } else if (undelivered < 0) {
        say_warning(&s->call->err, "--notify: the sender of events was lost or did not end in time");
    }
}

static void file_away(const struct session *s, const struct job *job, struct notify *notify, struct session_outcome *o)
{
    scoped_text struct text path = {0};
    if (s->history) {
        text_add(&path, s->history);
    } else {
        text_addf(&path, "%s/history.jsonl", s->output);
    }
    struct history h;
    struct err history = {0}, store = {0}, report = {0}, manifest = {0};
    int locked = history_begin(&h, text_str(&path), o->run_path, o->result, &history);
    chain_to_run_before(o->result, o->run_path);
    history_read_earlier(&o->earlier, &o->result->arena, o->run_path, o->result);
    compare(s, &o->earlier, o->result);
    int stored = result_store(o->run_path, o->result, &store);
    struct report_input in = {.result = o->result,
                              .plan = job->plan,
                              .evidence = o->evidence,
                              .run_path = o->run_path,
                              .earlier = o->earlier.at,
                              .earlier_count = o->earlier.len,
                              .earlier_unread = o->earlier.unread,
                              .jenkins_style = text_eq(s->junit_style, "jenkins")};
    told(s, o, stored, &store);
    told(s, o, report_write_all(&in, &report), &report);
    if (locked == 0 && stored == 0) {
        locked = history_end(&h, o->run_path, o->result, &history);
    } else if (locked == 0) {
        history_close(&h);
    }
    told(s, o, locked, &history);
    finish_notify(s, notify, o);
    told(s, o, rundir_manifest(o->run_path, &manifest), &manifest);
}

/* The lab, or the word that it cannot be had here. */
static int carry_out(const struct session *s, const struct job *job, const struct listeners *others,
                     struct session_outcome *o, struct err *e)
{
    scoped_text struct text reason = {0};
    if (!machine_unfit(s->caps, job->plan, &reason)) {
        return conductor(s, job->plan, o, others, e);
    }
    struct run_options r = options_of(s, o);
    say_warning(&s->call->err, "%s is skipped: %s", job->plan->name, text_str(&reason));
    return run_unfit(job->plan, &r, text_str(&reason), e);
}

static void show_address(const struct session *s, const struct live *l)
{
    if (l->url[0] && !s->call->globals.quiet) {
        fprintf(stderr, "live: %s\n", l->url);
    }
}

int session_run(const struct session *s, const struct job *job, struct session_outcome *o, struct err *e)
{
    if (prepare(s, job, o, e) < 0) {
        return -1;
    }
    struct notify notify = {.plan = job->plan,
                            .suite = job->suite && job->suite->file ? job->suite->name : NULL,
                            .lab = s->lab->kind,
                            .run_id = run_id_of(o->run_path),
                            .zero_wall_ns = clock_wall_ns()};
    struct live live = {.server.fd = -1};
    const struct listeners others = {&notify, &live};
    int rc = notify_begin(&notify, s->notify, o->run_path, e) < 0 ||
                     live_begin(&live, s->live, job->plan, o->run_path, e) < 0
                 ? -1
                 : 0;
    if (rc == 0) {
        notify_started(&notify);
        show_address(s, &live);
        rc = carry_out(s, job, &others, o, e) < 0 || judge(s, job, o, e) < 0 ? -1 : 0;
    }
    if (rc == 0) {
        file_away(s, job, &notify, o);
        live_end(&live, o->result);
    }
    notify_close(&notify);
    live_close(&live);
    return rc;
}

int session_exit_code(const struct session *s, const struct session_outcome *o)
{
    static const int codes[] = {[INCONCLUSIVE] = 4, [MET] = 0, [MISSED] = 1, [SKIPPED] = 5};
    if (o->signal) {
        return 128 + o->signal;
    }
    int code = o->result ? codes[o->result->run.verdict] : 4;
    if (code == 5 && s->skip_unsupported) {
        return 0;
    }
    return code == 0 && o->unwritten ? 4 : code;
}

void session_outcome_deinit(struct session_outcome *o)
{
    history_runs_deinit(&o->earlier);
    result_free(o->result);
    evidence_free(o->evidence);
    free(o->run_path);
    *o = (struct session_outcome){0};
}
