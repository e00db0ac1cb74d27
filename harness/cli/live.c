/* SPDX-License-Identifier: MIT */
/*
 * The telling side: events, lanes that changed and a view a second become small JSON datagrams. What does not fit the
 * queue is dropped; the page shows the course, the evidence is in the files.
 */
#include "harness/cli/live.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/live_serve.h"
#include "reports/lanes.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define UP_MS 3000
#define DOWN_NS (6 * NS_PER_S)

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
    l->topology = plan->topology;
    l->lanes = on ? live_lanes_new(plan) : NULL;
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
    if (l->server.fd < 0) {
        return;
    }
    if (is_shown(ev->kind)) {
        double end_s = ev->end_ns > ev->at_ns ? (double)ev->end_ns / (double)NS_PER_S : run_s;
        listener_tell(&l->server, json_pack("{s:s,s:f,s:f,s:s,s:s?,s:s?,s:I}", "kind", event_words[ev->kind], "t",
                                            run_s, "end", end_s, "subject", ev->subject ? ev->subject : "", "outcome",
                                            ev->outcome, "detail", ev->detail, "code", (json_int_t)ev->code));
    }
    json_t *changed = live_lanes_take(l->lanes, ev);
    if (changed) {
        listener_tell(&l->server, changed);
    }
}

static json_t *milliseconds(double ms)
{
    return isnan(ms) ? json_null() : json_real(ms);
}

json_t *live_second(const struct run_second *s, const struct topology *t)
{
    json_t *sites = json_array(), *moves = json_array();
    for (size_t i = 0; i < s->site_count; i++) {
        json_array_append_new(sites, json_pack("[I,I,I]", (json_int_t)s->sites[i].good, (json_int_t)s->sites[i].bad,
                                               (json_int_t)s->sites[i].served));
    }
    for (size_t i = 0; i < s->move_count; i++) {
        const struct run_move *m = &s->moves[i];
        json_array_append_new(moves, json_pack("[i,s,f]", (int)m->vantage, lanes_endpoint(t, m->endpoint), m->at_s));
    }
    return json_pack("{s:f,s:f,s:o,s:o,s:o,s:o}", "from", s->from_s, "to", s->to_s, "p50", milliseconds(s->p50_ms),
                     "p99", milliseconds(s->p99_ms), "sites", sites, "moves", moves);
}

void live_view(struct live *l, const struct run_view *v)
{
    if (l->server.fd >= 0 && v->second) {
        listener_tell(&l->server,
                      json_pack("{s:s,s:f,s:f,s:s,s:I,s:I,s:I,s:I,s:o}", "kind", "view", "t", v->elapsed_s, "planned",
                                v->planned_s, "phase", v->phase ? v->phase : "", "sent", (json_int_t)v->sent, "good",
                                (json_int_t)v->good, "bad", (json_int_t)v->bad, "open", (json_int_t)v->open_faults,
                                "second", live_second(v->second, l->topology)));
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
    live_lanes_free(l->lanes);
    l->lanes = NULL;
}
