/* SPDX-License-Identifier: MIT */
/*
 * The two ways customers live. As processes: the lab forks one in the client node's namespaces, it runs worker_main on
 * its end of a SOCK_SEQPACKET pair and dies with us. On our own loop (sim): the worker object itself, talking to the
 * lab's model. Everything above sees only this header. Where a cross-check was asked for, a second prober goes along
 * with each worker (shadow.h): it starts, stops and fails with the crowd.
 */
#include "harness/run/crowd.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/load/load.h"
#include "harness/run/client.h"
#include "harness/run/shadow.h"
#include <stdio.h>

struct member {
    uint16_t site;
    struct worker *local;
    struct worker_link *link;
    struct child process;
    int control; /* our end of the pair */
};

struct crowd {
    struct drill *drill;
    struct member *members;
    size_t count;
    struct shadow *shadow; /* NULL: no cross-check */
    char failure[512];
};

static struct worker_config member_config(const struct drill *d, uint16_t site)
{
    return (struct worker_config){.plan = d->plan, .vantage = site, .run_path = d->options->run_path,
                                  .run_id = d->options->run_id, .zero_ns = d->rec.zero_ns,
                                  .http_port = topo_customer_port(d->plan->topology),
                                  .authority = d->plan->topology->tls ? d->ops->tls_authority(d->lab) : NULL,
                                  .token_key = lab_token_key(d->lab)};
}

/* A worker must not keep the others' channels open: they end when theirs closes. */
static void close_controls(struct crowd *c)
{
    for (size_t i = 0; i < c->count; i++)
        fd_close(&c->members[i].control);
}

static int member_fork(struct crowd *c, struct member *m, struct err *e)
{
    struct drill *d = c->drill;
    int channel;
    int side = client_fork(d, m->site, &m->process, &channel, e);
    if (side == 0) {
        close_controls(c);
        struct worker_config config = member_config(d, m->site);
        worker_main(&config, channel);
    }
    m->control = channel;
    return side < 0 ? -1 : worker_link_new(&m->link, channel, d->loop, e);
}

static int member_join(struct crowd *c, struct member *m, struct err *e)
{
    struct drill *d = c->drill;
    struct worker_config config = member_config(d, m->site);
    return worker_new(&m->local, &config, d->loop, d->ops->transport(d->lab, m->site), e);
}

int crowd_new(struct crowd **out, struct drill *d, struct err *e)
{
    const struct topology *t = d->plan->topology;
    struct crowd *c = xcalloc(1, sizeof(*c));
    *out = c;
    c->drill = d;
    c->members = xcalloc(t->site_count, sizeof(*c->members));
    for (uint16_t site = 0; site < t->site_count; site++) {
        if (t->sites[site].kind != SITE_VANTAGE)
            continue;
        struct member *m = &c->members[c->count++];
        *m = (struct member){.site = site, .control = -1, .process.pidfd = -1};
        if ((d->ops->client_fork ? member_fork : member_join)(c, m, e) < 0)
            return -1;
    }
    return d->options->crosscheck && d->ops->client_fork ? shadow_new(&c->shadow, d, e) : 0;
}

void crowd_free(struct crowd *c)
{
    if (!c)
        return;
    shadow_free(c->shadow);
    for (size_t i = 0; i < c->count; i++)
        worker_link_free(c->members[i].link);
    close_controls(c);
    for (size_t i = 0; i < c->count; i++) {
        struct member *m = &c->members[i];
        if (m->process.pid)
            child_stop(&m->process, NS_PER_S, NULL);
        worker_free(m->local);
    }
    free(c->members);
    free(c);
}

bool crowd_ready(const struct crowd *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->members[i].link && !worker_link_ready(c->members[i].link))
            return false;
    return !c->shadow || shadow_ready(c->shadow);
}

bool crowd_idle(const struct crowd *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct member *m = &c->members[i];
        if (m->link ? !worker_link_idle(m->link) : !worker_idle(m->local))
            return false;
    }
    return !c->shadow || shadow_idle(c->shadow);
}

int crowd_start(struct crowd *c, int64_t start_ns, struct err *e)
{
    int64_t at = start_ns + c->drill->rec.zero_ns;
    for (size_t i = 0; i < c->count; i++) {
        if (c->members[i].local)
            worker_start(c->members[i].local, at);
        else if (worker_link_start(c->members[i].link, at, e) < 0)
            return -1;
    }
    return c->shadow ? shadow_start(c->shadow, at, e) : 0;
}

int crowd_stop_writes(struct crowd *c, struct err *e)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->members[i].local)
            worker_stop_writes(c->members[i].local);
        else if (worker_link_stop_writes(c->members[i].link, e) < 0)
            return -1;
    }
    return 0;
}

int crowd_stop(struct crowd *c, struct err *e)
{
    if (c->shadow)
        shadow_stop(c->shadow);
    for (size_t i = 0; i < c->count; i++) {
        if (c->members[i].local)
            worker_stop(c->members[i].local);
        else if (worker_link_stop(c->members[i].link, e) < 0)
            return -1;
    }
    return 0;
}

static const char *member_failure(struct member *m)
{
    if (m->local) {
        const struct err *e = worker_failure(m->local);
        return e ? e->msg : NULL;
    }
    if (child_dead(&m->process))
        return "the load worker's process died";
    return worker_link_failure(m->link);
}

const char *crowd_failure(struct crowd *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const char *why = member_failure(&c->members[i]);
        if (!why)
            continue;
        snprintf(c->failure, sizeof(c->failure), "%.40s: %.140s",
                 c->drill->plan->topology->sites[c->members[i].site].name, why);
        return c->failure;
    }
    return c->shadow ? shadow_failure(c->shadow) : NULL;
}
