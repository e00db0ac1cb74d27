/* SPDX-License-Identifier: MIT */
/*
 * The evidence as the measures want it: requests by stream, faults with their brackets, and how late we ran ourselves.
 *
 * Made once by study_make from plan and evidence, const from then on (but for the suspects, set by quality.c), all of
 * it in the result's arena. Instants are run time in ns; NS_NONE is one that did not happen. Whatever in the evidence
 * is out of range is left out here and counted, so that no measure has to distrust a number again.
 */
#pragma once
#include "harness/evidence/evidence_read.h"
#include "harness/spec/plan.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_NONE INT64_MIN
#define NS_OPEN INT64_MAX                  /* the open end of an interval: +infinity */
#define NS_LIMIT (INT64_C(1) << 60)        /* an instant beyond 36 years is damage */
#define NO_INDEX SIZE_MAX
#define NO_SITE UINT16_MAX

struct fault_view {
    const struct plan_step *step;
    int64_t ib, ie;                        /* NS_NONE: never applied */
    int64_t hb, he;                        /* NS_NONE: never healed */
    const struct event *apply, *proof, *lapse, *heal, *heal_proof;
    bool nothing;                          /* null drill: proof and floor are waived */
    bool severing;
};

struct stream_view {
    const struct plan_stream *plan;
    size_t index;
    const struct sample **at;              /* by planned_ns, then k */
    bool *suspect;                         /* bad only by our own lateness */
    size_t len;
    uint16_t home;                         /* site that served it in the baseline, NO_SITE unknown */
};

/* We were late: due at `from`, there at `to`. */
struct lag {
    int64_t from, to;
};

struct study {
    const struct plan *plan;
    const struct evidence *ev;
    struct arena *arena;
    struct fault_view *faults;             /* every fault step of the plan, the applied ones first, by ib */
    size_t fault_count, applied_count;
    struct stream_view *streams;
    size_t stream_count;
    struct lag *lags;                      /* stalls and slips, by from */
    size_t lag_count;
    int64_t longest_lag_ns;
    int64_t zero_ns;                       /* scenario time 0, NS_NONE */
    int64_t first_ib_ns;                   /* NS_NONE without an applied fault */
    int64_t end_ns;                        /* end of observation */
    int64_t base_from_ns, base_to_ns;      /* the baseline window, NS_NONE */
    int64_t base_p50_ns, base_p99_ns;      /* over good requests; -1 none */
    int64_t interval_ns;                   /* Delta: largest over the streams that decide the RTO; 0 none */
    const struct event *baseline, *end;    /* NULL: not in the timeline */
    size_t strange_count;                  /* records and events out of range, left out */
    size_t backward_count;                 /* timestamps that run backwards */
    size_t missing_count;                  /* planned requests without a record */
};

void study_make(struct study *s, const struct plan *plan, const struct evidence *ev, struct arena *a);

/* First request planned at or after this instant; len when there is none. */
size_t stream_from(const struct stream_view *v, int64_t at_ns);
bool stream_connects(const struct plan_stream *p); /* fresh reads and writes */
/* The ones the RTO verdict uses: of clients that honour the DNS, where one leads them. */
bool stream_decides(const struct plan_stream *p);
bool fault_is(const struct fault_view *f, const char *verb);
bool fault_in_force(const struct fault_view *f, int64_t at_ns); /* ib <= at < hb */
bool any_fault_in_force(const struct study *s, int64_t at_ns);
const char *fault_ended_by(const struct fault_view *f); /* for, restore, rollback; NULL when it never ended */
/* End of the fault's own time: t_hb, or the end of observation. */
int64_t fault_end(const struct study *s, const struct fault_view *f);
/* Begin of the first fault after this instant, NS_OPEN if there is none. */
int64_t next_fault_after(const struct study *s, int64_t at_ns);

/* sigma over [from, to]: the worst lateness of any harness process in it (measurement section 13). */
int64_t lateness_in(const struct study *s, int64_t from_ns, int64_t to_ns);
int64_t sample_left(const struct sample *x); /* a_k, or s_k when it was never sent */
int64_t sample_seen(const struct sample *x); /* c_k, or s_k when it was never sent */

static inline bool sample_good(const struct sample *x)
{
    return x->outcome == OUTCOME_GOOD;
}
static inline int64_t ns_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}
static inline int64_t ns_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t ns_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
/* Seconds; NAN for an instant that did not happen and for an open end. */
static inline double seconds(int64_t ns)
{
    return ns == NS_NONE || ns == NS_OPEN ? NAN : (double)ns / 1e9;
}

/* A vector whose memory is the arena's: outgrown blocks stay until it dies. */
void *arena_grow(struct arena *a, void *at, size_t len, size_t *cap, size_t size);
#define arena_push(a, v) \
    (((v)->at = arena_grow((a), (void *)(v)->at, (v)->len, &(v)->cap, sizeof(*(v)->at))), &(v)->at[(v)->len++])
