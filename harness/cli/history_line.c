/* SPDX-License-Identifier: MIT */
/*
 * Method: the line is filled from the result, one table writes it and says what its keys are. An objective's part binds
 * the objective of the result itself, under the shorter names that the history has for its ends.
 */
#include "harness/cli/history_line.h"

#include "harness/base/json_rows.h"
#include "harness/measure/result_words.h"

struct history_line {
    int64_t schema_version;
    const char *run_id, *scenario, *suite, *started_at;
    double duration_s;
    int64_t seed;
    const char *lab, *version, *tool_sha256, *scenario_sha256, *system_sha256, *config_sha256, *status;
    enum verdict verdict;
    int64_t met_count, missed_count, inconclusive_count, skipped_count;
    json_t *objectives;
    const char *result_sha256, *previous_line_sha256;
};

/* clang-format off */
#define T struct result_objective
static const struct json_field objective_fields[] = {
    NUM(target, "what was promised"),
    {.name = "lower", .kind = JB_NUMBER, .offset = offsetof(T, achieved_lower),
     .doc = "lower end of what was achieved; null is open or not measured"},
    {.name = "upper", .kind = JB_NUMBER, .offset = offsetof(T, achieved_upper),
     .doc = "upper end of what was achieved; null is open or not measured"},
    TEXT(unit, "unit of these numbers", SURE, .means = unit_means),
    NUM(resolution, "how finely this run could tell", LATER),
    NUM(floor, "least value that the configuration alone explains"),
    NUM(floor_mean, "mean value that the configuration alone explains"),
    NUM(floor_max, "largest value that the configuration alone explains"),
    VERDICT(verdict, "verdict of the objective"),
    TEXTS(flags, "what a reader of the number should know", .means = flag_means),
};
SHAPE(objective, T);
#undef T

#define T struct history_line
static const struct json_field line_fields[] = {
    INT(schema_version, "version of the format, 1", SURE),
    TEXT(run_id, "name of the run and of its directory"),
    TEXT(scenario, "name of the scenario"),
    TEXT(suite, "suite that the run belongs to"),
    TEXT(started_at, "wall clock at run time 0"),
    NUM(duration_s, "run time of the last event"),
    INT(seed, "random numbers of the run came from it", SURE),
    TEXT(lab, "what the drill ran in", .means = lab_means),
    TEXT(version, "version of drtest"),
    TEXT(tool_sha256, "digest of the program"),
    TEXT(scenario_sha256, "digest of the scenario and of what was overridden"),
    TEXT(system_sha256, "digest of the system under test"),
    TEXT(config_sha256, "digest of its configuration"),
    TEXT(status, "how far the run came, and whether it counts", .means = status_means, LATER),
    VERDICT(verdict, "verdict of the run"),
    INT(met_count, "objectives that are met", SURE),
    INT(missed_count, "objectives that are missed", SURE),
    INT(inconclusive_count, "objectives that drtest could not decide", SURE),
    INT(skipped_count, "objectives that were not judged", SURE),
    JSON(objectives, "by the name of their target", .of = &objective),
    TEXT(result_sha256, "digest of result.json", SURE),
    TEXT(previous_line_sha256, "digest of the line before; null in the first"),
};
SHAPE(line, T);
#undef T
/* clang-format on */

const struct json_doc history_doc = {.file = "history.jsonl",
                                     .summary = "One line for each run, appended when it has been judged.",
                                     .shape = &line,
                                     .version = 1};

static json_t *objectives_of(const struct result *r)
{
    json_t *all = json_object();
    for (size_t i = 0; i < r->objectives.len; i++) {
        json_object_set_new(all, r->objectives.at[i].name, json_of_struct(&objective, &r->objectives.at[i]));
    }
    return all;
}

json_t *history_line_of(const struct result *r, const char *result_sha256)
{
    struct history_line l = {
        .schema_version = history_doc.version,
        .run_id = r->run.id,
        .scenario = r->scenario.name,
        .suite = r->run.suite,
        .started_at = r->run.started_at,
        .duration_s = r->run.duration_s,
        .seed = r->run.seed,
        .lab = r->lab.kind,
        .version = r->tool.version,
        .tool_sha256 = r->tool.sha256,
        .scenario_sha256 = r->scenario.sha256,
        .system_sha256 = r->lab.system_sha256,
        .config_sha256 = r->lab.config_sha256,
        .status = r->run.status,
        .verdict = r->run.verdict,
        .met_count = r->run.met_count,
        .missed_count = r->run.missed_count,
        .inconclusive_count = r->run.inconclusive_count,
        .skipped_count = r->run.skipped_count,
        .objectives = objectives_of(r),
        .result_sha256 = result_sha256,
        .previous_line_sha256 = r->history.previous_line_sha256,
    };
    json_t *doc = json_of_struct(&line, &l);
    json_decref(l.objectives);
    return doc;
}
