/* SPDX-License-Identifier: MIT */
/*
 * Method: a target below the smallest floor cannot be met by this configuration at all; between smallest and largest it
 * hangs on the phase in which the fault meets the timers. The first is worth a warning of `validate`, both a remark of
 * `plan`. The warning points at the target where it is written: in the scenario, in the suite, in the argument of
 * --set.
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

struct texts_of_targets {
    struct source scenario, argument;
    const struct source *suite;
};

static struct place place_of(const struct plan_target *t, struct texts_of_targets *texts)
{
    int length = (int)strlen(target_types[t->key].key);
    if (t->assignment) {
        const char *s = t->assignment;
        texts->argument = (struct source){.name = "--set", .text = s, .len = strlen(s), .argument = true};
        return (struct place){&texts->argument, 1, 1, (int)strcspn(s, "=")};
    }
    return (struct place){t->file ? texts->suite : &texts->scenario, t->line, t->column, length};
}

void floor_warn(const struct plan *p, const struct source *suite, struct diag_list *diags)
{
    struct texts_of_targets texts = {{.name = p->file, .text = p->text, .len = strlen(p->text)}, .suite = suite};
    for (size_t i = 0; i < p->target_count; i++) {
        const struct plan_target *t = &p->targets[i];
        struct floor f = floor_of_target(p, t->key);
        if (!(in_s(t) < f.min)) {
            continue;
        }
        char target[UNIT_MAX];
        struct diag *d = diag_warning(diags, DIAG_FLOOR, place_of(t, &texts),
                                      "`%s: %s` is out of reach by configuration, which alone takes %.3f to %.3f s",
                                      target_types[t->key].key, target_print(t, target), f.min, f.max);
        diag_help(d, "raise the target, or shorten what `topology.failover` and `topology.replication` wait for");
    }
}
