/* SPDX-License-Identifier: MIT */
/*
 * The telling side: events and a view a second become small JSON datagrams. What does not fit the queue is dropped; the
 * page shows the course, the evidence is in the files.
 */
#include "harness/cli/live.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/live_serve.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define UP_MS 3000
#define DOWN_NS (5 * NS_PER_S)

static int hear_port(struct live *l, struct err *e)
{
    char said[256] = "";
    struct pollfd fd = {.fd = l->server.fd, .events = POLLIN};
    ssize_t n = poll(&fd, 1, UP_MS) > 0 ? recv(l->server.fd, said, sizeof(said) - 1, 0) : 0;
    said[n > 0 ? n : 0] = '\0';
    long port = strtol(said, NULL, 10);
    if (port <= 0) {
        return err_set(e, ERR_RUN, "--live", "the page cannot be served: %.200s",
                       *said ? said : "its process says nothing");
    }
    snprintf(l->url, sizeof(l->url), "http://127.0.0.1:%ld/", port);
    return 0;
}

int live_begin(struct live *l, bool on, const struct plan *plan, const char *run_path, struct err *e)
{
    int theirs, side = 1;
    l->server.fd = -1;
    if (on && (side = listener_fork(&l->server, "--live", "drtest-live", &theirs, e)) == 0) {
        live_serve(theirs, plan, run_path);
    }
    return side < 0 ? -1 : on ? hear_port(l, e) : 0;
}

static bool is_shown(enum event_kind kind)
{
    switch (kind) {
    case EVENT_PHASE_BEGIN:
    case EVENT_BASELINE:
    case EVENT_FAULT_APPLY:
    case EVENT_FAULT_PROOF:
    case EVENT_FAULT_LAPSE:
    case EVENT_FAULT_HEAL:
    case EVENT_HEAL_PROOF:
    case EVENT_ACTION:
    case EVENT_OBSERVED:
    case EVENT_HARNESS:
    case EVENT_ABORT:
    case EVENT_END:
        return true;
    default:
        return false;
    }
}

void live_event(struct live *l, const struct event *ev, double run_s)
{
    if (l->server.fd < 0 || !is_shown(ev->kind)) {
        return;
    }
    listener_tell(&l->server,
                  json_pack("{s:s,s:f,s:s,s:s?,s:s?,s:I}", "kind", event_words[ev->kind], "t", run_s, "subject",
                            ev->subject ? ev->subject : "", "outcome", ev->outcome, "detail", ev->detail, "code",
                            (json_int_t)ev->code));
}

void live_view(struct live *l, const struct run_view *v)
{
    if (l->server.fd >= 0) {
        listener_tell(&l->server,
                      json_pack("{s:s,s:f,s:f,s:s,s:I,s:I,s:I,s:I}", "kind", "view", "t", v->elapsed_s, "planned",
                                v->planned_s, "phase", v->phase ? v->phase : "", "sent", (json_int_t)v->sent, "good",
                                (json_int_t)v->good, "bad", (json_int_t)v->bad, "open", (json_int_t)v->open_faults));
    }
}

void live_end(struct live *l, const struct result *r)
{
    if (l->server.fd < 0) {
        return;
    }
    listener_tell(&l->server, json_pack("{s:s,s:f,s:s}", "kind", "finished", "t", r->run.duration_s, "verdict",
                                        verdict_words[r->run.verdict]));
    fd_close(&l->server.fd);
    child_wait(&l->server.process, DOWN_NS, NULL);
}

void live_close(struct live *l)
{
    listener_close(&l->server);
}
