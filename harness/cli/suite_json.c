/* SPDX-License-Identifier: MIT */
/* One row per key, in the order of the file. */
#include "harness/cli/suite_json.h"

#include "harness/base/json_rows.h"
#include "harness/measure/result_words.h"

static const struct json_word kind_means[] = {{"suite", "the scenarios of a suite file"},
                                              {"repeats", "scenarios that --repeat did several times"},
                                              {NULL, NULL}};

/* clang-format off */
#define T struct suite_json_run
static const struct json_field run_fields[] = {
    TEXT(run_id, "name of the run and of its directory"),
    TEXT(scenario, "name of the scenario"),
    INT(repeat_index, "which of its repeats this is, from 1", SURE),
    VERDICT(verdict, "verdict of the run"),
    INT(repeat_count, "how many repeats were asked for", SURE, LATER),
    INT(seed, "random numbers of the run came from it", SURE, LATER),
    TEXT(left_out, "why the statistics leave the run out; null if they do not", LATER),
};
SHAPE(run, T);
#undef T

#define T struct suite_json_not_run
static const struct json_field not_run_fields[] = {
    TEXT(scenario, "name of the scenario", SURE),
    TEXT(title, "its title"),
    INT(repeat_index, "which of its repeats this would have been, from 1", SURE),
    INT(repeat_count, "how many repeats were asked for", SURE),
    INT(seed, "random numbers of the run would have come from it", SURE),
};
SHAPE(not_run, T);
#undef T

#define VALUES "{\"type\": \"array\", \"items\": {\"type\": [\"number\", \"null\"]}}"
#define T struct suite_json_series
static const struct json_field series_fields[] = {
    TEXT(name, "key of the target"),
    TEXT(unit, "unit of these numbers", .means = unit_means),
    NUM(target, "what was promised"),
    INT(pooled_count, "runs whose value counts", SURE),
    INT(excluded_count, "runs that a gate of this objective leaves out", SURE),
    INT(censored_count, "runs whose value is open, such as one that did not recover by itself", SURE),
    INT(met_count, "runs that met it", SURE),
    NUM(median, "median of the values"),
    NUM(median_lower, "its 95 % interval, lower end; null with too few runs"),
    NUM(median_upper, "its 95 % interval, upper end; null is open, or too few runs"),
    NUM(worst, "worst of the values; null is open"),
    NUM(p95_bound, "95 % bound on the 95th percentile, of availability on the 5th; null with too few runs"),
    NUM(autocorrelation,
        "lag-1 autocorrelation: far from 0, the runs lean on each other and all of this claims too much"),
    JSON(values, "the values in the order of the runs; null is open", .schema = VALUES),
};
SHAPE(series, T);
#undef T

#define T struct suite_json_statistics
static const struct json_field statistics_fields[] = {
    TEXT(scenario, "name of the scenario"),
    INT(run_count, "its runs", SURE),
    INT(pooled_count, "those that count", SURE),
    INT(excluded_count, "those left out: void, interrupted, undecided by a gate, or with other digests", SURE),
    INT(met_count, "those that are met", SURE),
    NUM(met_lower_ratio, "what they support at 95 %: the probability of a met run is at least this"),
    TEXT(tool_sha256, "digest of the program"),
    TEXT(scenario_sha256, "digest of the scenario and of what was overridden"),
    TEXT(system_sha256, "digest of the system under test"),
    TEXT(config_sha256, "digest of its configuration"),
    LIST(objectives, series, "each objective over the runs that count"),
};
const struct json_shape suite_statistics_shape = {statistics_fields, array_len(statistics_fields), sizeof(T)};
#undef T

#define T struct suite_json
static const struct json_field suite_fields[] = {
    INT(schema_version, "version of the format, 1", SURE),
    TEXT(suite, "name of the suite, or of the set of repeats", SURE),
    TEXT(title, "title of the suite", LATER),
    TEXT(started_at, "wall clock when its first run began", SURE),
    TEXT(ended_at, "wall clock when its last run had ended", SURE),
    INT(exit_code, "of the worst run: an interruption, then 1, 4, 5, 0", SURE),
    INT(met_count, "runs that are met", SURE),
    INT(missed_count, "runs that are missed", SURE),
    INT(inconclusive_count, "runs that drtest could not decide", SURE),
    INT(skipped_count, "runs that were skipped", SURE),
    LIST(runs, run, "the runs in the order in which they were done"),
    LIST(not_run, not_run, "what was to be run and was not: interrupted, or stopped at a failure", LATER),
    TEXT(kind, "what put the runs together", SURE, .means = kind_means, LATER),
    LIST(statistics, suite_statistics_shape, "each scenario that ran more than once", LATER),
};
SHAPE(suite, T);
#undef T
/* clang-format on */

const struct json_doc suite_doc = {
    .file = "suite.json",
    .summary = "The runs of a suite, or of a set of repeats, and what they support together.",
    .shape = &suite,
    .version = 1};
