/* SPDX-License-Identifier: MIT */
/*
 * The wire is part of the instrument: it makes what the scenario asked for, and when it errs the gateway must not pay.
 *
 *     it dies or hangs        a harness error, the drill ends
 *     it was late             a line per watch with the worst of it; measure counts that as lateness of our own, like a
 *                             stall
 *     frames lost unasked     in the books at the end; measure makes the run void
 */
#include "harness/run/carriage.h"

#include "harness/base/units.h"
#include "harness/lab/wire.h"

#define LATE_WORTH_NS (5 * NS_PER_MS) /* less than the interval of any probe */

static int ask(struct drill *d, struct wire_counts *c, struct err *e)
{
    *c = (struct wire_counts){0};
    return d->lab && d->ops->carriage ? d->ops->carriage(d->lab, c, e) : 1;
}

static void record_lateness(struct drill *d, const struct wire_counts *c)
{
    if (c->late_to_ns - c->late_from_ns < LATE_WORTH_NS)
        return;
    struct event ev = {.kind = EVENT_WIRE, .at_ns = c->late_from_ns - d->rec.zero_ns,
                       .end_ns = c->late_to_ns - d->rec.zero_ns, .outcome = "late"};
    record_add(&d->rec, &ev);
}

int carriage_watch(struct drill *d, struct err *e)
{
    struct wire_counts c;
    int carried = ask(d, &c, e);
    if (carried == 0)
        record_lateness(d, &c);
    return carried < 0 ? -1 : 0;
}

void carriage_record(struct drill *d)
{
    struct wire_counts c;
    struct err e = {0};
    int carried = ask(d, &c, &e);
    if (carried < 0)
        record_fact(&d->rec, EVENT_HARNESS, NULL, "error", e.msg, 0);
    if (carried != 0)
        return;
    record_lateness(d, &c);
    int64_t now = record_now(&d->rec);
    struct event ev = {.kind = EVENT_WIRE, .at_ns = now, .end_ns = now, .outcome = c.overflow ? "overflow" : "ok",
                       .code = (int64_t)c.overflow, .data = json_object()};
#define X(name) json_object_set_new(ev.data, #name, json_integer((json_int_t)c.name));
    WIRE_COUNTS(X)
#undef X
    json_object_set_new(ev.data, "late_max_ns", json_integer((json_int_t)c.late_max_ns));
    record_add(&d->rec, &ev);
    json_decref(ev.data);
}
