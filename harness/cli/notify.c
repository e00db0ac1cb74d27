/* SPDX-License-Identifier: MIT */
/*
 * The telling side: events become CloudEvents and go as datagrams to the sender (notify_send.c), without ever waiting.
 * A sender that is behind loses what does not fit its queue; that is counted by the gap in the ids.
 *
 * The conductor tells what it sees (faults injected and healed, once proven); its parent tells the beginning and, when
 * the run is judged, recovery and end. Ids are RUN/NUMBER; the two processes use the two halves of the numbers.
 */
#include "harness/cli/notify.h"

#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/notify_send.h"
#include "harness/cli/targets.h"

#include <stdio.h>
#include <sys/wait.h>

#define NUMBERS_OF_CONDUCTOR 2       /* 1 is the beginning */
#define NUMBERS_OF_END 1000000

int notify_begin(struct notify *n, const char *url, const char *run_path, struct err *e)
{
    int theirs, side = 1;
    n->sender.fd = -1;
    n->number = 1;
    if (url && (side = listener_fork(&n->sender, "--notify", "drtest-notify", &theirs, e)) == 0) {
        notify_send_all(theirs, url, run_path);
    }
    return side < 0 ? -1 : 0;
}

/* data is taken. */
static void tell(struct notify *n, const char *type, double run_s, json_t *data)
{
    char when[32];
    clock_rfc3339(n->zero_wall_ns + (int64_t)(run_s * 1e9), when);
    listener_tell(&n->sender,
                  json_pack("{s:s,s:o,s:o,s:s,s:s,s:s,s:s,s:o}", "specversion", "1.0", "id",
                            json_sprintf("%s/%u", n->run_id, n->number++), "source",
                            json_sprintf("/drtest/%s", n->suite ? n->suite : n->plan->name), "type", type, "subject",
                            n->plan->name, "time", when, "datacontenttype", "application/json", "data", data));
}

void notify_started(struct notify *n)
{
    if (n->sender.fd < 0) {
        return;
    }
    scoped_text struct text targets = {0};
    target_list_text(&targets, n->plan);
    tell(n, "drtest.run.started", 0,
         json_pack("{s:s,s:s,s:I,s:s,s:s}", "run_id", n->run_id, "title", n->plan->title, "seed",
                   (json_int_t)n->plan->seed, "lab", n->lab, "targets", text_str(&targets)));
    n->number = NUMBERS_OF_CONDUCTOR;
}

void notify_event(struct notify *n, const struct event *ev, double run_s)
{
    bool injected = ev->kind == EVENT_FAULT_PROOF;
    if (n->sender.fd < 0 || (!injected && ev->kind != EVENT_HEAL_PROOF)) {
        return;
    }
    tell(n, injected ? "drtest.fault.injected" : "drtest.fault.healed", run_s,
         json_pack("{s:I,s:s,s:s,s:s?,s:f}", "fault_id", (json_int_t)ev->code, "what", ev->subject ? ev->subject : "",
                   "proof", ev->outcome ? ev->outcome : "", "detail", ev->detail, "at_s", run_s));
}

static void tell_recoveries(struct notify *n, const struct result *r)
{
    for (size_t i = 0; i < r->events.len; i++) {
        if (text_eq(r->events.at[i].name, "recovered")) {
            tell(n, "drtest.service.recovered", r->events.at[i].t_s,
                 json_pack("{s:s?,s:f}", "subject", r->events.at[i].subject, "at_s", r->events.at[i].t_s));
        }
    }
}

static void add_bound(json_t *data, const char *name, const char *bound, double value)
{
    scoped_text struct text key = {0};
    text_addf(&key, "%s_%s", name, bound);
    json_object_set_new(data, text_str(&key), json_finite(value));
}

static json_t *end_data(const struct result *r, const char *run_path)
{
    json_t *data = json_pack("{s:s,s:s,s:I,s:s,s:s?}", "run_id", r->run.id, "verdict", verdict_words[r->run.verdict],
                             "exit_code", (json_int_t)r->run.exit_code, "run", run_path, "reason", r->run.reason);
    for (size_t i = 0; i < r->objectives.len; i++) {
        const struct result_objective *o = &r->objectives.at[i];
        bool seconds = text_eq(o->unit, "s");
        add_bound(data, o->name, seconds ? "lower_s" : "lower", o->achieved_lower);
        add_bound(data, o->name, seconds ? "upper_s" : "upper", o->achieved_upper);
    }
    return data;
}

int notify_end(struct notify *n, const struct result *r, const char *run_path)
{
    if (n->sender.fd < 0) {
        return 0;
    }
    n->number = NUMBERS_OF_END;
    tell_recoveries(n, r);
    tell(n, "drtest.run.finished", r->run.duration_s, end_data(r, run_path));
    fd_close(&n->sender.fd);
    struct child *sender = &n->sender.process;
    bool ended = child_wait(sender, notify_send_bound_ns(), NULL) == 0;
    return ended && WIFEXITED(sender->status) ? WEXITSTATUS(sender->status) : -1;
}

void notify_close(struct notify *n)
{
    listener_close(&n->sender);
}
