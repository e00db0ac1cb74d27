/* SPDX-License-Identifier: MIT */
/*
 * Failback: from the heal to stable service by the home region.
 *
 * The RTO formula with the heal's bracket for the fault's, and "good" read as "good, and answered by the region that
 * served this stream in the baseline". A stream whose answers named no region is judged by goodness alone, and the
 * result says so. The rollback at the end of observation is no heal whose failback anybody watched.
 */
#include "harness/measure/service.h"

#include "harness/base/text.h"

static bool watched(const struct study *s, const struct fault_view *f)
{
    return f->hb != NS_NONE && f->hb < s->end_ns && !text_eq(fault_ended_by(f), "rollback") && !f->nothing;
}

static void of_stream(const struct study *s, const struct stream_view *v, const struct fault_view *f,
                      struct failback *out)
{
    struct track low, up;
    int64_t end = ns_min(s->end_ns, next_fault_after(s, f->hb)), hold = f->step->hold_ns, lo = 0, hi = NS_OPEN;
    track_make(&low, s, v, SUSPECTS_GOOD, v->home);
    track_make(&up, s, v, SUSPECTS_BAD, v->home);

    size_t ff = track_first_bad(&up, 0, f->hb);
    bool unhurt = ff == NO_INDEX || v->at[ff]->planned_ns >= end;
    size_t fg = unhurt ? track_unhurt(&up, f->hb, end, hold) : track_stable(&up, f->hb, end, hold, false);
    size_t low_fg = track_stable(&low, f->hb, end, hold, false);
    size_t lb = track_last_bad(&low, low_fg == NO_INDEX ? stream_from(v, end) : low_fg, f->hb);
    if (lb != NO_INDEX)
        lo = ns_max(0, sample_left(v->at[lb]) - f->he);
    if (fg != NO_INDEX) {
        int64_t back = sample_seen(v->at[fg]);
        hi = back - f->hb;
        lo = ns_min(lo, hi);
        out->back_ns = ns_max(out->back_ns, back);
    }
    if (!out->any || hi > out->hi_ns)
        out->fault = f;
    out->any = true;
    out->lo_ns = ns_max(out->lo_ns, lo);
    out->hi_ns = ns_max(out->hi_ns, hi);
    out->headless = out->headless || v->home == NO_SITE;
}

void failback_measure(const struct study *s, struct failback *out)
{
    *out = (struct failback){.lo_ns = NS_NONE, .hi_ns = NS_NONE, .back_ns = NS_NONE};
    for (size_t i = 0; i < s->applied_count; i++)
        for (size_t j = 0; watched(s, &s->faults[i]) && j < s->stream_count; j++)
            if (stream_decides(s->streams[j].plan))
                of_stream(s, &s->streams[j], &s->faults[i], out);
    if (out->hi_ns == NS_OPEN)
        out->back_ns = NS_NONE;
}
