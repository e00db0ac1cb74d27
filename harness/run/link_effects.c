/* SPDX-License-Identifier: MIT */
/* What a plan will do to links and to the world, for the lab, which lays down
 * beforehand what faults only change later. */
#include "harness/run/run.h"
#include "injectors/injector.h"

void run_link_effects(const struct plan *plan, unsigned *by_link)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].action.type->class == ACTION_FAULT)
            injection_link_effects(plan->topology, &plan->steps[i].action, by_link);
}

unsigned run_effects(const struct plan *plan)
{
    unsigned effects = 0;
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].action.type->class == ACTION_FAULT)
            effects |= 1u << injector_effect(&plan->steps[i].action);
    return effects;
}
