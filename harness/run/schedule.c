/* SPDX-License-Identifier: MIT */
/* Method: list every beginning and every `for:` end, then sort by instant, kind, and place in the file. */
#include "harness/run/schedule.h"
#include <stdlib.h>

static int deed_order(const void *pa, const void *pb)
{
    const struct deed *a = pa, *b = pb;
    if (a->at_ns != b->at_ns)
        return a->at_ns < b->at_ns ? -1 : 1;
    if ((a->kind == DEED_HEAL) != (b->kind == DEED_HEAL))
        return a->kind == DEED_HEAL ? -1 : 1;
    return (int)a->step->id - (int)b->step->id;
}

size_t schedule_of(const struct plan *plan, struct deed *deeds)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *s = &plan->steps[i];
        bool restore = s->action.type->class == ACTION_RESTORE;
        deeds[n++] = (struct deed){.at_ns = s->at_ns, .kind = restore ? DEED_RESTORE : DEED_APPLY, .step = s};
        if (restore && s->action.ready_after_ns > 0)
            deeds[n++] = (struct deed){.at_ns = s->at_ns + s->action.ready_after_ns, .kind = DEED_HEAL, .step = s};
        if (s->has_for)
            deeds[n++] = (struct deed){.at_ns = s->until_ns, .kind = DEED_HEAL, .step = s};
    }
    qsort(deeds, n, sizeof(*deeds), deed_order);
    return n;
}
