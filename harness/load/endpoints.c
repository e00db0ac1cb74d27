/* SPDX-License-Identifier: MIT */
/*
 * Two ways to lose an endpoint, one to get it back:
 *
 *     requests   unhealthy_after failures in a row, counted on the current endpoint only, and only over requests sent
 *                since its health last changed: stragglers from before a return must not throw it out again
 *     probes     unhealthy_after failed probes in a row, on any endpoint
 *     return     healthy_after good probes in a row
 *
 * A good request never brings an endpoint back: none is sent to an unhealthy one, except when all are.
 */
#include "harness/load/endpoints.h"

#include "harness/base/arena.h"

#include <stdlib.h>

void endpoints_init(struct endpoints *list, const struct topology *t, const char *const *addresses)
{
    *list = (struct endpoints){.count = t->endpoint_count, .rules = &t->failover};
    list->at = xcalloc(t->endpoint_count, sizeof(*list->at));
    for (size_t i = 0; i < list->count; i++) {
        list->at[i].node = t->endpoints[i];
        list->at[i].address = addresses ? addresses[i] : t->nodes[t->endpoints[i]].address;
        list->at[i].since_ns = INT64_MIN;
    }
}

void endpoints_deinit(struct endpoints *list)
{
    free(list->at);
    *list = (struct endpoints){0};
}

static bool choose(struct endpoints *list)
{
    size_t before = list->current;
    list->current = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!list->at[i].unhealthy) {
            list->current = i;
            break;
        }
    }
    return list->current != before;
}

static bool set_health(struct endpoints *list, size_t i, bool unhealthy, int64_t now_ns)
{
    struct endpoint *p = &list->at[i];
    p->unhealthy = unhealthy;
    p->since_ns = now_ns;
    p->request_failures = p->probe_failures = p->probe_successes = 0;
    return choose(list);
}

bool endpoints_request(struct endpoints *list, size_t i, bool failed, int64_t sent_ns, int64_t now_ns)
{
    struct endpoint *p = &list->at[i];
    if (i != list->current || p->unhealthy || sent_ns < p->since_ns) {
        return false;
    }
    p->request_failures = failed ? p->request_failures + 1 : 0;
    return p->request_failures >= list->rules->unhealthy_after && set_health(list, i, true, now_ns);
}

bool endpoints_probe(struct endpoints *list, size_t i, bool failed, int64_t now_ns)
{
    struct endpoint *p = &list->at[i];
    p->probe_failures = failed ? p->probe_failures + 1 : 0;
    p->probe_successes = failed ? 0 : p->probe_successes + 1;
    if (!p->unhealthy && p->probe_failures >= list->rules->unhealthy_after) {
        return set_health(list, i, true, now_ns);
    }
    return p->unhealthy && p->probe_successes >= list->rules->healthy_after && set_health(list, i, false, now_ns);
}
