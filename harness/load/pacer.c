/* SPDX-License-Identifier: MIT */
/*
 * s_k = s_0 + floor(k / rate), computed from k each time, so that no rounding adds up over an hour. A stream that
 * was kept from running for a while finds several requests due and sends them all at once, each with its own planned
 * instant: the delay then shows as slip, not as a plan with holes.
 */
#include "harness/load/pacer.h"

#include "harness/base/rng.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"

int64_t pacer_offset_ns(const struct plan *plan, size_t stream)
{
    const struct plan_stream *s = &plan->streams[stream];
    scoped_text struct text consumer = {0};
    text_addf(&consumer, "pacer/%s/%zu", plan->topology->sites[s->vantage].name, stream);
    struct rng rng;
    rng_init(&rng, plan->seed, text_str(&consumer));
    return (int64_t)rng_below(&rng, (uint64_t)plan_interval_ns(s));
}

void pacer_init(struct pacer *p, const struct plan *plan, size_t stream, int64_t start_ns)
{
    *p = (struct pacer){.stream = &plan->streams[stream], .first_ns = start_ns + pacer_offset_ns(plan, stream)};
}

int64_t pacer_next_ns(const struct pacer *p)
{
    return plan_due_ns(p->stream, p->first_ns, p->next);
}

bool pacer_take(struct pacer *p, int64_t now_ns, uint64_t *k, int64_t *due_ns)
{
    int64_t due = pacer_next_ns(p);
    if (due > now_ns) {
        return false;
    }
    *k = p->next++;
    *due_ns = due;
    return true;
}
