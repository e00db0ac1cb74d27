/* SPDX-License-Identifier: MIT */
/*
 * The unit of a target follows from its key; durations print as a scenario has them.
 */
#include "harness/cli/targets.h"

#include "harness/base/text.h"

#include <stdio.h>

char *target_print(const struct plan_target *t, char out[UNIT_MAX])
{
    switch (target_types[t->key].unit) {
    case TARGET_S:
    case TARGET_MS:
        return unit_print_duration(t->value, out);
    case TARGET_RATIO:
        return unit_print_ratio(t->value, out);
    case TARGET_COUNT:
        break;
    }
    snprintf(out, UNIT_MAX, "%lld", (long long)t->value);
    return out;
}

void target_list_text(struct text *out, const struct plan *p)
{
    const char *comma = "";
    for (size_t i = 0; i < p->target_count; i++) {
        char value[UNIT_MAX];
        if (!p->targets[i].implied) {
            text_addf(out, "%s%s %s", comma, target_types[p->targets[i].key].key, target_print(&p->targets[i], value));
            comma = ", ";
        }
    }
}
