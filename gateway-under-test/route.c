/* SPDX-License-Identifier: MIT */
/*
 * A request belongs to the route whose host matches (an exact one before "*") with the longest path prefix. The rate
 * limit is a token bucket that holds one second's worth.
 */
#include "gateway-under-test/pool.h"
#include "harness/base/units.h"

#include <string.h>

/* The Host field without its port. */
static struct http_span without_port(struct http_span host)
{
    const char *colon = host.at ? memchr(host.at, ':', host.len) : NULL;
    if (colon != NULL)
        host.len = (size_t)(colon - host.at);
    return host;
}

struct route *route_find(struct table *t, struct http_span host, struct http_span path)
{
    struct route *best = NULL;
    size_t best_score = 0;
    host = without_port(host);
    for (size_t i = 0; i < t->config->route_count; i++) {
        const struct config_route *r = t->routes[i].cfg;
        bool any = strcmp(r->host, "*") == 0;
        if ((!any && !span_is_nocase(host, r->host)) || !span_starts(path, r->path))
            continue;
        size_t score = strlen(r->path) + (any ? 0 : HTTP_HEAD_MAX);
        if (best == NULL || score > best_score) {
            best = &t->routes[i];
            best_score = score;
        }
    }
    return best;
}

bool route_admit(struct route *r, int64_t now)
{
    double limit = (double)r->cfg->rate_per_s;
    if (limit <= 0)
        return true;
    r->tokens += (double)(now - r->filled_at) / (double)NS_PER_S * limit;
    r->filled_at = now;
    if (r->tokens > limit)
        r->tokens = limit;
    if (r->tokens < 1)
        return false;
    r->tokens -= 1;
    return true;
}
