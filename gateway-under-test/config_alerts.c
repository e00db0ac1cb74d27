/* SPDX-License-Identifier: MIT */
/*
 * What a gateway watches of itself, and where it writes what it did: the keys `alerts` and `access_log`.
 */
#include "gateway-under-test/alerts.h"
#include "gateway-under-test/config.h"

#include <string.h>

static int parse_rules(const struct config_place *p, struct config_alerts *a)
{
    const char **words;
    size_t count = 0;
    a->rules = (1U << ALERT_RULES) - 1;
    if (json_object_get(p->object, "rules") == NULL)
        return 0;
    if (want_texts(p, "rules", &words, &count) < 0)
        return -1;
    a->rules = 0;
    for (size_t i = 0; i < count; i++) {
        int rule = 0;
        while (alert_words[rule] != NULL && strcmp(alert_words[rule], words[i]) != 0)
            rule++;
        if (rule == ALERT_RULES)
            return place_fail(p, "rules", "%s is none of slow, errors, traffic", words[i]);
        a->rules |= 1U << rule;
    }
    return 0;
}

static int parse_alerts(const struct config_place *top)
{
    static const char *const keys[] = {"window_ms", "after",           "slow_percent", "slow_least_ms",
                                       "error_ppm", "traffic_percent", "rules",        NULL};
    struct config *c = top->config;
    struct config_place at;
    if (json_object_get(top->object, "alerts") == NULL)
        return 0;
    struct config_alerts *a = c->alerts = arena_new(&c->arena, struct config_alerts);
    return place_enter(top, "alerts", &at) < 0 || place_keys(&at, keys) < 0 ||
                   want_int(&at, "window_ms", 100, 600000, 1000, &a->window_ms) < 0 ||
                   want_small(&at, "after", 1, 1000, 3, &a->after) < 0 ||
                   want_int(&at, "slow_percent", 101, 100000, 120, &a->slow_percent) < 0 ||
                   want_int(&at, "slow_least_ms", 0, 600000, 5, &a->slow_least_ms) < 0 ||
                   want_int(&at, "error_ppm", 1, 1000000, 10000, &a->error_ppm) < 0 ||
                   want_int(&at, "traffic_percent", 101, 100000, 200, &a->traffic_percent) < 0 ||
                   parse_rules(&at, a) < 0
               ? -1
               : 0;
}

int config_parse_watch(const struct config_place *top)
{
    static const char *const keys[] = {"path", "max_bytes", NULL};
    struct config_place at;
    if (parse_alerts(top) < 0)
        return -1;
    if (json_object_get(top->object, "access_log") == NULL)
        return 0;
    return place_enter(top, "access_log", &at) < 0 || place_keys(&at, keys) < 0 ||
                   want_text(&at, "path", NULL, &top->config->access_log) < 0 ||
                   want_int(&at, "max_bytes", 0, INT64_C(1) << 40, 0, &top->config->access_log_max) < 0
               ? -1
               : 0;
}
