/* SPDX-License-Identifier: MIT */
/*
 * Why the bounds are what they are. The server decides at accept, so request k is bad exactly if its accept p_k lies in
 * [down, up), with s_k <= p_k <= s_k + sigma: the client's slip and the server's lateness are one after the other,
 * hence sigma is their sum.
 *
 *     upper   c_fg - t_ib. The request before fg was bad: s_fg - gap <= up. What remains is the time fg took once it
 *             could be served (its service time), and the injection's width.
 *     lower   a_lb - t_ie. The request after lb was good: up <= s_lb + gap + sigma. In a freeze the backlog is answered
 *             at the heal, so the last bad request may be T_req older.
 *     loss    n * gap, where n counts the plan's instants in an interval as long as the outage give or take sigma: off
 *             by less than gap + sigma for each phase of being out; a freeze turns up to T_req of bad ones into good.
 *
 *     second  the second prober's interval holds the truth, too, and overlaps; upper ends are at most both gaps, both
 *             clients' sigma and the server's apart. Both at the same gap, since the rehearsal has one.
 *
 * An outage that was not to come back has no upper end: accepted is `never`, with the truth above the lower end.
 */
#include "harness/selftest/acceptance.h"

static bool holds_truth(const struct outage_record *r, int64_t lower_ns, int64_t upper_ns)
{
    bool open = upper_ns == INT64_MAX;
    if (r->never)
        return open && lower_ns <= r->truth_hi_ns + CLOCK_READ_NS;
    return lower_ns <= r->truth_lo_ns + CLOCK_READ_NS && !open && r->truth_hi_ns <= upper_ns + CLOCK_READ_NS;
}

static void compare_second(const struct outage_record *r, struct acceptance *a)
{
    bool open = r->upper_ns == INT64_MAX && r->second.upper_ns == INT64_MAX;
    int64_t ahead = open ? r->lower_ns - r->second.lower_ns : r->upper_ns - r->second.upper_ns;
    a->second_inside = !r->second.damaged && holds_truth(r, r->second.lower_ns, r->second.upper_ns);
    a->apart_ns = ahead < 0 ? -ahead : ahead;
    a->apart_allowed_ns = 2 * r->gap_ns + r->client_late_ns + r->server_late_ns + r->second.late_ns;
    bool overlap = r->lower_ns <= r->second.upper_ns && r->second.lower_ns <= r->upper_ns;
    a->confirmed = !r->second.watched || (a->second_inside && overlap && a->apart_ns <= a->apart_allowed_ns);
}

static void accept_never(const struct outage_record *r, struct acceptance *a)
{
    a->inside = r->upper_ns == INT64_MAX && r->lower_ns <= r->truth_hi_ns + CLOCK_READ_NS;
    a->accepted = a->inside && r->recovered_never && r->verdict != MET;
}

void acceptance_of(const struct outage_record *r, struct acceptance *a)
{
    int64_t sigma = r->client_late_ns + r->server_late_ns;
    int64_t backlog = r->mode == OUTAGE_FREEZE ? r->timeout_ns : 0;
    int64_t phase = r->gap_ns + sigma + CLOCK_READ_NS;
    *a = (struct acceptance){0};
    compare_second(r, a);
    if (r->never) {
        accept_never(r, a);
        a->accepted = a->accepted && a->confirmed;
        return;
    }
    a->excess_allowed_ns = phase + r->service_ns + r->injection_ns;
    a->slack_allowed_ns = phase + r->injection_ns + backlog;
    a->loss_long_ns = r->down_phases * phase;
    a->loss_short_ns = a->loss_long_ns + backlog;
    a->loss_error_ns = r->loss_ns - r->down_ns;
    a->slack_ns = r->truth_hi_ns - r->lower_ns;
    a->excess_ns = r->upper_ns == INT64_MAX ? INT64_MAX : r->upper_ns - r->truth_lo_ns;
    bool above = r->lower_ns <= r->truth_lo_ns + CLOCK_READ_NS;
    bool below = r->upper_ns == INT64_MAX || r->truth_hi_ns <= r->upper_ns + CLOCK_READ_NS;
    a->inside = above && below;
    a->accepted = a->inside && !r->recovered_never && a->excess_ns <= a->excess_allowed_ns &&
                  a->slack_ns <= a->slack_allowed_ns && a->loss_error_ns <= a->loss_long_ns &&
                  -a->loss_error_ns <= a->loss_short_ns && a->confirmed;
}
