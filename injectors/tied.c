/* SPDX-License-Identifier: MIT */
/*
 * A trial is looked at again while the fault is in force, so one that is older than half a second is followed by
 * another; what the newest finished one said counts until then.
 *
 * The patience of a trial is that of a round trip and half a second more: a machine that stands still must not look
 * like a filter. Nor may it look like a fault on the control: there a trial that nobody answered is repeated.
 */
#include "injectors/tied.h"

#include "harness/base/units.h"

#include <stdio.h>

#define TRIAL_EVERY_NS (500 * NS_PER_MS)
#define PATIENCE_NS (500 * NS_PER_MS)

static uint16_t link_of(const struct injection *in, const struct tether *t)
{
    const struct topology *topo = fabric_topology(in->fabric);
    return topo_link_find(topo, topo->nodes[tether_from(t)].site, topo->nodes[tether_to(t)].site);
}

bool tied_hidden(const struct injection *in, const struct tether *t)
{
    uint16_t link = link_of(in, t);
    unsigned held = fabric_held(in->fabric, tether_from(t)) | fabric_held(in->fabric, tether_to(t));
    return link == TOPO_NONE || held & HOLD_UNPLUGGED || link_hidden(in, path_of(link, false)) ||
           link_hidden(in, path_of(link, true));
}

static int64_t patience(const struct injection *in, const struct tether *t)
{
    uint16_t link = link_of(in, t);
    return link == TOPO_NONE
               ? PATIENCE_NS
               : PATIENCE_NS + link_allowance(in, path_of(link, false)) + link_allowance(in, path_of(link, true));
}

enum proof tied_try(struct injection *in, struct tether *t, int64_t since_ns, enum tether_trial *how)
{
    struct tether_view v = tether_look(t);
    int64_t now = lab_now(fabric_lab(in->fabric));
    bool fits = v.trial != TRIAL_NONE && v.tried_ns >= since_ns;
    if (!fits || now - v.tried_ns > TRIAL_EVERY_NS) {
        tether_try(t, patience(in, t));
    }
    *how = fits ? v.trial : TRIAL_NONE;
    return fits ? PROOF_PROVEN : PROOF_PENDING;
}

enum proof tied_control(struct injection *in, bool new_ones)
{
    if (!in->control_tether || tied_hidden(in, in->control_tether)) {
        return PROOF_PROVEN;
    }
    struct tether_view v = tether_look(in->control_tether);
    if (v.broke_ns >= in->begun_at_ns) {
        snprintf(in->method, sizeof(in->method), "the control connection, which no fault hits, broke, too");
        return PROOF_REFUTED;
    }
    enum tether_trial how = TRIAL_LET_IN;
    enum proof tried = new_ones ? tied_try(in, in->control_tether, in->applied_at_ns, &how) : PROOF_PROVEN;
    if (tried == PROOF_PROVEN && how != TRIAL_LET_IN) {
        snprintf(in->method, sizeof(in->method), "a new connection on the control path, which no fault hits, is %s",
                 tied_word(how));
        return PROOF_PENDING;
    }
    return tried;
}

const char *tied_word(enum tether_trial how)
{
    static const char *const words[] = {"not tried", "let in", "refused", "silent"};
    return words[how];
}
