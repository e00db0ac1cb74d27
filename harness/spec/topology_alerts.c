/* SPDX-License-Identifier: MIT */
/*
 * `topology.alerts`: the rules of the gateways' own watch. Defaults are those of a small world on a busy machine: half
 * a second of answers at a time, three in a row, and a p99 that is worse by at least 50 ms, so that nothing is raised
 * when nothing is wrong.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/spec/topology_spec.h"

const char *const topo_alert_words[] = {"", "slow", "errors", "traffic", NULL};

#define IN(member) .offset = offsetof(struct alerts_spec, member)

/* clang-format off */
static const struct field alerts_fields[] = {
    {.key = "window", .kind = FIELD_DURATION, IN(alerts.window_ns), .preset = "500ms", .min = 100 * NS_PER_MS,
     .max = 600 * NS_PER_S, .doc = "how much is looked at together"},
    {.key = "after", .kind = FIELD_COUNT, IN(alerts.after), .preset = "3", .min = 1, .max = 1000,
     .doc = "windows in a row that break a rule before an alert is raised, or keep it before that is over"},
    {.key = "slow", .kind = FIELD_FACTOR, IN(alerts.slow_ppm), .preset = "1.2", .min = 1010000, .max = 1000000000,
     .doc = "p99 above so many times the usual one"},
    {.key = "slow_least", .kind = FIELD_DURATION, IN(alerts.slow_least_ns), .preset = "50ms", .max = 600 * NS_PER_S,
     .doc = "and above it by at least this"},
    {.key = "errors", .kind = FIELD_RATIO, IN(alerts.errors_ppm), .preset = "1%", .min = 1,
     .doc = "more than this share of the answers is a 5xx"},
    {.key = "traffic", .kind = FIELD_FACTOR, IN(alerts.traffic_ppm), .preset = "2", .min = 1010000, .max = 1000000000,
     .doc = "so many times the usual requests, or the usual ones divided by it"},
    {.key = "rules", .kind = FIELD_TEXTS, IN(rules), .words = topo_alert_words + 1, .max = 3,
     .example = "[slow, errors]",
     .doc = "which of slow, errors, traffic are watched; all if absent"},
};
/* clang-format on */

const struct field_set alerts_set = {
    "`topology.alerts`", "topology.alerts", "When gateways raise an alert by themselves.", alerts_fields,
    array_len(alerts_fields), 0};

struct topo_alerts alerts_of(const struct alerts_spec *spec)
{
    struct topo_alerts a = spec->alerts;
    for (int rule = TOPO_ALERT_SLOW; topo_alert_words[rule]; rule++) {
        bool named = spec->rules.len == 0;
        for (size_t i = 0; i < spec->rules.len; i++) {
            named = named || text_eq(spec->rules.at[i], topo_alert_words[rule]);
        }
        a.rules |= named ? 1U << rule : 0U;
    }
    return a;
}
