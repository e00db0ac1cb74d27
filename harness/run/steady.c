/* SPDX-License-Identifier: MIT */
/*
 * A timer reads the tail of samples.bin every 200 ms into a window as long as anything that is asked of it, old records
 * dropping out in front; and tells the person watching how it goes. The abort condition is looked at on the same beat.
 */
#include "harness/run/steady.h"
#include "harness/base/units.h"
#include "harness/base/vec.h"
#include "harness/run/pulse.h"
#include "harness/run/strike.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BEAT_NS (200 * NS_PER_MS)
#define KEEP_LEAST_NS (120 * NS_PER_S)
#define READ_AT_ONCE 512

struct steady {
    struct drill *drill;
    struct sample_tail *tail;
    struct loop_timer beat;
    vec_of(struct sample) window;
    uint64_t sent, good, bad;
    struct pulse *pulse; /* NULL: nobody wants seconds */
    int64_t longest_timeout_ns, keep_ns;
};

static void steady_forget(struct steady *s, int64_t before_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->window.len; i++)
        if (s->window.at[i].planned_ns >= before_ns)
            s->window.at[kept++] = s->window.at[i];
    s->window.len = kept;
}

static void steady_take(struct steady *s, const struct sample *sample)
{
    if (s->pulse)
        pulse_take(s->pulse, sample);
    if (sample->kind != SAMPLE_REQUEST)
        return;
    *vec_push(&s->window) = *sample;
    s->sent += sample->outcome != OUTCOME_UNSENT;
    if (sample->outcome == OUTCOME_GOOD)
        s->good++;
    else
        s->bad++;
}

static void steady_read(struct steady *s)
{
    struct sample fresh[READ_AT_ONCE];
    size_t got = 0;
    do {
        if (sample_tail_read(s->tail, fresh, READ_AT_ONCE, &got, &s->drill->rec.failure) < 0)
            return;
        for (size_t i = 0; i < got; i++)
            steady_take(s, &fresh[i]);
    } while (got == READ_AT_ONCE);
}

int64_t steady_settled_ns(const struct steady *s)
{
    return record_now(&s->drill->rec) - s->longest_timeout_ns - BEAT_NS;
}

double steady_ratio(const struct steady *s, int64_t from_ns, int64_t to_ns)
{
    struct baseline b = baseline_of(s->window.at, s->window.len, from_ns, to_ns);
    return b.intended ? (double)b.good / (double)b.intended : NAN;
}

uint64_t steady_planned_before(const struct steady *s, uint16_t stream, int64_t before_ns)
{
    uint64_t next = 0;
    for (size_t i = 0; i < s->window.len; i++) {
        const struct sample *x = &s->window.at[i];
        if (x->stream == stream && x->planned_ns < before_ns && x->k >= next)
            next = x->k + 1;
    }
    return next;
}

bool steady_reached(struct steady *s, int64_t since_ns, struct baseline *b, char why[160])
{
    int64_t to = steady_settled_ns(s), from = to - s->drill->plan->baseline_hold_ns;
    if (from < since_ns) {
        snprintf(why, 160, "%.1f s of %.1f s have been watched", (double)(to > since_ns ? to - since_ns : 0) / 1e9,
                 (double)s->drill->plan->baseline_hold_ns / 1e9);
        *b = baseline_of(s->window.at, s->window.len, since_ns, to);
        return false;
    }
    *b = baseline_of(s->window.at, s->window.len, from, to);
    return baseline_met(s->drill->plan, b, why);
}

static void steady_abort(struct steady *s)
{
    const struct plan *p = s->drill->plan;
    if (!p->abort_for_ns || !s->drill->scenario_zero_ns)
        return;
    int64_t to = steady_settled_ns(s), from = to - p->abort_for_ns;
    if (from < s->drill->scenario_zero_ns)
        return;
    double ratio = steady_ratio(s, from, to);
    if (ratio * (double)PPM >= (double)p->abort_availability_ppm)
        return;
    char why[120];
    snprintf(why, sizeof(why), "abort_when: availability %.1f %% over the last %.1f s", ratio * 100,
             (double)p->abort_for_ns / 1e9);
    drill_stop(s->drill, why);
}

static void steady_show(struct steady *s, int64_t now)
{
    struct drill *d = s->drill;
    struct progress *p = d->options->progress;
    if (!p || !p->view)
        return;
    struct run_view v = {.phase = d->phase,
                         .sent = s->sent,
                         .good = s->good,
                         .bad = s->bad,
                         .elapsed_s = (double)now / 1e9,
                         .planned_s = (double)(d->plan->baseline_hold_ns + d->plan->drill_ns) / 1e9 + 8,
                         .open_faults = strikes_open(d->strikes),
                         .second = s->pulse ? pulse_turn(s->pulse, (double)now / 1e9) : NULL};
    p->view(p, &v);
}

static void steady_beat(struct loop_timer *t, int64_t loop_now_ns)
{
    struct steady *s = (struct steady *)((char *)t - offsetof(struct steady, beat));
    int64_t now = loop_now_ns - s->drill->rec.zero_ns;
    steady_read(s);
    steady_forget(s, now - s->keep_ns);
    steady_abort(s);
    steady_show(s, now);
    loop_timer_set(s->drill->loop, t, loop_now_ns + BEAT_NS);
}

/* The longest time that somebody judges at once, and until its last request has ended. */
static int64_t keep_of(const struct plan *p, int64_t longest_timeout_ns)
{
    int64_t keep = p->baseline_hold_ns > p->abort_for_ns ? p->baseline_hold_ns : p->abort_for_ns;
    for (size_t i = 0; i < p->step_count; i++)
        keep = p->steps[i].hold_ns > keep ? p->steps[i].hold_ns : keep;
    keep += longest_timeout_ns + NS_PER_S;
    return keep > KEEP_LEAST_NS ? keep : KEEP_LEAST_NS;
}

int steady_new(struct steady **out, struct drill *d, struct err *e)
{
    struct steady *s = xcalloc(1, sizeof(*s));
    *out = s;
    s->drill = d;
    s->beat.due = steady_beat;
    if (d->options->progress && d->options->progress->wants_seconds)
        s->pulse = pulse_new(d->plan);
    for (size_t i = 0; i < d->plan->stream_count; i++)
        if (d->plan->streams[i].timeout_ns > s->longest_timeout_ns)
            s->longest_timeout_ns = d->plan->streams[i].timeout_ns;
    s->keep_ns = keep_of(d->plan, s->longest_timeout_ns);
    if (sample_tail_open(&s->tail, d->options->run_path, e) < 0)
        return -1;
    loop_timer_set(d->loop, &s->beat, loop_now(d->loop) + BEAT_NS);
    return 0;
}

void steady_free(struct steady *s)
{
    if (!s)
        return;
    loop_timer_stop(&s->beat);
    sample_tail_close(s->tail);
    vec_deinit(&s->window);
    pulse_free(s->pulse);
    free(s);
}
