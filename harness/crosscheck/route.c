/* SPDX-License-Identifier: MIT */
/*
 * The client's rules in one breath: go to the first place on the list that is in, or to the first of all when none is.
 * A place goes out after so many failed requests in a row while it is the one being asked, or so many failed probes in
 * a row; it comes back after so many good probes in a row. Requests that left before the last verdict on a place say
 * nothing about it any more. Each verdict begins all counts of the place anew.
 */
#include "harness/crosscheck/route.h"

#include "harness/base/arena.h"

#include <stdlib.h>

void cross_route_init(struct cross_route *r, const struct topology *t, const char *const *addresses)
{
    *r = (struct cross_route){.count = t->endpoint_count,
                              .lose_after = t->failover.unhealthy_after,
                              .regain_after = t->failover.healthy_after};
    r->places = xcalloc(r->count + 1, sizeof(*r->places));
    for (size_t i = 0; i < r->count; i++) {
        uint16_t node = t->endpoints[i];
        r->places[i] = (struct cross_place){
            .node = node, .address = addresses ? addresses[i] : t->nodes[node].address, .judged_ns = INT64_MIN};
    }
}

void cross_route_deinit(struct cross_route *r)
{
    free(r->places);
    *r = (struct cross_route){0};
}

static bool judge(struct cross_route *r, size_t place, bool out, int64_t now_ns)
{
    struct cross_place *p = &r->places[place];
    *p = (struct cross_place){.node = p->node, .address = p->address, .out = out, .judged_ns = now_ns};
    size_t was = r->here;
    r->here = 0;
    while (r->here < r->count && r->places[r->here].out) {
        r->here++;
    }
    if (r->here == r->count) {
        r->here = 0;
    }
    return r->here != was;
}

bool cross_route_request(struct cross_route *r, size_t place, bool failed, int64_t sent_ns, int64_t now_ns)
{
    struct cross_place *p = &r->places[place];
    if (p->out || place != r->here || sent_ns < p->judged_ns) {
        return false;
    }
    p->request_run = failed ? p->request_run + 1 : 0;
    return p->request_run >= r->lose_after && judge(r, place, true, now_ns);
}

bool cross_route_probe(struct cross_route *r, size_t place, bool failed, int64_t now_ns)
{
    struct cross_place *p = &r->places[place];
    bool broke = (p->probe_run > 0) == failed;
    p->probe_run = (broke ? 0 : p->probe_run) + (failed ? -1 : 1);
    if (!p->out && p->probe_run <= -r->lose_after) {
        return judge(r, place, true, now_ns);
    }
    return p->out && p->probe_run >= r->regain_after && judge(r, place, false, now_ns);
}
