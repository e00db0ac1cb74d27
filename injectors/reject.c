/* SPDX-License-Identifier: MIT */
/*
 * reject: packets of a link are turned away with an answer, as by a firewall or a router without a route, both ways or
 * one way; all of them, or (`only`) those of one port.
 *
 *     refused      a TCP reset (ICMP "port unreachable" for datagrams): connects fail at once, open streams break
 *     unreachable  ICMP "network unreachable": connects fail at once, open streams hang, for TCP takes it as advice
 *
 * Who is answered is the sender, at the near end of the link. Of a one-way reject the other side hears nothing: its
 * questions arrive, and the answers are what is turned away.
 *
 * Proven when the rules and the answerer's orders are read back, a knock along every faulted path fails with that very
 * error within 50 ms, and (all packets) the newest ten datagrams were lost while the control path is well, or (one
 * port) the datagrams of the same paths arrive. On a machine so busy that answers are late it stays open until one is
 * not.
 */
#include "harness/base/units.h"
#include "injectors/link.h"

#include <stdio.h>

static const char *const withs[] = {"", "refused", "unreachable", NULL};

static const struct field reject_fields[] = {
    {.key = "with", .kind = FIELD_ENUM, .offset = offsetof(struct action, way), .words = withs, .required = true,
     .example = "refused",
     .doc = "a reset, which breaks open streams, too; or an ICMP message, which only new ones heed"},
};

static int reject_apply(struct injection *in, struct err *e)
{
    struct path_state wish = {.gate_count = 1};
    wish.gates[0] = (struct path_gate){.port = in->action->port, .way = in->action->way};
    return link_apply(in, &wish, e);
}

/* The other traffic: gone with all, well beside one port. */
static enum proof prove_others(struct injection *in)
{
    if (in->action->port) {
        return link_carries(in, in->applied_at_ns);
    }
    enum proof p = link_all_lost(in);
    return p == PROOF_PROVEN ? link_control(in, in->applied_at_ns) : p;
}

static enum proof reject_prove(struct injection *in, bool healed)
{
    size_t knocks = 0;
    if (!link_reads_back(in, true)) {
        return PROOF_REFUTED;
    }
    enum proof p = link_knocks(in, in->action->port, false, healed, &knocks);
    if (p != PROOF_PROVEN || healed) {
        return p == PROOF_PROVEN ? link_carries(in, in->healed_at_ns) : p;
    }
    p = prove_others(in);
    if (p == PROOF_PROVEN) {
        snprintf(in->method, sizeof(in->method), "rules and answerer read back; %zu knocks %s; %s", knocks,
                 withs[in->action->way],
                 in->canary_count == 0  ? "no canaries in this lab"
                 : in->action->port     ? "datagrams on the same paths arrive"
                 : in->control          ? "10 datagrams in a row lost in each direction, control path well"
                                        : "10 datagrams in a row lost in each direction, no path left for a control");
    }
    return p;
}

const struct injector injector_reject = {
    .type = {.verb = "reject",
             .summary = "packets between places are turned away with an error, all or those of one port",
             .class = ACTION_FAULT,
             .targets = TARGET_LINK,
             .fields = reject_fields,
             .field_count = sizeof(reject_fields) / sizeof(reject_fields[0]),
             .selective = true,
             .severing = true},
    .apply = reject_apply,
    .heal = link_heal,
    .prove = reject_prove,
    .effect = EFFECT_REJECT,
};
