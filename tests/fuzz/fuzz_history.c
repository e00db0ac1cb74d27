/* SPDX-License-Identifier: MIT */
/* history.jsonl: the lines of runs before, read for `list`, pooled for `history`, and surveyed before
 * the next one is appended. */
#include "harness/base/err.h"
#include "harness/cli/history.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *path;
    if (!path)
        path = fuzz_path("history.jsonl");
    fuzz_put("history.jsonl", data, size);
    struct history_latest latest = {0};
    struct err e = {0};
    fuzz_must(history_read_latest(&latest, path, &e) == 0);
    for (size_t i = 0; i < latest.len; i++)
        fuzz_must(history_latest_find(&latest, latest.at[i].scenario) != NULL);
    history_latest_deinit(&latest);
    struct history_runs runs = {0};
    struct arena memory = {0};
    fuzz_must(history_read_runs(&runs, &memory, path, &e) == 0);
    const struct pool_run **in = arena_array(&memory, const struct pool_run *, runs.len + 1);
    for (size_t i = 0; i < runs.len; i++)
        in[i] = &runs.at[i];
    struct pool p = pool_of(&memory, in, runs.len, NULL);
    fuzz_must(p.n + p.excluded == runs.len && p.met <= p.n);
    for (size_t i = 0; i < p.series.len; i++)
        pool_compare(&p.series.at[i], &p.series.at[i]);
    history_runs_deinit(&runs);
    arena_deinit(&memory);
    struct result r = {.scenario = {.name = "region-outage", .sha256 = "0"}, .tool = {.version = "0"}};
    struct history h = {0};
    fuzz_must(history_begin(&h, path, ".", &r, &e) == 0);
    fuzz_must(r.history.line >= 1);
    history_close(&h);
    arena_deinit(&r.arena);
    return 0;
}
