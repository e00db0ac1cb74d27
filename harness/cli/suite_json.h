/* SPDX-License-Identifier: MIT */
/*
 * suite.json: the table of its keys, and the structs that it binds. What comparisons tell of a pool of runs has the
 * form of its statistics.
 */
#pragma once
#include "harness/base/json_doc.h"
#include "harness/measure/pool.h"

struct suite_json_run {
    const char *run_id, *scenario;
    int64_t repeat_index;
    enum verdict verdict;
    int64_t repeat_count, seed;
    const char *left_out;
};

struct suite_json_not_run {
    const char *scenario, *title;
    int64_t repeat_index, repeat_count, seed;
};

struct suite_json_series {
    const char *name, *unit;
    double target;
    int64_t pooled_count, excluded_count, censored_count, met_count;
    double median, median_lower, median_upper, worst, p95_bound, autocorrelation;
    json_t *values;
};

struct suite_json_statistics {
    const char *scenario;
    int64_t run_count, pooled_count, excluded_count, met_count;
    double met_lower_ratio;
    const char *tool_sha256, *scenario_sha256, *system_sha256, *config_sha256;
    vec_of(struct suite_json_series) objectives;
};

struct suite_json {
    int64_t schema_version;
    const char *suite, *title, *started_at, *ended_at;
    int64_t exit_code, met_count, missed_count, inconclusive_count, skipped_count;
    vec_of(struct suite_json_run) runs;
    vec_of(struct suite_json_not_run) not_run;
    const char *kind;
    vec_of(struct suite_json_statistics) statistics;
};

extern const struct json_doc suite_doc;
extern const struct json_shape suite_statistics_shape;
