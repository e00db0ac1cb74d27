/* SPDX-License-Identifier: MIT */
/*
 * Before the lab exists there is no loop to ask for the time, yet the setup phase has begun: until then the real clock
 * stands in, except that a run on virtual time starts at zero and stands still once its loop is gone.
 */
#include "harness/run/record.h"
#include "harness/base/clock.h"

int64_t record_now(const struct recorder *r)
{
    if (r->loop)
        return loop_now(r->loop) - r->zero_ns;
    return r->zero_ns ? clock_mono_ns() - r->zero_ns : r->last_ns;
}

void record_release(struct recorder *r)
{
    r->last_ns = record_now(r);
    r->loop = NULL;
}

int64_t record_tick(struct recorder *r)
{
    return r->loop ? loop_tick(r->loop) - r->zero_ns : record_now(r);
}

int64_t record_add(struct recorder *r, const struct event *ev)
{
    int64_t seq = -1;
    timeline_add(r->timeline, ev, &seq, &r->failure);
    if (r->progress && r->progress->event)
        r->progress->event(r->progress, ev, (double)ev->at_ns / 1e9);
    return seq;
}

int64_t record_fact(struct recorder *r, enum event_kind kind, const char *subject, const char *outcome,
                    const char *detail, int64_t code)
{
    int64_t now = record_now(r);
    struct event ev = {.kind = kind, .at_ns = now, .end_ns = now, .subject = subject, .outcome = outcome,
                       .detail = detail, .code = code};
    return record_add(r, &ev);
}

void record_clock(struct recorder *r, const char *when)
{
    bool simulated = r->zero_ns == 0;
    int64_t now = record_now(r);
    struct clock_quad q = simulated ? (struct clock_quad){now, now, now, now} : clock_quad_read();
    json_t *data = json_pack("{s:I,s:I,s:I,s:I}", "wall_ns", (json_int_t)q.wall_ns, "mono_ns", (json_int_t)q.mono_ns,
                             "raw_ns", (json_int_t)q.raw_ns, "boot_ns", (json_int_t)q.boot_ns);
    struct event ev = {.kind = EVENT_CLOCK, .at_ns = now, .end_ns = now, .detail = when, .data = data};
    record_add(r, &ev);
    json_decref(data);
}
