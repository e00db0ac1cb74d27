/* SPDX-License-Identifier: MIT */
/*
 * Floors, not rivals: no tool measures this evidence, but one can say how many times longer than merely touching the
 * data it takes. Loading is set beside reading and hashing the same bytes, measuring beside one sort of the same
 * samples, reporting beside writing files of the same content.
 */
#include "bench/sim.h"

#include "harness/base/arena.h"
#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "reports/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256u << 20)

double floor_read_ms(const char *run_path, int64_t *bytes, struct err *e)
{
    static const char *const files[] = {"samples.bin", "timeline.jsonl", "ledger.bin"};
    *bytes = 0;
    int64_t begun = clock_mono_ns();
    for (size_t i = 0; i < array_len(files); i++) {
        scoped_text struct text all = {0};
        char path[512], digest[SHA256_HEX];
        snprintf(path, sizeof(path), "%s/%s", run_path, files[i]);
        if (text_read_file(&all, path, FILE_MAX, e) != 0) {
            return -1;
        }
        sha256_hex(text_str(&all), all.len, digest);
        *bytes += (int64_t)all.len;
    }
    return bench_ms_since(begun);
}

static int by_latency(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int64_t p = x->done_ns - x->planned_ns, q = y->done_ns - y->planned_ns;
    return (p > q) - (p < q);
}

double floor_sort_ms(const struct evidence *ev)
{
    int64_t begun = clock_mono_ns();
    scoped_free struct sample *copy = xcalloc(ev->sample_count, sizeof(*copy));
    memcpy(copy, ev->samples, ev->sample_count * sizeof(*copy));
    qsort(copy, ev->sample_count, sizeof(*copy), by_latency);
    return bench_ms_since(begun);
}

double floor_write_ms(const char *run_path, const char *into, int64_t *bytes, struct err *e)
{
    double ms = 0;
    *bytes = 0;
    for (size_t i = 0; reporters[i]; i++) {
        scoped_text struct text all = {0};
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", run_path, reporters[i]->file_name);
        if (text_read_file(&all, path, FILE_MAX, e) != 0) {
            return -1;
        }
        snprintf(path, sizeof(path), "%s/%s", into, reporters[i]->file_name);
        int64_t begun = clock_mono_ns();
        if (file_replace(path, text_str(&all), all.len, e) != 0) {
            return -1;
        }
        ms += bench_ms_since(begun);
        *bytes += (int64_t)all.len;
    }
    return ms;
}
