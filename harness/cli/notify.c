/* SPDX-License-Identifier: MIT */
/*
 * The telling side: events become CloudEvents, are appended to the log and, where there is a sender (notify_send.c), go
 * to it as datagrams, without ever waiting. A sender that is behind loses what does not fit its queue; that is counted
 * by the gap in the ids, and the log has it all the same.
 *
 * Each line of the log is one write(2) behind the end, so that the lines of the two processes never mix. One that fails
 * (a full disk, which takes the evidence, too) is told at the end by the process that judges.
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

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_LOG "events.jsonl"
#define NUMBERS_OF_CONDUCTOR 2       /* 1 is the beginning */
#define NUMBERS_OF_END 1000000

static int log_open(struct notify *n, const char *run_path, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/" EVENTS_LOG, run_path);
    n->log_fd = open(text_str(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return n->log_fd < 0 ? err_os(e, ERR_OUTPUT, errno, text_str(&path), "cannot write the log of events") : 0;
}

static void log_line(struct notify *n, const json_t *event)
{
    scoped_free char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(15));
    scoped_text struct text line = {0};
    text_addf(&line, "%s\n", text ? text : "{}");
    errno = 0;
    if (write(n->log_fd, line.at, line.len) != (ssize_t)line.len && !n->log_errno) {
        n->log_errno = errno ? errno : ENOSPC; /* half a line: there was no room for the rest */
    }
}

int notify_begin(struct notify *n, const char *url, const char *run_path, struct err *e)
{
    int theirs, side = 1;
    n->sender.fd = n->log_fd = -1;
    n->number = 1;
    if (log_open(n, run_path, e) < 0) {
        return -1;
    }
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
    json_t *event = json_pack("{s:s,s:o,s:o,s:s,s:s,s:s,s:s,s:o}", "specversion", "1.0", "id",
                              json_sprintf("%s/%u", n->run_id, n->number++), "source",
                              json_sprintf("/drtest/%s", n->suite ? n->suite : n->plan->name), "type", type, "subject",
                              n->plan->name, "time", when, "datacontenttype", "application/json", "data", data);
    log_line(n, event);
    listener_tell(&n->sender, event);
}

void notify_started(struct notify *n)
{
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
    if (!injected && ev->kind != EVENT_HEAL_PROOF) {
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

/* How many events nobody took, -1 if the sender was lost. */
static int sender_end(struct listener *sender)
{
    if (sender->fd < 0) {
        return 0;
    }
    fd_close(&sender->fd);
    struct child *process = &sender->process;
    bool ended = child_wait(process, notify_send_bound_ns(), NULL) == 0;
    return ended && WIFEXITED(process->status) ? WEXITSTATUS(process->status) : -1;
}

int notify_end(struct notify *n, const struct result *r, const char *run_path, int *undelivered, struct err *e)
{
    n->number = NUMBERS_OF_END;
    tell_recoveries(n, r);
    tell(n, "drtest.run.finished", r->run.duration_s, end_data(r, run_path));
    *undelivered = sender_end(&n->sender);
    return n->log_errno ? err_os(e, ERR_OUTPUT, n->log_errno, EVENTS_LOG, "cannot write the log of events") : 0;
}

void notify_close(struct notify *n)
{
    fd_close(&n->log_fd);
    listener_close(&n->sender);
}
