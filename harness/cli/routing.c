/* SPDX-License-Identifier: MIT */
/*
 * Per vantage the regions with the share of answers that they get while all are up, in the order in which they are
 * chosen: the shares are the policy, the order is what happens when a region is gone.
 */
#include "harness/cli/routing.h"

#include <stdio.h>

static double share(const struct topology *t, uint16_t region, size_t place)
{
    int64_t all = 0;
    for (uint16_t s = 0; s < t->site_count; s++) {
        all += t->sites[s].kind == SITE_REGION ? t->sites[s].weight : 0;
    }
    return t->routing == ROUTING_WEIGHTED ? (double)t->sites[region].weight / (double)all : place == 0;
}

/* The primary first, the others as in the file; by nearness where routing is geographic. */
static size_t order_for(const struct topology *t, uint16_t vantage, uint16_t out[TOPO_MAX_SITES])
{
    size_t n = 0;
    if (t->routing == ROUTING_GEOGRAPHIC) {
        return topo_regions_near(t, vantage, out);
    }
    out[n++] = t->primary;
    for (uint16_t s = 0; s < t->site_count; s++) {
        if (t->sites[s].kind == SITE_REGION && s != t->primary) {
            out[n++] = s;
        }
    }
    return n;
}

static json_t *regions_json(const struct topology *t, uint16_t vantage)
{
    uint16_t order[TOPO_MAX_SITES];
    size_t n = order_for(t, vantage, order);
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(
            all, json_pack("{s:s,s:f}", "region", t->sites[order[i]].name, "share", share(t, order[i], i)));
    }
    return all;
}

json_t *routing_json(const struct topology *t)
{
    uint16_t manager = topo_dns_node(t);
    if (manager == TOPO_NONE) {
        return json_null();
    }
    json_t *clients = json_array();
    for (uint16_t s = 0; s < t->site_count; s++) {
        if (t->sites[s].kind == SITE_VANTAGE) {
            json_array_append_new(clients, json_pack("{s:s,s:s,s:o}", "vantage", t->sites[s].name, "keeps",
                                                     topo_dns_words[t->sites[s].dns], "regions", regions_json(t, s)));
        }
    }
    return json_pack("{s:s,s:s,s:o}", "node", t->nodes[manager].name, "policy", topo_routing_words[t->routing],
                     "clients", clients);
}

void routing_print(const json_t *routing)
{
    size_t i, k;
    json_t *client, *region;
    if (!json_is_object(routing)) {
        return;
    }
    printf("  %s leads clients by name, routing: %s\n", json_string_value(json_object_get(routing, "node")),
           json_string_value(json_object_get(routing, "policy")));
    json_array_foreach(json_object_get(routing, "clients"), i, client)
    {
        printf("    %-28s %-8s", json_string_value(json_object_get(client, "vantage")),
               json_string_value(json_object_get(client, "keeps")));
        json_array_foreach(json_object_get(client, "regions"), k, region)
        {
            double part = json_number_value(json_object_get(region, "share"));
            printf("%s %s", k ? "," : "", json_string_value(json_object_get(region, "region")));
            if (part > 0 && part < 1) {
                printf(" %.1f %%", 100 * part);
            }
        }
        puts("");
    }
}
