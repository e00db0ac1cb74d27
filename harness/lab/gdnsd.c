/* SPDX-License-Identifier: MIT */
/*
 * A resource `clients` of a plugin for each way of leading, all gateways watched by one service type:
 *
 *     failover    metafo    the regions in order, each with the multifo of its gateways; the first region with a
 *                           gateway that is up is the answer, with those of its gateways that are
 *     weighted    weighted  a group per region, of which each answer draws one. A gateway carries its part of the
 *                           region's weight, and takes it along when it is down
 *     geographic  geoip     as metafo, but the order is that of the net from which the question comes. No data base of
 *                           the earth: nets alone. What a resolver would say of its client (EDNS client subnet) is not
 *                           needed, since each vantage asks by itself
 *
 * The names of single regions are metafo's always.
 *
 * How gdnsd counts, against our F failures in a row every I:
 *     interval       whole seconds, 2 at least (3.8.1 refuses 1, as a check's time-out is 1 s at least and shorter)
 *     down_thresh    F, in a row only because ok_thresh is 1: a single success then forgets the failures before it
 *     up_thresh      successes in a row
 *     publication    a change of state shows in answers up to a second later: changes are gathered for that long
 *     ttl            halved in answers while a gateway of the region is down; never below that half
 *
 * The zone has the clients' name, one for each region alone, and one that is never touched. What a fault asks for is in
 * the document as well: `answer` and `ttl` are those of the name in `hit`, `stale` forces every gateway up, whatever
 * the checks say.
 */
#include "harness/lab/gdnsd.h"

#include "harness/base/err.h"
#include "harness/spec/topology.h"

#include <string.h>
#include <unistd.h>

bool gdnsd_is_there(void)
{
    return access(GDNSD_PATH, X_OK) == 0 && access(GDNSD_CONTROL_PATH, X_OK) == 0;
}

void gdnsd_files_deinit(struct gdnsd_files *f)
{
    text_deinit(&f->config);
    text_deinit(&f->zone);
    text_deinit(&f->admin_state);
}

struct wanted {
    const char *address, *answer, *hit, *path;
    int ttl, plain_ttl, serial, port, every, timeout, down, up;
    const char *routing;
    json_t *regions, *places;
};

#define PARTS 840 /* divides by any number of gateways that a region may have */

static const char *plugin_of(const struct wanted *w)
{
    return strcmp(w->routing, "weighted") == 0     ? "weighted"
           : strcmp(w->routing, "geographic") == 0 ? "geoip"
                                                   : "metafo";
}

static void add_names(struct text *t, json_t *names)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        text_addf(t, "%s %s", i ? "," : "", json_string_value(name));
    }
}

static void add_datacenters(struct text *t, json_t *regions)
{
    size_t i;
    json_t *region;
    text_add(t, "      datacenters => [");
    json_array_foreach(regions, i, region)
    {
        text_addf(t, "%s %s", i ? "," : "", json_string_value(json_object_get(region, "name")));
    }
    text_add(t, " ]\n");
}

static void add_addresses(struct text *t, json_t *regions)
{
    size_t i, k;
    json_t *region, *address;
    text_add(t, "      dcmap => {\n");
    json_array_foreach(regions, i, region)
    {
        text_addf(t, "        %s => {", json_string_value(json_object_get(region, "name")));
        json_array_foreach(json_object_get(region, "addresses"), k, address)
        {
            text_addf(t, "%s gateway-%zu => %s", k ? "," : "", k + 1, json_string_value(address));
        }
        text_add(t, " }\n");
    }
    text_add(t, "      }\n");
}

static void add_shares(struct text *t, json_t *regions)
{
    size_t i, k;
    json_t *region, *address;
    json_array_foreach(regions, i, region)
    {
        json_t *addresses = json_object_get(region, "addresses");
        json_int_t each =
            json_integer_value(json_object_get(region, "weight")) * PARTS / (json_int_t)json_array_size(addresses);
        text_addf(t, "      %s => {", json_string_value(json_object_get(region, "name")));
        json_array_foreach(addresses, k, address)
        {
            text_addf(t, "%s gateway-%zu => [ %s, %lld ]", k ? "," : "", k + 1, json_string_value(address),
                      (long long)each);
        }
        text_add(t, " }\n");
    }
}

static void add_places(struct text *t, json_t *places)
{
    size_t i;
    json_t *place;
    text_add(t, "      nets => {\n");
    json_array_foreach(places, i, place)
    {
        text_addf(t, "        %s => [", json_string_value(json_object_get(place, "net")));
        add_names(t, json_object_get(place, "near"));
        text_add(t, " ]\n");
    }
    text_add(t, "      }\n");
}

static void add_routing(struct text *t, const struct wanted *w)
{
    const char *plugin = plugin_of(w);
    if (strcmp(plugin, "weighted") == 0) {
        text_add(t, "  weighted => {\n    service_types => gateway\n    up_thresh => 0.01\n    clients => {\n");
        add_shares(t, w->regions);
        text_add(t, "    }\n  }\n");
    } else if (strcmp(plugin, "geoip") == 0) {
        text_add(t, "  geoip => {\n    service_types => gateway\n    up_thresh => 0.01\n    maps => { places => {\n");
        add_datacenters(t, w->regions);
        add_places(t, w->places);
        text_add(t, "    } }\n    resources => { clients => {\n      map => places\n");
        add_addresses(t, w->regions);
        text_add(t, "    } }\n  }\n");
    }
}

static void add_config(struct text *t, const struct wanted *w, const char *prefix)
{
    text_addf(t, "options => {\n  listen => %s\n  run_dir => %s/run\n  state_dir => %s/state\n", w->address, prefix,
              prefix);
    text_add(t, "  udp_threads => 1\n  tcp_threads => 1\n  min_ttl => 0\n  max_ncache_ttl => 10\n}\n");
    text_addf(t, "service_types => {\n  gateway => {\n    plugin => http_status\n    port => %d\n    url_path => %s\n",
              w->port, w->path);
    text_addf(t, "    ok_codes => [ 200 ]\n    interval => %d\n    timeout => %d\n", w->every, w->timeout);
    text_addf(t, "    down_thresh => %d\n    ok_thresh => 1\n    up_thresh => %d\n  }\n}\n", w->down, w->up);
    text_add(t, "plugins => {\n  metafo => {\n    service_types => gateway\n    up_thresh => 0.01\n");
    text_add(t, "    resources => { clients => {\n");
    add_datacenters(t, w->regions);
    add_addresses(t, w->regions);
    text_add(t, "    } }\n  }\n");
    add_routing(t, w);
    text_add(t, "}\n");
}

/* slash: "/" for a region, whose resource is named after it. */
static void add_name(struct text *t, const struct wanted *w, const char *name, const char *slash)
{
    bool hit = strcmp(name, w->hit) == 0;
    const char *answer = hit ? w->answer : "live";
    int ttl = hit ? w->ttl : w->plain_ttl;
    if (strcmp(answer, "live") == 0 || strcmp(answer, "stale") == 0) {
        text_addf(t, "%s %d DYNA %s!clients%s%s\n", name, ttl, *slash ? "metafo" : plugin_of(w), slash,
                  *slash ? name : "");
    } else if (strcmp(answer, "empty") == 0) {
        text_addf(t, "%s %d TXT \"no address\"\n", name, ttl);
    } else if (strcmp(answer, "other") == 0) {
        text_addf(t, "%s %d A %s\n", name, ttl, GDNSD_NOWHERE);
    }
}

static void add_zone(struct text *t, const struct wanted *w)
{
    text_addf(t, "@ 10 SOA ns hostmaster ( %d 7200 1800 259200 1 )\n@ 10 NS ns\nns 10 A %s\n", w->serial, w->address);
    text_addf(t, "%s 0 A %s\n", GDNSD_CONTROL_NAME, GDNSD_CONTROL_ADDRESS);
    add_name(t, w, TOPO_DNS_NAME, "");
    size_t i;
    json_t *region;
    json_array_foreach(w->regions, i, region)
    {
        add_name(t, w, json_string_value(json_object_get(region, "name")), "/");
    }
}

int gdnsd_render(const json_t *doc, const char *prefix, struct gdnsd_files *out, struct err *e)
{
    struct wanted w = {0};
    json_error_t why;
    if (json_unpack_ex((json_t *)doc, &why, 0,
                       "{s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:o, s:o, s:{s:s, s:i, s:i, s:i, s:i, s:i}}", "address",
                       &w.address, "answer", &w.answer, "hit", &w.hit, "ttl", &w.ttl, "plain_ttl", &w.plain_ttl,
                       "serial", &w.serial, "routing", &w.routing, "places", &w.places, "regions", &w.regions, "check",
                       "path", &w.path, "port", &w.port, "every_s", &w.every, "timeout_s", &w.timeout,
                       "unhealthy_after", &w.down, "healthy_after", &w.up) != 0) {
        return err_set(e, ERR_DEFECT, "traffic manager", "its configuration is not whole: %.100s", why.text);
    }
    add_config(&out->config, &w, prefix);
    add_zone(&out->zone, &w);
    if (strcmp(w.answer, "stale") == 0) {
        text_add(&out->admin_state, "*/gateway => UP\n");
    }
    return 0;
}
