/* SPDX-License-Identifier: MIT */
/*
 * Stable service in one stream (measurement section 7): the search for fg.
 *
 * A track is a stream seen through one question: which requests count as good here. Made per stream and treatment in
 * the study's arena; every query is then a few look-ups in running totals.
 */
#pragma once
#include "harness/measure/study.h"

enum suspects { SUSPECTS_GOOD, SUSPECTS_BAD }; /* for the lower end of an interval, for the upper end */

struct track {
    const struct stream_view *stream;
    size_t len;
    bool *good;
    bool *fails;           /* the window that begins with this request fails */
    uint32_t *bad;         /* running totals, len + 1 of each: bad[i] of the first i requests */
    uint32_t *wrong;
    uint32_t *timed;       /* good replies that have a latency of their own */
    uint32_t *slow;        /* of those, slower than L_p99 */
    int64_t window_ns;
    int64_t good_ppm;
};

/* home: NO_SITE, or the region good replies have to come from. */
void track_make(struct track *t, const struct study *s, const struct stream_view *v, enum suspects as, uint16_t home);

/* Earliest request planned in [from, end) from which service is stable until end, having held for hold_ns by then;
 * NO_INDEX if there is none. waive_hold: the hold need not fit before end. */
size_t track_stable(const struct track *t, int64_t from_ns, int64_t end_ns, int64_t hold_ns, bool waive_hold);

/* Was there a whole hold of good service between the requests `after` and `before` that did not last? */
bool track_relapsed(const struct track *t, size_t after, size_t before, int64_t end_ns, int64_t hold_ns);

/* The first request planned in [from, end) when nothing bad was sent there: the hold need not fit, but L_p99 must be
 * kept; else as track_stable. */
size_t track_unhurt(const struct track *t, int64_t from_ns, int64_t end_ns, int64_t hold_ns);

/* First bad request from this index on, last one before it, that was seen to be bad after the instant; NO_INDEX. */
size_t track_first_bad(const struct track *t, size_t from, int64_t seen_after_ns);
size_t track_last_bad(const struct track *t, size_t before, int64_t seen_after_ns);
