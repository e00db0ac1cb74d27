/* SPDX-License-Identifier: MIT */
/*
 * The parts of the configuration of an origin (a store, or the address of its region's store) and of the witness.
 */
#include "gateway-under-test/config.h"
#include "harness/base/err.h"

#include <string.h>

/* A list of other regions, which may be absent or empty. */
static int parse_peers(const struct config_place *p, const char *key, struct config_peer **out, size_t *count)
{
    static const char *const keys[] = {"region", "address", "port", NULL};
    const json_t *list = json_object_get(p->object, key);
    if (list == NULL || (json_is_array(list) && json_array_size(list) == 0))
        return 0;
    if (want_list(p, key, &list, count) < 0)
        return -1;
    if (*count >= CONFIG_REGIONS_MAX)
        return place_fail(p, key, "must be at most %d", CONFIG_REGIONS_MAX - 1);
    *out = arena_array(&p->config->arena, struct config_peer, *count);
    for (size_t i = 0; i < *count; i++) {
        struct config_peer *peer = &(*out)[i];
        struct config_place at;
        if (place_item(p, key, i, json_array_get(list, i), &at) < 0 || place_keys(&at, keys) < 0 ||
            want_text(&at, "region", NULL, &peer->region) < 0 || want_address(&at, &peer->to) < 0)
            return -1;
        if (strlen(peer->region) > 63 || strcmp(peer->region, p->config->region) == 0 ||
            strchr(peer->region, '/') != NULL || peer->region[0] == '.')
            return place_fail(&at, "region", "must be another region, at most 63 bytes");
    }
    return 0;
}

static int parse_store(const struct config_place *p, struct config_store *s)
{
    static const char *const keys[] = {
        "mode",     "every_ms",   "degrade",  "degrade_after_ms", "port", "home", "peers", "witness", "lease_ms",
        "renew_ms", "durability", "failsafe", "failback_hold_ms", NULL};
    static const char *const durabilities[] = {"os", "disk", NULL};
    static const char *const modes[] = {"async", "sync", NULL};
    static const char *const degrades[] = {"block", "async", NULL};
    static const char *const witness_keys[] = {"address", "port", NULL};
    int mode = 0, degrade = 0, durability = 0;
    struct config_place at;
    if (place_keys(p, keys) < 0 || want_word(p, "mode", modes, NULL, &mode) < 0 ||
        want_word(p, "degrade", degrades, "async", &degrade) < 0 ||
        want_word(p, "durability", durabilities, "os", &durability) < 0 ||
        want_int(p, "every_ms", 1, 600000, 200, &s->every_ms) < 0 ||
        want_int(p, "degrade_after_ms", 1, 600000, 1000, &s->degrade_after_ms) < 0 ||
        want_small(p, "port", 1, 65535, WANTED, &s->port) < 0 || want_bool(p, "home", false, &s->home) < 0 ||
        want_bool(p, "failsafe", true, &s->failsafe) < 0 ||
        want_int(p, "lease_ms", 30, 600000, 750, &s->lease_ms) < 0 ||
        want_int(p, "renew_ms", 1, 600000, 250, &s->renew_ms) < 0 ||
        want_int(p, "failback_hold_ms", 0, 600000, 1000, &s->failback_hold_ms) < 0 ||
        parse_peers(p, "peers", &s->peers, &s->peer_count) < 0)
        return -1;
    s->has_witness = json_object_get(p->object, "witness") != NULL;
    if (s->has_witness &&
        (place_enter(p, "witness", &at) < 0 || place_keys(&at, witness_keys) < 0 || want_address(&at, &s->witness) < 0))
        return -1;
    s->sync = mode == 1;
    s->degrade_async = degrade == 1;
    s->force = durability == 1;
    if (s->renew_ms * 2 > s->lease_ms)
        return place_fail(p, "renew_ms", "must be at most half of lease_ms");
    if (s->port == p->config->listen || s->port == p->config->admin)
        return place_fail(p, "port", "must differ from listen and admin");
    return 0;
}

static int parse_capacity(const struct config_place *top)
{
    static const char *const keys[] = {"slots", "service_us", "queue", NULL};
    struct config *c = top->config;
    struct config_place at;
    if (json_object_get(top->object, "capacity") == NULL)
        return 0;
    return place_enter(top, "capacity", &at) < 0 || place_keys(&at, keys) < 0 ||
                   want_small(&at, "slots", 1, 10000, WANTED, &c->capacity.slots) < 0 ||
                   want_int(&at, "service_us", 1, 600000000, WANTED, &c->capacity.service_us) < 0 ||
                   want_small(&at, "queue", 0, 1000000, 1000, &c->capacity.queue) < 0
               ? -1
               : 0;
}

static int parse_backup(const struct config_place *top)
{
    static const char *const keys[] = {"every_ms", "offsite", NULL};
    struct config *c = top->config;
    struct config_place at;
    if (json_object_get(top->object, "backup") == NULL)
        return 0;
    c->backup = arena_new(&c->arena, struct config_backup);
    return place_enter(top, "backup", &at) < 0 || place_keys(&at, keys) < 0 ||
                   want_int(&at, "every_ms", 10, 86400000, 60000, &c->backup->every_ms) < 0 ||
                   parse_peers(&at, "offsite", &c->backup->offsite, &c->backup->offsite_count) < 0
               ? -1
               : 0;
}

static int parse_own_store(const struct config_place *top)
{
    struct config *c = top->config;
    struct config_place at;
    c->store = arena_new(&c->arena, struct config_store);
    return place_enter(top, "store", &at) < 0 || parse_store(&at, c->store) < 0 || parse_backup(top) < 0 ? -1 : 0;
}

int config_parse_origin(struct config_place *top)
{
    static const char *const keys[] = {"node",      "role",  "region",   "listen", "admin",    "flaws",   "drain_ms",
                                       "finish_ms", "store", "store_at", "backup", "capacity", "scaling", NULL};
    static const char *const at_keys[] = {"address", "port", NULL};
    struct config *c = top->config;
    struct config_place at;
    bool here = json_object_get(top->object, "store") != NULL, there = json_object_get(top->object, "store_at") != NULL;
    if (place_keys(top, keys) < 0 || parse_capacity(top) < 0 || config_parse_platform(top) < 0)
        return -1;
    if (here == there)
        return place_fail(top, "store", "an origin has either store or store_at");
    if (here)
        return parse_own_store(top);
    if (json_object_get(top->object, "backup") != NULL)
        return place_fail(top, "backup", "needs a store of its own");
    c->store_at = arena_new(&c->arena, struct sockaddr_in);
    return place_enter(top, "store_at", &at) < 0 || place_keys(&at, at_keys) < 0 || want_address(&at, c->store_at) < 0
               ? -1
               : 0;
}

int config_parse_witness(struct config_place *top)
{
    static const char *const keys[] = {"node",      "role",     "region", "listen",   "admin",   "flaws", "drain_ms",
                                       "finish_ms", "lease_ms", "prefer", "grace_ms", "regions", NULL};
    struct config *c = top->config;
    if (place_keys(top, keys) < 0 || want_int(top, "lease_ms", 30, 600000, 750, &c->lease_ms) < 0 ||
        want_int(top, "grace_ms", 0, 600000, 1500, &c->grace_ms) < 0 ||
        want_texts(top, "regions", &c->regions, &c->region_count) < 0 ||
        want_text(top, "prefer", c->regions[0], &c->prefer) < 0)
        return -1;
    for (size_t i = 0; i < c->region_count; i++) {
        if (strcmp(c->regions[i], c->prefer) == 0)
            return c->region_count <= CONFIG_REGIONS_MAX
                       ? 0
                       : place_fail(top, "regions", "must be at most %d", CONFIG_REGIONS_MAX);
    }
    return place_fail(top, "prefer", "%s is not among the regions", c->prefer);
}
