/* SPDX-License-Identifier: MIT */
/*
 * The data of the two dense charts, for scripts: requests per second and latency, in finer buckets than their static
 * pictures. Counts are sums and the largest latency of a bucket is kept, so no peak is lost; a bucket without a good
 * answer has no latency.
 */
#include "reports/html/html.h"

#include "harness/base/scoped.h"

#include <math.h>

enum { DENSE_MIN = 240, DENSE_MAX = 1500, REQUESTS = 40 }; /* so many in a bucket, or its rate is mere rounding */

static json_t *milliseconds(double s)
{
    return isfinite(s) ? json_real(round(s * 1e5) / 100) : json_null();
}

static json_t *fault_windows(const struct page *p)
{
    json_t *all = json_array();
    for (size_t i = 0; i < p->r->faults.len; i++) {
        const struct result_fault *f = &p->r->faults.at[i];
        if (isfinite(f->t_ib_s)) {
            json_array_append_new(all, json_pack("[f,f]", f->t_ib_s, isfinite(f->t_he_s) ? f->t_he_s : p->end_s));
        }
    }
    return all;
}

void html_dense(struct page *p)
{
    scoped_series struct series s = {0};
    size_t want = p->in->evidence->sample_count / REQUESTS;
    want = want < DENSE_MIN ? DENSE_MIN : want > DENSE_MAX ? DENSE_MAX : want;
    series_make(&s, p->in->evidence, p->in->plan, 0, p->axis.to_s, want);
    if (s.count == 0) {
        return;
    }
    json_t *rows = json_array();
    for (size_t b = 0; b < s.count; b++) {
        const struct series_bucket *k = &s.buckets[b];
        json_array_append_new(rows, json_pack("[i,i,o,o,o,o]", (int)k->good, (int)k->bad, milliseconds(k->p50_s),
                                              milliseconds(k->p95_s), milliseconds(k->p99_s), milliseconds(k->max_s)));
    }
    scoped_json json_t *doc = json_pack("{s:f,s:f,s:o,s:o}", "width", s.width_s, "end", p->axis.to_s, "faults",
                                        fault_windows(p), "rows", rows);
    html_data(p, "dense-data", doc);
}
