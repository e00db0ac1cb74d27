/* SPDX-License-Identifier: MIT */
/*
 * A request belongs to the route that takes its host (an exact one before "*"), its path (the longest prefix) and its
 * method (one that names it before one that takes all). A route that does not take the method is passed over, so that
 * writes can go another way than reads; where that leaves none, the methods that would be taken are told.
 *
 * The rate limit is a token bucket that holds one second's worth.
 */
#include "gateway-under-test/pool.h"
#include "harness/base/text.h"
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

static bool takes_method(const struct config_route *r, struct http_span method)
{
    for (size_t i = 0; i < r->method_count; i++) {
        if (span_is(method, r->methods[i]))
            return true;
    }
    return r->methods == NULL;
}

struct route *route_find(struct table *t, struct http_span host, struct http_span path, struct http_span method)
{
    struct route *best = NULL;
    size_t best_score = 0;
    host = without_port(host);
    for (size_t i = 0; i < t->config->route_count; i++) {
        const struct config_route *r = t->routes[i].cfg;
        bool any = strcmp(r->host, "*") == 0;
        if ((!any && !span_is_nocase(host, r->host)) || !span_starts(path, r->path) || !takes_method(r, method))
            continue;
        size_t score = 2 * strlen(r->path) + (r->methods != NULL) + (any ? 0 : HTTP_HEAD_MAX);
        if (best == NULL || score > best_score) {
            best = &t->routes[i];
            best_score = score;
        }
    }
    return best;
}

/* Each once: at the route that requests with it go to. */
void route_methods(struct table *t, struct http_span host, struct http_span path, struct text *out)
{
    for (size_t i = 0; i < t->config->route_count; i++) {
        const struct config_route *r = t->routes[i].cfg;
        for (size_t j = 0; j < r->method_count; j++) {
            struct http_span method = {r->methods[j], strlen(r->methods[j])};
            if (route_find(t, host, path, method) == &t->routes[i])
                text_addf(out, "%s%s", out->len > 0 ? ", " : "", r->methods[j]);
        }
    }
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
