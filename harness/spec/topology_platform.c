/* SPDX-License-Identifier: MIT */
/*
 * What a platform does for the nodes that run on it: it hands out their configuration (control), starts as many
 * instances as there is work for (scaling) and starts those again that it believes dead (liveness). Each is off unless
 * its key is there; then the defaults below count.
 */
#include "harness/spec/topology_spec.h"

#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"

/* What is heard of an endpoint is this much late at most. */
#define TOUCH_NS (2 * NS_PER_S)

#define IN(type, member) .offset = offsetof(struct type, member)

/* clang-format off */
static const char *const drift_words[] = {"revert", "alert", "quarantine", NULL};
static const char *const stale_words[] = {"serve", "refuse", NULL};

static const struct field control_fields[] = {
    {.key = "wait", .kind = FIELD_DURATION, IN(topo_control, wait_ns), .preset = "2s", .min = 100 * NS_PER_MS,
     .max = 60 * NS_PER_S,
     .doc = "how long an endpoint holds a question to which it has no news"},
    {.key = "fallback", .kind = FIELD_BOOL, IN(topo_control, fallback), .preset = "true",
     .doc = "gateways ask the endpoint of another region when their own does not answer"},
    {.key = "drift", .kind = FIELD_ENUM, IN(topo_control, drift), .words = drift_words, .preset = "revert",
     .doc = "what a drifted gateway does: go back, only say so, or say that it is not ready until it is put right"},
    {.key = "stale_after", .kind = FIELD_DURATION, IN(topo_control, stale_after_ns), .preset = "5s", .min = NS_PER_S,
     .max = 86400 * NS_PER_S,
     .doc = "a gateway is out of touch when no endpoint has answered for so long"},
    {.key = "when_stale", .kind = FIELD_BOOL, IN(topo_control, refuse_stale), .words = stale_words, .preset = "serve",
     .doc = "what a gateway does that is out of touch: serve on with the last good configuration, or refuse"},
};
const struct field_set control_set = {
    "`topology.control`", "topology.control", "A control plane with an endpoint in each region.", control_fields,
    array_len(control_fields), 0};

static const struct field scaling_fields[] = {
    {.key = "cold_start", .kind = FIELD_DURATION, IN(topo_scaling, cold_start_ns), .preset = "300ms",
     .max = 600 * NS_PER_S,
     .doc = "from the decision to start an instance until it takes requests"},
    {.key = "warm_up", .kind = FIELD_DURATION, IN(topo_scaling, warm_up_ns), .preset = "500ms", .max = 600 * NS_PER_S,
     .doc = "a new instance takes one request at a time for so long"},
    {.key = "per_instance", .kind = FIELD_COUNT, IN(topo_scaling, per_instance), .preset = "10", .min = 1, .max = 1000,
     .doc = "requests in flight that one instance takes"},
    {.key = "most", .kind = FIELD_COUNT, IN(topo_scaling, most), .preset = "20", .min = 1, .max = 64,
     .doc = "instances of one origin, at most"},
    {.key = "least", .kind = FIELD_COUNT, IN(topo_scaling, least), .preset = "1", .max = 64,
     .doc = "instances of one origin that are kept, work or not"},
    {.key = "standby", .kind = FIELD_COUNT, IN(topo_scaling, standby), .preset = "0", .max = 64,
     .doc = "the same in a standby region: 0 is a pilot light, more a warm pool"},
    {.key = "idle_after", .kind = FIELD_DURATION, IN(topo_scaling, idle_after_ns), .preset = "5s",
     .min = 100 * NS_PER_MS, .max = 86400 * NS_PER_S,
     .doc = "an instance that had nothing to do for so long goes"},
};
const struct field_set scaling_set = {
    "`topology.scaling`", "topology.scaling", "Origins as instances that come with the requests.", scaling_fields,
    array_len(scaling_fields), 0};

static const struct field liveness_fields[] = {
    {.key = "path", .kind = FIELD_TEXT, IN(topo_liveness, path), .preset = "/livez",
     .doc = "what the supervisor asks of each gateway; any answer but a 2xx is a failure"},
    {.key = "every", .kind = FIELD_DURATION, IN(topo_liveness, every_ns), .preset = "500ms", .min = 50 * NS_PER_MS,
     .max = 600 * NS_PER_S,
     .doc = "how often"},
    {.key = "timeout", .kind = FIELD_DURATION, IN(topo_liveness, timeout_ns), .preset = "500ms",
     .min = 10 * NS_PER_MS, .max = 60 * NS_PER_S,
     .doc = "no answer for so long is a failure"},
    {.key = "failures", .kind = FIELD_COUNT, IN(topo_liveness, failures), .preset = "3", .min = 1, .max = 100,
     .doc = "failures in a row after which the process is killed and started again"},
    {.key = "backoff", .kind = FIELD_DURATION, IN(topo_liveness, backoff_ns), .preset = "1s", .max = 600 * NS_PER_S,
     .doc = "pause before a start again, doubled each time up to 16 times"},
};
const struct field_set liveness_set = {
    "`topology.liveness`", "topology.liveness", "A supervisor of the gateways' processes.", liveness_fields,
    array_len(liveness_fields), 0};
/* clang-format on */

/* An error about one key of one of the maps. */
static struct diag *wrong(struct binder *b, const struct yaml_node *topology, const char *map, const char *key,
                          const char *what)
{
    const struct yaml_node *m = node_get(topology, map), *n = node_get(m, key);
    return diag_error(b->diags, DIAG_RANGE, node_place(n ? n : m), "%s", what);
}

void topology_check_platform(struct binder *b, const struct yaml_node *topology, const struct topology_spec *spec)
{
    const struct topo_scaling *s = &spec->scaling;
    if (s->there && (s->least > s->most || s->standby > s->most)) {
        const char *key = s->least > s->most ? "least" : "standby";
        diag_help(wrong(b, topology, "scaling", key, "more instances are kept than there may be"),
                  "raise `most`, or lower `%s`", key);
    }
    if (spec->control.there && spec->control.stale_after_ns < spec->control.wait_ns + TOUCH_NS) {
        diag_help(wrong(b, topology, "control", "stale_after",
                        "`stale_after` is not two seconds longer than `wait`, the time that a question may take"),
                  "make it longer, or `wait` shorter");
    }
    if (spec->liveness.there && spec->liveness.path[0] != '/') {
        diag_help(wrong(b, topology, "liveness", "path", "`path` does not begin with a slash"), "write `path: /livez`");
    }
}
