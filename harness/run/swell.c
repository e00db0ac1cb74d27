/* SPDX-License-Identifier: MIT */
/*
 * Processes are forked in the setup, so that nothing is forked while time is measured, and the order to start is the
 * same datagram that a worker gets. The workers' channels that it was forked with do no harm, for a surge's process is
 * ended, without ceremony, before those are closed.
 */
#include "harness/run/swell.h"
#include "harness/base/arena.h"
#include "harness/base/scoped.h"
#include "harness/base/units.h"
#include "harness/load/surge.h"
#include "harness/run/client.h"
#include <stdio.h>

struct part {
    uint16_t site;
    struct surge *local;
    struct surge_link *link;
    struct child process;
    int control;
};

struct swell {
    struct drill *drill;
    const struct plan_step *step;
    struct part *parts;
    size_t count;
    struct load_seen seen;
    bool recorded;
    char failure[512];
};

static struct surge_config part_config(const struct swell *s, const struct part *p)
{
    const struct drill *d = s->drill;
    const struct topology *t = d->plan->topology;
    return (struct surge_config){.plan = d->plan,
                                 .step = s->step,
                                 .vantage = p->site,
                                 .http_port = topo_customer_port(t),
                                 .authority = t->tls ? d->ops->tls_authority(d->lab) : NULL,
                                 .token_key = lab_token_key(d->lab)};
}

static void close_controls(struct swell *s)
{
    for (size_t i = 0; i < s->count; i++)
        fd_close(&s->parts[i].control);
}

static int part_fork(struct swell *s, struct part *p, struct err *e)
{
    struct drill *d = s->drill;
    int channel;
    int side = client_fork(d, p->site, &p->process, &channel, e);
    if (side == 0) {
        close_controls(s);
        struct surge_config config = part_config(s, p);
        surge_main(&config, channel);
    }
    p->control = channel;
    return side < 0 ? -1 : surge_link_new(&p->link, channel, d->loop, e);
}

static int part_join(struct swell *s, struct part *p, struct err *e)
{
    struct drill *d = s->drill;
    struct surge_config config = part_config(s, p);
    return surge_new(&p->local, &config, d->loop, d->ops->transport(d->lab, p->site), e);
}

int swell_new(struct swell **out, struct drill *d, const struct plan_step *step, struct err *e)
{
    const struct topology *t = d->plan->topology;
    struct swell *s = xcalloc(1, sizeof(*s));
    *out = s;
    s->drill = d;
    s->step = step;
    s->recorded = true; /* until it has begun */
    s->parts = xcalloc(t->site_count, sizeof(*s->parts));
    for (uint16_t site = 0; site < t->site_count; site++) {
        if (t->sites[site].kind != SITE_VANTAGE)
            continue;
        struct part *p = &s->parts[s->count++];
        *p = (struct part){.site = site, .control = -1, .process.pidfd = -1};
        if ((d->ops->client_fork ? part_fork : part_join)(s, p, e) < 0)
            return -1;
    }
    return 0;
}

void swell_free(struct swell *s)
{
    if (!s)
        return;
    swell_record(s);
    for (size_t i = 0; i < s->count; i++)
        surge_link_free(s->parts[i].link);
    close_controls(s);
    for (size_t i = 0; i < s->count; i++) {
        if (s->parts[i].process.pid)
            child_stop(&s->parts[i].process, 0, NULL); /* it has nothing to put away */
        surge_free(s->parts[i].local);
    }
    free(s->parts);
    free(s);
}

bool swell_ready(const struct swell *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->parts[i].link && !surge_link_ready(s->parts[i].link))
            return false;
    return true;
}

static int swell_tell(struct swell *s, enum surge_order order, struct err *e)
{
    int rc = 0;
    int64_t now = loop_tick(s->drill->loop);
    for (size_t i = 0; i < s->count; i++) {
        struct part *p = &s->parts[i];
        if (p->link)
            rc |= surge_link_tell(p->link, order, now, e);
        else if (order == SURGE_START)
            surge_start(p->local, now);
        else if (order == SURGE_HEAL)
            surge_heal(p->local);
        else
            surge_stop(p->local);
    }
    return rc;
}

int swell_start(struct swell *s, struct err *e)
{
    s->recorded = false;
    return swell_tell(s, SURGE_START, e);
}

int swell_heal(struct swell *s, struct err *e)
{
    return swell_tell(s, SURGE_HEAL, e);
}

int swell_stop(struct swell *s, struct err *e)
{
    return swell_tell(s, SURGE_STOP, e);
}

static struct surge_tally part_count(const struct part *p)
{
    return p->link ? surge_link_count(p->link) : surge_count(p->local);
}

static struct surge_tally total(const struct swell *s, bool *idle)
{
    struct surge_tally sum = {.at_ns = INT64_MAX};
    *idle = true;
    for (size_t i = 0; i < s->count; i++) {
        const struct part *p = &s->parts[i];
        struct surge_tally t = part_count(p);
        sum.at_ns = t.at_ns < sum.at_ns ? t.at_ns : sum.at_ns;
        *idle = *idle && (p->link ? surge_link_idle(p->link) : surge_idle(p->local));
#define X(name) sum.name += t.name;
        SURGE_TALLY(X)
#undef X
    }
    return sum;
}

const struct load_seen *swell_seen(struct swell *s)
{
    bool idle;
    struct surge_tally t = total(s, &idle);
    s->seen = (struct load_seen){.idle = idle,
                                 .at_ns = t.at_ns - s->drill->rec.zero_ns,
                                 .planned = t.planned,
                                 .offered = t.offered,
                                 .unsent = t.unsent,
                                 .held = t.held,
                                 .held_wanted = (uint64_t)s->step->action.surge.slow_clients * s->count};
    return &s->seen;
}

const char *swell_failure(struct swell *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct part *p = &s->parts[i];
        const char *why = !p->link                  ? NULL
                          : child_dead(&p->process) ? "the surge's process died"
                                                    : surge_link_failure(p->link);
        if (!why)
            continue;
        snprintf(s->failure, sizeof(s->failure), "%.40s: %.140s", s->drill->plan->topology->sites[p->site].name, why);
        return s->failure;
    }
    return NULL;
}

void swell_record(struct swell *s)
{
    bool idle;
    if (s->recorded)
        return;
    s->recorded = true;
    struct surge_tally t = total(s, &idle);
    json_t *data = json_object();
#define X(name) json_object_set_new(data, #name, json_integer((json_int_t)t.name));
    SURGE_TALLY(X)
#undef X
    if (t.offered > 0)
        json_object_set_new(data, "amplification", json_real((double)t.sent / (double)t.offered));
    int64_t now = record_now(&s->drill->rec);
    struct event ev = {.kind = EVENT_SURGE, .at_ns = now, .end_ns = now, .subject = s->step->text,
                       .outcome = idle ? "complete" : "cut", .code = s->step->id, .data = data};
    record_add(&s->drill->rec, &ev);
    json_decref(data);
}
