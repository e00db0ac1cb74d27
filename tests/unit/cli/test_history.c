/* SPDX-License-Identifier: MIT */
/*
 * The history file: numbers, hashes, comparable runs, damage, and that nobody appends twice at once.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/history.h"
#include "harness/cli/history_place.h"
#include "tests/unit/runner.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static char folder[64];
static char path[96];

static int set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/drtest-history.XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/history.jsonl", folder);
    return 0;
}

static int tear_down(void)
{
    char other[96];
    unlink(path);
    snprintf(other, sizeof(other), "%s/result.json", folder);
    unlink(other);
    return rmdir(folder);
}

static struct result sample(const char *id, const char *scenario, const char *config)
{
    struct result r = {.run = {.id = id, .started_at = "2026-01-01T06:00:00Z", .verdict = MET, .duration_s = 1.5},
                       .tool = {.version = "1", .sha256 = "t"},
                       .scenario = {.name = scenario, .sha256 = "s"},
                       .lab = {.kind = "sim", .system_sha256 = "y", .config_sha256 = config}};
    struct result_objective *o = vec_push(&r.objectives);
    *o = (struct result_objective){.name = "rto",
                                   .unit = "s",
                                   .target = 5,
                                   .achieved_lower = 0.1,
                                   .achieved_upper = NAN,
                                   .floor = NAN,
                                   .floor_mean = NAN,
                                   .floor_max = NAN,
                                   .efficiency = NAN,
                                   .excess = NAN,
                                   .verdict = MISSED};
    return r;
}

static void release(struct result *r)
{
    vec_deinit(&r->objectives);
    arena_deinit(&r->arena);
}

/* Append one run; what the result was told is in *told. */
static int append(const char *id, const char *scenario, const char *config, struct result_history *told,
                  char text[2][80])
{
    struct err e = {0};
    struct history h;
    char result[96];
    snprintf(result, sizeof(result), "%s/result.json", folder);
    CU_ASSERT_EQUAL(file_replace(result, "{}", 2, &e), 0);
    struct result r = sample(id, scenario, config);
    int rc = history_begin(&h, path, folder, &r, &e) < 0 ? -1 : history_end(&h, folder, &r, &e);
    *told = r.history;
    snprintf(text[0], 80, "%s", r.history.previous_run_id ? r.history.previous_run_id : "");
    snprintf(text[1], 80, "%s", r.history.previous_line_sha256 ? r.history.previous_line_sha256 : "");
    release(&r);
    return rc;
}

static void lines_count_and_chain(void)
{
    struct result_history told;
    char text[2][80];
    CU_ASSERT_EQUAL(append("a-1", "a", "c", &told, text), 0);
    CU_ASSERT_EQUAL(told.line, 1);
    CU_ASSERT_STRING_EQUAL(text[1], "");
    CU_ASSERT_EQUAL(append("b-1", "b", "c", &told, text), 0);
    CU_ASSERT_STRING_EQUAL(text[0], ""); /* no earlier run of b */
    CU_ASSERT_EQUAL(strlen(text[1]), 64);
    CU_ASSERT_EQUAL(append("a-2", "a", "other", &told, text), 0);
    CU_ASSERT_EQUAL(told.line, 3);
    CU_ASSERT_EQUAL(told.comparable_count, 0); /* another configuration */
    CU_ASSERT_STRING_EQUAL(text[0], "a-1");
    CU_ASSERT_EQUAL(append("a-3", "a", "c", &told, text), 0);
    CU_ASSERT_EQUAL(told.comparable_count, 1);
    CU_ASSERT_STRING_EQUAL(text[0], "a-2");
}

static void all_four_digests_make_a_run_comparable(void)
{
    struct result_history told;
    char text[2][80];
    CU_ASSERT_EQUAL(append("e-1", "e", "", &told, text), 0);
    CU_ASSERT_EQUAL(append("e-2", "e", "", &told, text), 0);
    CU_ASSERT_EQUAL(told.comparable_count, 0); /* two unknown configurations are not equal */
    static const char *const keys[] = {"tool_sha256", "scenario_sha256", "system_sha256", "config_sha256"};
    for (size_t i = 0; i < array_len(keys); i++) {
        scoped_json json_t *line =
            json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "scenario", "f", "run_id", "f-0", "tool_sha256", "t",
                      "scenario_sha256", "s", "system_sha256", "y", "config_sha256", "c");
        json_object_set_new(line, keys[i], json_string("other"));
        scoped_free char *said = json_dumps(line, JSON_COMPACT);
        FILE *f = fopen(path, "ae");
        CU_ASSERT_PTR_NOT_NULL_FATAL(f);
        fprintf(f, "%s\n", said);
        fclose(f);
    }
    CU_ASSERT_EQUAL(append("f-1", "f", "c", &told, text), 0);
    CU_ASSERT_EQUAL(told.comparable_count, 0);
    CU_ASSERT_EQUAL(append("f-2", "f", "c", &told, text), 0);
    CU_ASSERT_EQUAL(told.comparable_count, 1);
    struct history_runs runs = {0};
    struct arena memory = {0};
    struct err e = {0};
    CU_ASSERT_EQUAL(history_read_runs(&runs, &memory, path, &e), 0);
    size_t of_f = 0;
    for (size_t i = 0; i < runs.len; i++) {
        of_f += text_eq(runs.at[i].scenario, "f");
    }
    CU_ASSERT_EQUAL(of_f, 6);
    CU_ASSERT_STRING_EQUAL(runs.at[runs.len - 1].run_id, "f-2");
    history_runs_deinit(&runs);
    arena_deinit(&memory);
}

static void numbers_without_value_are_null(void)
{
    scoped_text struct text t = {0};
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(text_read_file(&t, path, 1 << 20, &e), 0);
    const char *end = strchr(text_str(&t), '\n');
    CU_ASSERT_PTR_NOT_NULL_FATAL(end);
    scoped_json json_t *line = json_loadb(text_str(&t), (size_t)(end - text_str(&t)), 0, NULL);
    const json_t *rto = json_at(line, "/objectives/rto");
    CU_ASSERT(json_is_null(json_object_get(rto, "upper")));
    CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(rto, "lower")), 0.1, 1e-12);
    CU_ASSERT(json_is_null(json_object_get(line, "previous_line_sha256")));
}

static void damage_is_passed_over_and_ended(void)
{
    FILE *f = fopen(path, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs("no json\n{\"run_id\":\"to", f);
    fclose(f);
    struct result_history told;
    char text[2][80];
    CU_ASSERT_EQUAL(append("a-4", "a", "c", &told, text), 0);
    CU_ASSERT_EQUAL(told.line, 7);
    CU_ASSERT_STRING_EQUAL(text[0], "a-3");
    CU_ASSERT_EQUAL(append("a-5", "a", "c", &told, text), 0);
    CU_ASSERT_EQUAL(told.line, 8);
    CU_ASSERT_STRING_EQUAL(text[0], "a-4");
}

static void the_newest_of_each_scenario_is_found(void)
{
    struct history_latest l = {0};
    struct err e = {0};
    CU_ASSERT_EQUAL(history_read_latest(&l, path, &e), 0);
    const struct history_entry *a = history_latest_find(&l, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_STRING_EQUAL(a->run_id, "a-5");
    CU_ASSERT_STRING_EQUAL(a->verdict, "met");
    CU_ASSERT_EQUAL(a->started_wall_ns, INT64_C(1767247200) * 1000000000);
    CU_ASSERT_PTR_NULL(history_latest_find(&l, "c"));
    history_latest_deinit(&l);
    FILE *f = fopen(path, "ae");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs("{\"scenario\":\"a\",\"run_id\":\"far\",\"started_at\":\"9999-12-31T23:59:59Z\"}\n", f);
    fclose(f);
    CU_ASSERT_EQUAL(history_read_latest(&l, path, &e), 0);
    a = history_latest_find(&l, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_EQUAL(a->started_wall_ns, 0);
    history_latest_deinit(&l);
    CU_ASSERT_EQUAL(history_read_latest(&l, "/nonexistent/history.jsonl", &e), 0);
    CU_ASSERT_EQUAL(l.len, 0);
}

static void the_file_is_locked_between_the_steps(void)
{
    struct err e = {0};
    struct history h;
    struct result r = sample("a-6", "a", "c");
    CU_ASSERT_EQUAL_FATAL(history_begin(&h, path, folder, &r, &e), 0);
    FILE *other = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(other);
    CU_ASSERT_NOT_EQUAL(flock(fileno(other), LOCK_EX | LOCK_NB), 0);
    history_close(&h);
    CU_ASSERT_EQUAL(flock(fileno(other), LOCK_EX | LOCK_NB), 0);
    fclose(other);
    release(&r);
}

/* The name of a file in folder + below, as a run in folder + run calls it, and back. */
static void named(const char *run, const char *file, const char *want)
{
    scoped_text struct text in = {0}, path_of_file = {0}, name = {0}, back = {0};
    struct err e = {0};
    text_addf(&in, "%s%s", folder, run);
    text_addf(&path_of_file, "%s%s", folder, file);
    CU_ASSERT_EQUAL(folder_make(text_str(&in), &e), 0);
    CU_ASSERT_EQUAL(folder_make_above(text_str(&path_of_file), &e), 0);
    CU_ASSERT_EQUAL(file_replace(text_str(&path_of_file), "x", 1, &e), 0);
    CU_ASSERT_EQUAL(history_name(&name, text_str(&in), text_str(&path_of_file), &e), 0);
    CU_ASSERT_STRING_EQUAL(text_str(&name), want);
    history_path(&back, text_str(&in), text_str(&name));
    CU_ASSERT_EQUAL(access(text_str(&back), R_OK), 0);
    unlink(text_str(&path_of_file));
}

static void its_name_is_the_way_from_the_run(void)
{
    named("/runs/a-1", "/runs/history.jsonl", "../history.jsonl");
    named("/runs/a-1", "/common/h.jsonl", "../../common/h.jsonl");
    named("/runs/a-1", "/runs/a-12/h.jsonl", "../a-12/h.jsonl");
    named("/runs/a-1", "/runs/a-1/h.jsonl", "h.jsonl");
    scoped_text struct text name = {0}, run = {0}, back = {0};
    struct err e = {0};
    text_addf(&run, "%s/runs/a-1", folder);
    CU_ASSERT_EQUAL(history_name(&name, text_str(&run), "/proc/version", &e), 0); /* nothing shared but the root */
    CU_ASSERT_STRING_EQUAL(text_str(&name), "/proc/version");
    history_path(&back, text_str(&run), text_str(&name));
    CU_ASSERT_STRING_EQUAL(text_str(&back), "/proc/version");
    CU_ASSERT_EQUAL(history_name(&name, text_str(&run), "/nonexistent/h.jsonl", &e), -1);
    static const char *const made[] = {"/runs/a-12", "/runs/a-1", "/runs", "/common"};
    for (size_t i = 0; i < array_len(made); i++) {
        text_clear(&run);
        text_addf(&run, "%s%s", folder, made[i]);
        CU_ASSERT_EQUAL(rmdir(text_str(&run)), 0);
    }
}

/* What cannot be read is told from what is not there. */
static void a_history_that_is_gone_is_said_to_be(void)
{
    struct result r = sample("a-9", "a", "c");
    struct arena memory = {0};
    struct history_runs runs = {0};
    r.history = (struct result_history){.file = "history.jsonl", .line = 4};
    history_read_earlier(&runs, &memory, folder, &r);
    CU_ASSERT_PTR_NULL(runs.unread);
    CU_ASSERT_EQUAL(runs.len, 2); /* a-1 and a-2; b-1 is of another scenario */
    r.history.line = 1000;
    runs.len = 0;
    history_read_earlier(&runs, &memory, folder, &r);
    CU_ASSERT_PTR_NOT_NULL(runs.unread); /* shorter than it was */
    r.history.file = "gone.jsonl";
    runs = (struct history_runs){.at = runs.at, .cap = runs.cap};
    history_read_earlier(&runs, &memory, folder, &r);
    CU_ASSERT_PTR_NOT_NULL_FATAL(runs.unread);
    CU_ASSERT_STRING_EQUAL(runs.unread, strerror(ENOENT));
    r.history.line = JSON_NONE;
    runs.unread = NULL;
    history_read_earlier(&runs, &memory, folder, &r);
    CU_ASSERT_PTR_NOT_NULL(runs.unread);
    r.history.line = 1; /* the first of all: nothing to look for */
    runs.unread = NULL;
    history_read_earlier(&runs, &memory, folder, &r);
    CU_ASSERT_PTR_NULL(runs.unread);
    history_runs_deinit(&runs);
    arena_deinit(&memory);
    release(&r);
}

void suite_history(void)
{
    runner_suite(set_up, tear_down);
    runner_test(lines_count_and_chain);
    runner_test(numbers_without_value_are_null);
    runner_test(damage_is_passed_over_and_ended);
    runner_test(all_four_digests_make_a_run_comparable);
    runner_test(the_newest_of_each_scenario_is_found);
    runner_test(its_name_is_the_way_from_the_run);
    runner_test(a_history_that_is_gone_is_said_to_be);
    runner_test(the_file_is_locked_between_the_steps);
}
