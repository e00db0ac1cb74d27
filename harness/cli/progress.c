/* SPDX-License-Identifier: MIT */
/*
 * One line per event that matters, and on a terminal one status line that is drawn over.
 *
 *     06:00:22Z  22.003 fault      1 kill us-east: proven in 2.7 ms
 *
 * The first columns are the wall clock and run time, then a word, then free text. An apply and its proof make one line,
 * written when the proof is settled; so do a heal and its proof. A log that is no terminal gets a sign of life after
 * 30 s without a line. --verbose adds the events that are left out here, --quiet writes nothing but harness errors.
 *
 * Every line is one write(2) of finished text. A failed write is of no consequence.
 */
#include "harness/cli/progress.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/evidence/event.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEARTBEAT_NS (30 * NS_PER_S)

static void put(struct watch *w, struct text *t)
{
    const char *s = text_str(t);
    for (size_t len = t->len; len > 0;) {
        ssize_t n = write(w->fd, s, len);
        if (n <= 0) {
            return;
        }
        s += n;
        len -= (size_t)n;
    }
}

static const char *paint(const struct watch *w, const char *code)
{
    return w->face.colour ? code : "";
}

static void line(struct watch *w, double run_s, const char *colour, const char *word, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Text from the run (details, names of nodes) must not steer the terminal. */
static void add_tame(struct text *t, const char *s)
{
    for (; *s; s++) {
        char c = (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s;
        text_add_bytes(t, &c, 1);
    }
}

static void line(struct watch *w, double run_s, const char *colour, const char *word, const char *fmt, ...)
{
    scoped_text struct text t = {0}, what = {0};
    char wall[32];
    va_list ap;
    va_start(ap, fmt);
    text_vaddf(&what, fmt, ap);
    va_end(ap);
    clock_rfc3339(w->zero_wall_ns + (int64_t)(run_s * 1e9), wall);
    if (w->status_shown) {
        text_add(&t, "\r\033[K");
        w->status_shown = false;
    }
    if (!w->face.terminal) {
        text_addf(&t, "%.8sZ ", wall + 11);
    }
    text_addf(&t, "%7.3f %s%-10s%s ", run_s, paint(w, colour), word, paint(w, "\033[0m"));
    add_tame(&t, text_str(&what));
    text_add(&t, "\n");
    put(w, &t);
    w->said_mono_ns = clock_mono_ns();
}

#define PLAIN ""
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

/* The header's facts come one event at a time; they are one line when the last has come. */
static void run_line(struct watch *w)
{
    line(w, 0, PLAIN, "run", "%s seed=%llu lab=%s%s", w->plan->name, (unsigned long long)w->plan->seed, w->lab,
         text_str(&w->mechanisms));
}

static void mechanism(struct watch *w, const struct event *ev)
{
    const char *name = json_string_value(json_object_get(ev->data, "name"));
    text_addf(&w->mechanisms, " %s=%s", or_empty(ev->subject), name ? name : "none");
}

static void phase(struct watch *w, const struct event *ev, double run_s)
{
    scoped_text struct text t = {0};
    if (w->github) {
        text_addf(&t, "%s::group::%s\n", w->group_open ? "::endgroup::\n" : "", or_empty(ev->subject));
        put(w, &t);
        w->group_open = true;
    }
    line(w, run_s, PLAIN, "phase", "%s", or_empty(ev->subject));
}

static void applied(struct watch *w, const struct event *ev, double run_s)
{
    if (ev->code > 0 && (size_t)ev->code <= w->applied_count) {
        w->applied[ev->code - 1].begin_s = run_s;
    }
    bool failed = !text_eq(ev->outcome, "ok");
    if (failed || w->verbose) {
        line(w, run_s, failed ? RED : PLAIN, ev->kind == EVENT_FAULT_HEAL ? "healing" : "breaking", "%lld %s%s%s",
             (long long)ev->code, or_empty(ev->subject), ev->detail ? ": " : "", or_empty(ev->detail));
    }
}

static void proof(struct watch *w, const struct event *ev, double run_s)
{
    const char *word = ev->kind == EVENT_FAULT_PROOF ? "fault" : "heal";
    bool proven = text_eq(ev->outcome, "proven");
    double begin = ev->code > 0 && (size_t)ev->code <= w->applied_count ? w->applied[ev->code - 1].begin_s : NAN;
    if (proven && !isnan(begin)) {
        line(w, run_s, ev->kind == EVENT_FAULT_PROOF ? YELLOW : GREEN, word, "%lld %s: proven in %.1f ms",
             (long long)ev->code, or_empty(ev->subject), (run_s - begin) * 1e3);
    } else {
        line(w, run_s, proven ? PLAIN : RED, word, "%lld %s: %s, %s", (long long)ev->code, or_empty(ev->subject),
             or_empty(ev->outcome), or_empty(ev->detail));
    }
}

static void baseline(struct watch *w, const struct event *ev, double run_s)
{
    bool met = text_eq(ev->outcome, "met");
    double n = (double)json_integer_value(json_object_get(ev->data, "intended"));
    double good = (double)json_integer_value(json_object_get(ev->data, "good"));
    const json_t *p99 = json_object_get(ev->data, "p99_ms");
    line(w, run_s, met ? GREEN : RED, "steady", "%s: %.2f %% of %.0f good, p99 %.0f ms%s%s",
         met ? "met" : "not reached", n > 0 ? 100 * good / n : 0.0, n, json_number_value(p99), ev->detail ? ": " : "",
         or_empty(ev->detail));
}

static void other(struct watch *w, const struct event *ev, double run_s)
{
    line(w, run_s, PLAIN, event_words[ev->kind], "%s%s%s%s%s", or_empty(ev->subject), ev->subject ? " " : "",
         or_empty(ev->outcome), ev->outcome && ev->detail ? ": " : "", or_empty(ev->detail));
}

static void on_event(struct progress *p, const struct event *ev, double run_s)
{
    struct watch *w = (struct watch *)p;
    if (w->notify) {
        notify_event(w->notify, ev, run_s);
    }
    if (w->live) {
        live_event(w->live, ev, run_s);
    }
    if (w->quiet && ev->kind != EVENT_HARNESS) {
        return;
    }
    switch (ev->kind) {
    case EVENT_HEADER:
        break;
    case EVENT_MECHANISM:
        mechanism(w, ev);
        break;
    case EVENT_CLOCK:
        if (text_eq(ev->detail, "start")) {
            run_line(w);
        }
        break;
    case EVENT_PHASE_BEGIN:
        phase(w, ev, run_s);
        break;
    case EVENT_FAULT_APPLY:
    case EVENT_FAULT_HEAL:
        applied(w, ev, run_s);
        break;
    case EVENT_FAULT_PROOF:
    case EVENT_HEAL_PROOF:
        proof(w, ev, run_s);
        break;
    case EVENT_BASELINE:
        baseline(w, ev, run_s);
        break;
    case EVENT_FAULT_LAPSE:
        line(w, run_s, RED, "fault", "%lld %s: no longer in force, %s", (long long)ev->code, or_empty(ev->subject),
             or_empty(ev->detail));
        break;
    case EVENT_ACTION:
        line(w, run_s, YELLOW, "action", "%lld %s", (long long)ev->code, or_empty(ev->subject));
        break;
    case EVENT_HARNESS:
        line(w, run_s, text_eq(ev->outcome, "error") ? RED : YELLOW, "harness", "%s: %s", or_empty(ev->outcome),
             or_empty(ev->detail));
        break;
    case EVENT_ABORT:
        line(w, run_s, RED, "abort", "%s", or_empty(ev->detail));
        break;
    case EVENT_RESIDUE:
        if (w->verbose || !text_eq(ev->outcome, "clean")) {
            line(w, run_s, text_eq(ev->outcome, "clean") ? PLAIN : RED, "residue", "%s", or_empty(ev->detail));
        }
        break;
    case EVENT_END:
        line(w, run_s, PLAIN, "end", "%s%s%s", or_empty(ev->outcome), ev->detail ? ": " : "", or_empty(ev->detail));
        break;
    default:
        if (w->verbose) {
            other(w, ev, run_s);
        }
    }
}

/* The good ratio of requests that ended in the last second: what is still under way counts when its time-out comes. */
static void count_second(struct watch *w, const struct run_view *v)
{
    if (v->elapsed_s - w->second.at_s < 1) {
        return;
    }
    double good = (double)(v->good - w->second.good), bad = (double)(v->bad - w->second.bad);
    w->second.ratio = good + bad > 0 ? good / (good + bad) : NAN;
    w->second.at_s = v->elapsed_s;
    w->second.good = v->good;
    w->second.bad = v->bad;
}

/* Service going bad and good again, seen by the customers; the verdict is measured later and may differ. */
static void service(struct watch *w, const struct run_view *v)
{
    count_second(w, v);
    if (isnan(w->second.ratio)) {
        return;
    }
    bool degraded = w->second.ratio * (double)PPM < (double)w->plan->good_ratio_ppm;
    if (degraded != w->degraded) {
        line(w, v->elapsed_s, degraded ? RED : GREEN, "service", "%.1f %% of what ended in the last second was good",
             100 * w->second.ratio);
        w->degraded = degraded;
    }
}

static void view_text(const struct watch *w, struct text *t, const struct run_view *v)
{
    text_add(t, or_empty(v->phase));
    if (!isnan(w->second.ratio)) {
        text_addf(t, "  %.1f %% good", 100 * w->second.ratio);
    }
    text_addf(t, "  %llu requests", (unsigned long long)v->sent);
    if (v->open_faults > 0) {
        text_addf(t, "  %zu fault%s open", v->open_faults, v->open_faults == 1 ? "" : "s");
    }
}

static void on_view(struct progress *p, const struct run_view *v)
{
    struct watch *w = (struct watch *)p;
    if (w->live) {
        live_view(w->live, v);
    }
    if (w->quiet) {
        return;
    }
    service(w, v);
    scoped_text struct text what = {0}, t = {0};
    view_text(w, &what, v);
    if (!w->face.terminal) {
        if (clock_mono_ns() - w->said_mono_ns > HEARTBEAT_NS) {
            line(w, v->elapsed_s, PLAIN, "alive", "%s", text_str(&what));
        }
        return;
    }
    scoped_text struct text whole = {0};
    text_addf(&whole, "[%.0f of about %.0f s] %s", v->elapsed_s, v->planned_s, text_str(&what));
    int room = w->face.width > 1 ? w->face.width - 1 : 79;
    text_addf(&t, "\r%s%.*s%s\033[K", paint(w, w->degraded ? RED : PLAIN), room, text_str(&whole), paint(w, "\033[0m"));
    put(w, &t);
    w->status_shown = true;
}

void watch_init(struct watch *w, const struct plan *plan, const struct face *face, const char *lab)
{
    *w = (struct watch){.progress = {.event = on_event, .view = on_view},
                        .plan = plan,
                        .face = *face,
                        .fd = STDERR_FILENO,
                        .zero_wall_ns = clock_wall_ns(),
                        .said_mono_ns = clock_mono_ns(),
                        .github = text_eq(getenv("GITHUB_ACTIONS"), "true"),
                        .lab = lab,
                        .second.ratio = NAN};
    for (size_t i = 0; i < plan->step_count; i++) {
        w->applied_count = plan->steps[i].id > w->applied_count ? plan->steps[i].id : w->applied_count;
    }
    w->applied = xcalloc(w->applied_count + 1, sizeof(*w->applied));
    for (size_t i = 0; i < w->applied_count; i++) {
        w->applied[i].begin_s = NAN;
    }
}

void watch_deinit(struct watch *w)
{
    scoped_text struct text t = {0};
    if (w->status_shown) {
        text_add(&t, "\r\033[K");
    }
    if (w->group_open) {
        text_add(&t, "::endgroup::\n");
    }
    put(w, &t);
    text_deinit(&w->mechanisms);
    free(w->applied);
    w->applied = NULL;
}
