/* SPDX-License-Identifier: MIT */
/*
 * What a `restore` with `from: backup` needs: backups, and a store that comes back without its log. With a log on its
 * disk a store restores nothing, and the drill would show what it does not.
 */
#include "harness/spec/plan_compile.h"

static bool is_store(const struct topology *t, uint16_t node)
{
    return t->nodes[node].role == NODE_ORIGIN && t->nodes[node].number == 1;
}

/* A store that a step killed together with its disk, and that this one brings back. */
static bool brings_back_empty(const struct plan *p, const struct plan_step *restore)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_step *step = &p->steps[i];
        for (uint16_t n = 0;
             step->ended_by == restore->id && step->action.disk != DISK_KEPT && n < p->topology->node_count; n++) {
            if (is_store(p->topology, n) && step_hits_node(p->topology, step, n) &&
                step_hits_node(p->topology, restore, n)) {
                return true;
            }
        }
    }
    return false;
}

void plan_check_backups(const struct plan *p, const struct scenario *s, struct diag_list *diags)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_step *step = &p->steps[i];
        if (step->action.from != RESTORE_BACKUP) {
            continue;
        }
        if (p->topology->backups.every_ns == 0) {
            struct diag *d = diag_error(diags, DIAG_CHOICE, plan_step_place(s, step),
                                        "`%s` from a backup, and none are made", step->text);
            diag_help(d, "write `backups: {every: 1s}` under `topology`");
        } else if (!brings_back_empty(p, step)) {
            struct diag *d = diag_error(diags, DIAG_CHOICE, plan_step_place(s, step),
                                        "`%s` from a backup, and no store there has lost its disk", step->text);
            diag_help(d, "kill it with `disk: lost`, or leave `from` out");
        }
    }
}
