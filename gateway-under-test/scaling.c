/* SPDX-License-Identifier: MIT */
/*
 * How many instances there should be follows from the requests in flight, those that wait included: as many as can take
 * them all. Missing ones are started at once, side by side, each needing cold_start_ms until it takes anything and then
 * warm_up_ms during which it takes one request at a time; those that are kept come with the origin and are warm. What
 * was not needed at any time of the last idle_after_ms goes.
 *
 * Requests in flight are the exchanges that the service port has open, minus those that wait here. When one ends nobody
 * tells us, so as long as any wait we look every LOOK_NS. The first to come is the first to be served; who has left
 * meanwhile is dropped unserved: his gateway has asked somebody else, or given up.
 *
 * Health checks, metrics and the log of the store (/v1/ops) are answered by the platform and need no instance.
 */
#include "gateway-under-test/scaling.h"

#include "gateway-under-test/node.h"
#include "gateway-under-test/own.h"
#include "gateway-under-test/probes.h"
#include "harness/base/arena.h"
#include "harness/base/units.h"

#include <sys/socket.h>

#define LOOK_NS (5 * NS_PER_MS)
#define IDLE_LOOK_NS (100 * NS_PER_MS)

struct parked {
    struct exchange *x;
    struct parked *next;
};

static int clamped(int n, int low, int high)
{
    return n < low ? low : n > high ? high : n;
}

static void start_instances(struct scaling *s, int wanted, int64_t now)
{
    for (; s->count < wanted; s->count++) {
        bool kept = s->count < s->cfg.least; /* provisioned with the origin itself */
        int64_t up = kept ? now : now + s->cfg.cold_start_ms * NS_PER_MS;
        s->at[s->count] = (struct instance){up, kept ? up : up + s->cfg.warm_up_ms * NS_PER_MS};
        s->node->counters[COUNTER_cold_starts] += !kept;
    }
}

static void scale(struct scaling *s, int in_flight, int64_t now)
{
    int wanted = clamped((in_flight + s->cfg.per_instance - 1) / s->cfg.per_instance, s->cfg.least, s->cfg.most);
    s->most_wanted = wanted > s->most_wanted ? wanted : s->most_wanted;
    if (wanted >= s->count) {
        start_instances(s, wanted, now);
    } else if (now - s->looked_since < s->cfg.idle_after_ms * NS_PER_MS) {
        return;
    } else if (s->most_wanted < s->count) {
        s->count = s->most_wanted;
    }
    s->looked_since = now;
    s->most_wanted = wanted;
}

static int room(const struct scaling *s, int64_t now)
{
    int sum = 0;
    for (int i = 0; i < s->count; i++)
        sum += now < s->at[i].up_at ? 0 : now < s->at[i].warm_at ? 1 : s->cfg.per_instance;
    return sum;
}

static int in_service(const struct scaling *s)
{
    return s->node->service.busy + s->node->secure.busy - s->parked;
}

static bool client_left(const struct exchange *x)
{
    char byte;
    return x->conn.error != 0 || recv(x->conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static struct exchange *unpark(struct scaling *s)
{
    struct parked *p = s->first;
    struct exchange *x = p->x;
    s->first = p->next;
    if (s->first == NULL)
        s->last = &s->first;
    s->parked--;
    free(p);
    return x;
}

static void serve_parked(struct scaling *s, int64_t now)
{
    while (s->first != NULL) {
        if (client_left(s->first->x))
            exchange_cut(unpark(s));
        else if (in_service(s) < room(s, now))
            node_serve(s->node, unpark(s));
        else
            return;
    }
}

static void on_look(struct loop_timer *t, int64_t now)
{
    struct scaling *s = owner_of(t, struct scaling, timer);
    serve_parked(s, now);
    scale(s, in_service(s) + s->parked, now);
    loop_timer_set(s->node->loop, t, now + (s->parked > 0 ? LOOK_NS : IDLE_LOOK_NS));
}

static bool needs_instance(const struct exchange *x)
{
    struct http_span path = exchange_path(x);
    return (span_starts(path, "/v1/") && !span_is(path, "/v1/ops")) || probes_know(path);
}

bool scaling_takes(struct scaling *s, struct exchange *x)
{
    if (s->node == NULL || !needs_instance(x))
        return false;
    int64_t now = loop_now(s->node->loop);
    scale(s, in_service(s) + s->parked, now);
    if (s->parked == 0 && in_service(s) <= room(s, now))
        return false;
    struct parked *p = xcalloc(1, sizeof(*p));
    p->x = x;
    *s->last = p;
    s->last = &p->next;
    s->parked++;
    s->node->counters[COUNTER_cold_waits]++;
    loop_timer_set(s->node->loop, &s->timer, now + LOOK_NS);
    return true;
}

void scaling_open(struct scaling *s, struct node *n)
{
    *s = (struct scaling){.last = &s->first};
    if (n->config->scaling.most == 0)
        return;
    s->node = n;
    s->cfg = n->config->scaling;
    s->timer.due = on_look;
    loop_timer_set(n->loop, &s->timer, loop_now(n->loop));
}

void scaling_close(struct scaling *s)
{
    loop_timer_stop(&s->timer);
    while (s->first != NULL)
        exchange_cut(unpark(s));
}

void scaling_adopt(struct scaling *s, const struct config_scaling *cfg)
{
    s->cfg = *cfg;
}

json_t *scaling_status(const struct scaling *s)
{
    if (s->node == NULL)
        return json_null();
    int64_t now = loop_now(s->node->loop);
    int up = 0;
    for (int i = 0; i < s->count; i++)
        up += now >= s->at[i].up_at;
    return json_pack("{s:i, s:i, s:i, s:I}", "instances", s->count, "up", up, "waiting", s->parked, "cold_starts",
                     (json_int_t)s->node->counters[COUNTER_cold_starts]);
}
