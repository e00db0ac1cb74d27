/* SPDX-License-Identifier: MIT */
/*
 * Two words go out (start: eight bytes; stop: the channel is shut down), two come back (ready: one byte; a failure: its
 * text). A prober that has been told to stop ends by itself when its last request is over; its exit code 0 says that
 * the record is whole. Any other end, and any end before that word, is a failure and stays one.
 *
 * The channels are looked at when somebody asks; nobody waits here. Copies of the workers' channels that a prober was
 * forked with do no harm: it ends before those are closed.
 */
#include "harness/run/shadow.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/crosscheck/crosscheck.h"
#include "harness/run/client.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct prober {
    uint16_t site;
    struct child process;
    int control; /* our end of the pair */
    bool ready, stopped;
    char failure[CROSS_FAILURE_MAX];
};

struct shadow {
    struct drill *drill;
    struct prober *probers;
    size_t count;
    char failure[CROSS_FAILURE_MAX + 64];
};

void shadow_disown(struct shadow *s)
{
    for (size_t i = 0; s && i < s->count; i++)
        fd_close(&s->probers[i].control);
}

static int prober_fork(struct shadow *s, struct prober *p, struct err *e)
{
    struct drill *d = s->drill;
    int channel;
    int side = client_fork(d, p->site, &p->process, &channel, e);
    if (side == 0) {
        shadow_disown(s);
        struct cross_config config = {.plan = d->plan, .vantage = p->site, .run_path = d->options->run_path,
                                      .zero_ns = d->rec.zero_ns, .http_port = TOPO_PORT_HTTP,
                                      .token_key = lab_token_key(d->lab)};
        cross_main(&config, channel);
    }
    p->control = channel;
    return side < 0 ? -1 : 0;
}

int shadow_new(struct shadow **out, struct drill *d, struct err *e)
{
    const struct topology *t = d->plan->topology;
    struct shadow *s = xcalloc(1, sizeof(*s));
    *out = s;
    s->drill = d;
    s->probers = xcalloc(t->site_count, sizeof(*s->probers));
    if (cross_create(d->options->run_path, d->plan->sha256, e) < 0)
        return -1;
    for (uint16_t site = 0; site < t->site_count; site++) {
        if (t->sites[site].kind != SITE_VANTAGE)
            continue;
        struct prober *p = &s->probers[s->count++];
        *p = (struct prober){.site = site, .control = -1, .process.pidfd = -1};
        if (prober_fork(s, p, e) < 0)
            return -1;
    }
    return 0;
}

void shadow_free(struct shadow *s)
{
    if (!s)
        return;
    shadow_stop(s);
    for (size_t i = 0; i < s->count; i++) {
        struct prober *p = &s->probers[i];
        const struct plan_stream *stream = cross_stream(s->drill->plan, p->site);
        if (p->process.pid && child_wait(&p->process, stream->timeout_ns + NS_PER_S, NULL) != 0)
            child_stop(&p->process, 0, NULL);
    }
    shadow_disown(s);
    free(s->probers);
    free(s);
}

static void fail(struct prober *p, const char *why)
{
    if (!p->failure[0])
        snprintf(p->failure, sizeof(p->failure), "%s", why);
}

/* What it has said, then whether it lives. */
static void listen_to(struct prober *p)
{
    char said[CROSS_FAILURE_MAX];
    ssize_t n;
    while (p->control >= 0 && (n = recv(p->control, said, sizeof(said) - 1, MSG_DONTWAIT)) > 0) {
        said[n] = '\0';
        if (n == 1 && said[0] == CROSS_READY)
            p->ready = true;
        else
            fail(p, said);
    }
    if (p->process.pid && child_dead(&p->process) && (!p->stopped || p->process.status != 0))
        fail(p, p->stopped ? "its process did not end in order" : "its process died");
}

bool shadow_ready(struct shadow *s)
{
    bool ready = true;
    for (size_t i = 0; i < s->count; i++) {
        listen_to(&s->probers[i]);
        ready = ready && s->probers[i].ready;
    }
    return ready;
}

int shadow_start(struct shadow *s, int64_t at_ns, struct err *e)
{
    for (size_t i = 0; i < s->count; i++) {
        ssize_t n = send(s->probers[i].control, &at_ns, sizeof(at_ns), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n != (ssize_t)sizeof(at_ns))
            return err_os(e, ERR_RUN, n < 0 ? errno : EIO, "second prober", "cannot be told to start");
    }
    return 0;
}

void shadow_stop(struct shadow *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct prober *p = &s->probers[i];
        if (p->stopped || p->control < 0)
            continue;
        listen_to(p);
        p->stopped = true;
        shutdown(p->control, SHUT_WR);
    }
}

bool shadow_idle(struct shadow *s)
{
    bool idle = true;
    for (size_t i = 0; i < s->count; i++)
        idle = idle && s->probers[i].stopped && child_dead(&s->probers[i].process);
    return idle;
}

const char *shadow_failure(struct shadow *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct prober *p = &s->probers[i];
        listen_to(p);
        if (!p->failure[0])
            continue;
        snprintf(s->failure, sizeof(s->failure), "the second prober of %.40s: %s",
                 s->drill->plan->topology->sites[p->site].name, p->failure);
        return s->failure;
    }
    return NULL;
}
