/* SPDX-License-Identifier: MIT */
/*
 * The telling side: events and a view a second become small JSON datagrams. What does not fit the queue is dropped; the page
 * shows the course, the evidence is in the files.
 */
#include "harness/cli/live.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/live_serve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UP_MS 3000
#define DOWN_NS (5 * NS_PER_S)
#define QUEUE_BYTES (256 * 1024)

static int hear_port(struct live *l, struct err *e)
{
    char said[256] = "";
    struct pollfd fd = {.fd = l->fd, .events = POLLIN};
    ssize_t n = poll(&fd, 1, UP_MS) > 0 ? recv(l->fd, said, sizeof(said) - 1, 0) : 0;
    said[n > 0 ? n : 0] = '\0';
    long port = strtol(said, NULL, 10);
    if (port <= 0) {
        return err_set(e, ERR_RUN, "--live", "the page cannot be served: %.200s", *said ? said : "its process says nothing");
    }
    snprintf(l->url, sizeof(l->url), "http://127.0.0.1:%ld/", port);
    return 0;
}

int live_begin(struct live *l, bool on, const struct plan *plan, const char *run_path, struct err *e)
{
    l->fd = -1;
    if (!on) {
        return 0;
    }
    int pair[2], room = QUEUE_BYTES;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return err_os(e, ERR_RUN, errno, "--live", "cannot make a channel to the page's process");
    }
    scoped_fd int ours = pair[0], theirs = pair[1];
    (void)setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    fflush(NULL);
    int side = child_fork(&l->server, e);
    if (side < 0) {
        return -1;
    }
    if (side == 0) {
        fd_close(&ours);
        live_serve(theirs, plan, run_path);
    }
    l->fd = steal_fd(&ours);
    return hear_port(l, e);
}

/* message is taken. */
static void tell(struct live *l, json_t *message)
{
    scoped_json json_t *taken = message;
    scoped_free char *text = json_dumps(taken, JSON_COMPACT | JSON_REAL_PRECISION(6));
    if (text && strlen(text) < LIVE_MESSAGE_MAX) {
        (void)send(l->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
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
    if (l->fd < 0 || !is_shown(ev->kind)) {
        return;
    }
    tell(l, json_pack("{s:s,s:f,s:s,s:s?,s:s?,s:I}", "kind", event_words[ev->kind], "t", run_s, "subject",
                      ev->subject ? ev->subject : "", "outcome", ev->outcome, "detail", ev->detail, "code",
                      (json_int_t)ev->code));
}

void live_view(struct live *l, const struct run_view *v)
{
    if (l->fd >= 0) {
        tell(l, json_pack("{s:s,s:f,s:f,s:s,s:I,s:I,s:I,s:I}", "kind", "view", "t", v->elapsed_s, "planned", v->planned_s,
                          "phase", v->phase ? v->phase : "", "sent", (json_int_t)v->sent, "good", (json_int_t)v->good, "bad",
                          (json_int_t)v->bad, "open", (json_int_t)v->open_faults));
    }
}

void live_end(struct live *l, const struct result *r)
{
    if (l->fd < 0) {
        return;
    }
    tell(l, json_pack("{s:s,s:f,s:s}", "kind", "finished", "t", r->run.duration_s, "verdict",
                      verdict_words[r->run.verdict]));
    fd_close(&l->fd);
    child_wait(&l->server, DOWN_NS, NULL);
}

void live_close(struct live *l)
{
    fd_close(&l->fd);
    if (l->server.pid) {
        child_stop(&l->server, 0, NULL);
    }
}
