/* SPDX-License-Identifier: MIT */
/*
 * The parts of the configuration that are about the platform around a node: where a gateway hears what is desired of
 * it, how an origin scales, and the role control.
 */
#include "gateway-under-test/config.h"

#include <string.h>

static int parse_endpoints(const struct config_place *p, struct config_control *c)
{
    static const char *const keys[] = {"address", "port", NULL};
    const json_t *list;
    if (want_list(p, "endpoints", &list, &c->count) < 0)
        return -1;
    if (c->count > CONFIG_ENDPOINTS_MAX)
        return place_fail(p, "endpoints", "must be at most %d", CONFIG_ENDPOINTS_MAX);
    for (size_t i = 0; i < c->count; i++) {
        struct config_place at;
        if (place_item(p, "endpoints", i, json_array_get(list, i), &at) < 0 || place_keys(&at, keys) < 0 ||
            want_address(&at, &c->at[i]) < 0)
            return -1;
    }
    return 0;
}

static int parse_control(const struct config_place *top)
{
    static const char *const keys[] = {"endpoints", "wait_ms", "stale_after_ms", "when_stale", NULL};
    static const char *const words[] = {"serve", "refuse", NULL};
    struct config_control *c = &top->config->control;
    struct config_place at;
    int when_stale = 0;
    if (place_enter(top, "control", &at) < 0 || place_keys(&at, keys) < 0 || parse_endpoints(&at, c) < 0 ||
        want_int(&at, "wait_ms", 10, 60000, 2000, &c->wait_ms) < 0 ||
        want_int(&at, "stale_after_ms", 10, INT64_C(86400000), 5000, &c->stale_after_ms) < 0 ||
        want_word(&at, "when_stale", words, "serve", &when_stale) < 0)
        return -1;
    c->refuse_stale = when_stale == 1;
    return 0;
}

static int parse_scaling(const struct config_place *top)
{
    static const char *const keys[] = {"cold_start_ms", "warm_up_ms", "idle_after_ms", "per_instance", "most",
                                       "least",         NULL};
    struct config_scaling *s = &top->config->scaling;
    struct config_place at;
    if (place_enter(top, "scaling", &at) < 0 || place_keys(&at, keys) < 0 ||
        want_int(&at, "cold_start_ms", 0, 600000, 300, &s->cold_start_ms) < 0 ||
        want_int(&at, "warm_up_ms", 0, 600000, 500, &s->warm_up_ms) < 0 ||
        want_int(&at, "idle_after_ms", 10, INT64_C(86400000), 5000, &s->idle_after_ms) < 0 ||
        want_small(&at, "per_instance", 1, 1000, 10, &s->per_instance) < 0 ||
        want_small(&at, "most", 1, CONFIG_INSTANCES_MAX, 20, &s->most) < 0 ||
        want_small(&at, "least", 0, CONFIG_INSTANCES_MAX, 1, &s->least) < 0)
        return -1;
    return s->least <= s->most ? 0 : place_fail(&at, "least", "must not exceed most");
}

int config_parse_platform(struct config_place *top)
{
    bool control = json_object_get(top->object, "control") != NULL,
         scaling = json_object_get(top->object, "scaling") != NULL;
    return (control && parse_control(top) < 0) || (scaling && parse_scaling(top) < 0) ? -1 : 0;
}

int config_parse_control(struct config_place *top)
{
    static const char *const keys[] = {"node",  "role",     "region",    "listen",  "admin",
                                       "flaws", "drain_ms", "finish_ms", "hold_ms", NULL};
    return place_keys(top, keys) < 0 || want_int(top, "hold_ms", 10, 60000, 60000, &top->config->hold_ms) < 0 ? -1 : 0;
}
