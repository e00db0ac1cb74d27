/* SPDX-License-Identifier: MIT */
/*
 * The telling side: events become CloudEvents and go as datagrams to the sender (notify_send.c), without ever waiting. A
 * sender that is behind loses what does not fit its queue; that is counted by the gap in the ids.
 *
 * The conductor tells what it sees (faults injected and healed, once proven); its parent tells the beginning and, when the run
 * is judged, recovery and end. Ids are RUN/NUMBER; the two processes use the two halves of the numbers.
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
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NUMBERS_OF_CONDUCTOR 2       /* 1 is the beginning */
#define NUMBERS_OF_END 1000000
#define QUEUE_BYTES (256 * 1024)

int notify_begin(struct notify *n, const char *url, const char *run_path, struct err *e)
{
    n->fd = -1;
    n->number = 1;
    if (!url) {
        return 0;
    }
    int pair[2], room = QUEUE_BYTES;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_os(e, ERR_RUN, errno, "--notify", "cannot make a channel to the sender");
    }
    scoped_fd int ours = pair[0], theirs = pair[1];
    (void)setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    fflush(NULL);
    int side = child_fork(&n->sender, e);
    if (side < 0) {
        return -1;
    }
    if (side == 0) {
        fd_close(&ours);
        notify_send_all(theirs, url, run_path);
    }
    n->fd = steal_fd(&ours);
    return 0;
}

/* data is taken. */
static void tell(struct notify *n, const char *type, double run_s, json_t *data)
{
    char when[32];
    clock_rfc3339(n->zero_wall_ns + (int64_t)(run_s * 1e9), when);
    scoped_json json_t *event = json_pack(
        "{s:s,s:o,s:o,s:s,s:s,s:s,s:s,s:o}", "specversion", "1.0", "id", json_sprintf("%s/%u", n->run_id, n->number++),
        "source", json_sprintf("/drtest/%s", n->suite ? n->suite : n->plan->name), "type", type, "subject", n->plan->name,
        "time", when, "datacontenttype", "application/json", "data", data);
    scoped_free char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (text) {
        (void)send(n->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

void notify_started(struct notify *n)
{
    if (n->fd < 0) {
        return;
    }
    scoped_text struct text targets = {0};
    target_list_text(&targets, n->plan);
    tell(n, "drtest.run.started", 0,
         json_pack("{s:s,s:s,s:I,s:s,s:s}", "run_id", n->run_id, "title", n->plan->title, "seed", (json_int_t)n->plan->seed,
                   "lab", n->lab, "targets", text_str(&targets)));
    n->number = NUMBERS_OF_CONDUCTOR;
}

void notify_event(struct notify *n, const struct event *ev, double run_s)
{
    bool injected = ev->kind == EVENT_FAULT_PROOF;
    if (n->fd < 0 || (!injected && ev->kind != EVENT_HEAL_PROOF)) {
        return;
    }
    tell(n, injected ? "drtest.fault.injected" : "drtest.fault.healed", run_s,
         json_pack("{s:I,s:s,s:s,s:s?,s:f}", "fault_id", (json_int_t)ev->code, "what", ev->subject ? ev->subject : "", "proof",
                   ev->outcome ? ev->outcome : "", "detail", ev->detail, "at_s", run_s));
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
    if (n->fd < 0) {
        return 0;
    }
    n->number = NUMBERS_OF_END;
    tell_recoveries(n, r);
    tell(n, "drtest.run.finished", r->run.duration_s, end_data(r, run_path));
    fd_close(&n->fd);
    bool ended = child_wait(&n->sender, notify_send_bound_ns(), NULL) == 0;
    return ended && WIFEXITED(n->sender.status) ? WEXITSTATUS(n->sender.status) : -1;
}

void notify_close(struct notify *n)
{
    fd_close(&n->fd);
    if (n->sender.pid) {
        child_stop(&n->sender, 0, NULL);
    }
}
