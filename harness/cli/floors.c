/* SPDX-License-Identifier: MIT */
/*
 * Method: a target below the smallest floor cannot be met by this configuration at all; between smallest and largest it
 * hangs on the phase in which the fault meets the timers. The first is worth a warning of `validate`, both a remark of
 * `plan`. The warning points at the target in the scenario; a target of an override has no line there.
 */
#include "harness/cli/floors.h"

#include "harness/base/units.h"
#include "harness/cli/targets.h"

#include <math.h>
#include <string.h>

struct floor floor_of_target(const struct plan *p, enum target_key key)
{
    switch (key) {
    case TARGET_RTO:
        return floor_rto(p, NULL);
    case TARGET_RPO:
        return floor_rpo(p, NULL);
    default:
        return (struct floor){NAN, NAN, NAN};
    }
}

json_t *floor_json(struct floor f)
{
    return json_pack("{s:o,s:o,s:o}", "min_s", json_finite(f.min), "mean_s", json_finite(f.mean), "max_s",
                     json_finite(f.max));
}

static double in_s(const struct plan_target *t)
{
    return (double)t->value / (double)NS_PER_S;
}

const char *floor_says(const struct plan_target *t, struct floor f)
{
    if (in_s(t) < f.min) {
        return "out of reach by configuration";
    }
    return in_s(t) < f.max ? "depends on phase" : NULL; /* NAN compares false */
}

void floor_warn(const struct plan *p, struct diag_list *diags)
{
    struct source source = {.name = p->file, .text = p->text, .len = strlen(p->text)};
    for (size_t i = 0; i < p->target_count; i++) {
        const struct plan_target *t = &p->targets[i];
        struct floor f = floor_of_target(p, t->key);
        if (!(in_s(t) < f.min)) {
            continue;
        }
        const char *key = target_types[t->key].key;
        char target[UNIT_MAX];
        struct place at = {.source = &source, .line = t->line, .column = t->column, .length = (int)strlen(key)};
        struct diag *d = diag_warning(diags, DIAG_FLOOR, at,
                                      "`%s: %s` is out of reach by configuration, which alone takes %.3f to %.3f s", key,
                                      target_print(t, target), f.min, f.max);
        diag_help(d, "raise the target, or shorten what `topology.failover` and `topology.replication` wait for");
    }
}
