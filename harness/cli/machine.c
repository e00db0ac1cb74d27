/* SPDX-License-Identifier: MIT */
/*
 * A plan fits a machine when every effect of its faults has a mechanism there. Shaped links are wished for, not needed:
 * where they cannot be made the run goes on and says so as a limit.
 */
#include "harness/cli/machine.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/load/needs.h"
#include "harness/run/run.h"
#include "injectors/injector.h"

#include <string.h>

static int effect_of(const char *word, size_t len)
{
    for (int i = 0; i < LAB_EFFECTS; i++) {
        if (strlen(lab_effect_words[i]) == len && strncmp(lab_effect_words[i], word, len) == 0) {
            return i;
        }
    }
    return -1;
}

int machine_forced(const struct option_list *given, struct arena *a, const char **forced, struct err *e)
{
    for (size_t i = 0; i < given->len; i++) {
        const char *equals = strchr(given->at[i], '=');
        int effect = equals ? effect_of(given->at[i], (size_t)(equals - given->at[i])) : -1;
        if (effect < 0 || !lab_mechanism_known(equals + 1)) {
            err_set(e, ERR_USAGE, "--mechanism", effect < 0 ? "`%s` is not EFFECT=NAME" : "`%s`: there is no such NAME",
                    given->at[i]);
            return err_help(e, "write for example cut=fib; `drtest doctor` lists the effects and what makes them here");
        }
        forced[effect] = arena_strdup(a, equals + 1);
    }
    return 0;
}

bool machine_needs(const struct plan *p, enum lab_effect effect)
{
    for (size_t i = 0; i < p->step_count; i++) {
        const struct action *a = &p->steps[i].action;
        bool acts = a->type->class == ACTION_FAULT || a->type->class == ACTION_OPERATOR;
        if (acts && injector_effects(a) & 1u << effect) {
            return true;
        }
    }
    return effect == EFFECT_DNS && topo_dns_node(p->topology) != TOPO_NONE;
}

struct lab_mechanism machine_mechanism(const struct lab_caps *caps, enum lab_effect effect)
{
    return caps ? caps->effects[effect] : lab_sim.mechanism(NULL, effect);
}

bool machine_unfit(const struct lab_caps *caps, const struct plan *p, struct text *reason)
{
    if (caps && !caps->usable) {
        text_addf(reason, "no lab can be built here: %s%s%s", caps->reason, caps->remedy[0] ? "; " : "", caps->remedy);
        return true;
    }
    bool unfit = false;
    for (enum lab_effect effect = 0; effect < LAB_EFFECTS; effect++) {
        struct lab_mechanism m = machine_mechanism(caps, effect);
        if (!m.available && machine_needs(p, effect)) {
            text_addf(reason, "%s%s cannot be done here: %s", unfit ? "; " : "", lab_effect_words[effect],
                      m.why ? m.why : "");
            unfit = true;
        }
    }
    return unfit;
}

size_t machine_settle(struct lab_caps *caps, const struct plan *p, const char *const forced[LAB_EFFECTS])
{
    const struct topology *t = p->topology;
    scoped_free unsigned *effects = xcalloc(t->link_count + 1, sizeof(*effects));
    scoped_free bool *wired = xcalloc(t->link_count + 1, sizeof(*wired));
    for (int i = 0; i < LAB_EFFECTS; i++) {
        if (forced[i]) {
            caps->effects[i] = (struct lab_mechanism){forced[i], "forced by --mechanism", true};
        }
    }
    run_link_effects(p, effects);
    lab_caps_settle(caps, t, effects, forced, wired);
    size_t n = 0;
    for (size_t k = 0; k < t->link_count; k++) {
        n += wired[k];
    }
    return n;
}

int machine_has_room(const struct batch *b, const char *output, bool simulated, struct err *e)
{
    uint64_t disk_bytes = 0;
    for (size_t i = 0; i < b->jobs.len; i++) {
        const struct plan *p = b->jobs.at[i].plan;
        if (load_needs_check(p, simulated, e) < 0) {
            return -1;
        }
        disk_bytes += load_needs(p).disk_bytes;
    }
    return load_needs_check_disk(output, disk_bytes, e);
}

bool machine_shapes_links(const struct topology *t)
{
    for (size_t i = 0; i < t->link_count; i++) {
        const struct path_state *b = &t->links[i].baseline;
        if (b->delay_ns || b->jitter_ns || b->loss_ppm || b->rate_bps) {
            return true;
        }
    }
    return false;
}
