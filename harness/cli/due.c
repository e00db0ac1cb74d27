/* SPDX-License-Identifier: MIT */
/*
 * drtest due: is a drill overdue? For an ordinary CI pipeline, which runs when scheduled ones no longer do.
 *
 * A scenario is due when its last met run is older than the suite's overdue_after (or --every), or when there is none.
 * Only the history is read, and of it only runs against real processes: a run on virtual time drills nobody, unless
 * --lab sim asks for it. Ages count from the start of a run; one that starts in the future has no age and counts.
 */
#include "harness/base/clock.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/units.h"
#include "harness/cli/batch.h"
#include "harness/cli/command.h"
#include "harness/cli/history.h"
#include "harness/cli/statistics.h"
#include "injectors/injector.h"

#include <math.h>

#define EVERY_DEFAULT_NS (100 * 86400 * NS_PER_S) /* as for a quarterly suite */

struct due_flags {
    const char *output, *history, *lab;
    int64_t every_ns;
};

static const char *const lab_words[] = {"netns", "sim", NULL};
#define AT(member) .offset = offsetof(struct due_flags, member)
static const struct option_row options[] = {
    OPTION_OUTPUT(struct due_flags, "folder whose history is read"),
    OPTION_HISTORY(struct due_flags),
    {.name = "every",
     .kind = OPTION_DURATION,
     AT(every_ns),
     .value = "DUR",
     .help = "overdue after this instead of what the suite says (without a suite: 100d)"},
    {.name = "lab",
     .kind = OPTION_TEXT,
     AT(lab),
     .value = "KIND",
     .choices = lab_words,
     .help = "count only runs of this lab (any but sim)"},
};
#undef AT

struct question {
    struct call *call;
    struct option_list scenarios; /* names, without repetition */
    int64_t every_ns;             /* 0: a met run at any time will do */
};

static void ask_for(struct question *q, const char *name)
{
    for (size_t i = 0; i < q->scenarios.len; i++) {
        if (text_eq(q->scenarios.at[i], name)) {
            return;
        }
    }
    option_list_add(&q->scenarios, arena_strdup(&q->call->arena, name));
}

static void ask_for_entries(struct question *q, const struct suite *s, struct diag_list *diags)
{
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    for (size_t i = 0; i < s->count; i++) {
        struct plan *p = NULL;
        struct err e = {0};
        if (suite_plan(s, i, types, verbs, NULL, &p, diags, &e) == 0) {
            ask_for(q, p->name);
        }
        plan_free(p);
    }
}

/* Returns the exit code: 3 with errors told. */
static int ask_for_suite(struct question *q, const char *path, struct err *e)
{
    struct suite *s = NULL;
    struct diag_list diags = {0};
    if (suite_load(path, &s, &diags, e) == 0) {
        ask_for_entries(q, s, &diags);
        q->every_ns = s->overdue_after_ns;
    }
    int code = diags.errors > 0 ? 3 : 0;
    if (code) {
        scoped_text struct text t = {0};
        diag_print(&diags, &t, q->call->err.colour);
        fputs(text_str(&t), stderr);
    }
    suite_free(s);
    diag_list_deinit(&diags);
    return code;
}

static const struct pool_run *last_met(const struct history_runs *runs, const char *scenario, const char *lab)
{
    for (size_t i = runs->len; i > 0; i--) {
        const struct pool_run *r = &runs->at[i - 1];
        bool of_lab = lab ? text_eq(r->lab, lab) : !text_eq(r->lab, "sim");
        if (r->verdict == MET && of_lab && text_eq(r->scenario, scenario)) {
            return r;
        }
    }
    return NULL;
}

static void say_one(const char *scenario, const struct pool_run *met, double age_s, bool due)
{
    char age[32];
    printf("%-8s %-24s ", due ? "OVERDUE" : "ok", scenario);
    if (met) {
        say_age(age, age_s > 0 ? age_s : 0);
        printf("last met %s ago, %s\n", age, met->run_id);
    } else {
        puts("no met run on record");
    }
}

static int answer(struct question *q, const struct history_runs *runs, const char *lab)
{
    bool any = false, json = q->call->globals.json;
    scoped_json json_t *list = json_array();
    for (size_t i = 0; i < q->scenarios.len; i++) {
        const struct pool_run *met = last_met(runs, q->scenarios.at[i], lab);
        double age =
            met ? (double)(clock_wall_ns() - clock_rfc3339_read(met->started_at ? met->started_at : "")) / 1e9 : NAN;
        bool due = !met || (q->every_ns > 0 && age > (double)q->every_ns / 1e9);
        any |= due;
        if (json) {
            json_array_append_new(list, json_pack("{s:s,s:b,s:s?,s:o}", "scenario", q->scenarios.at[i], "overdue", due,
                                                  "last_met_run_id", met ? met->run_id : NULL, "age_s",
                                                  statistics_number(age)));
        } else {
            say_one(q->scenarios.at[i], met, age, due);
        }
    }
    any |= q->scenarios.len == 0;
    if (json) {
        scoped_json json_t *doc =
            json_pack("{s:i,s:b,s:o,s:O}", "schema_version", 1, "overdue", any, "overdue_after_s",
                      q->every_ns > 0 ? json_real((double)q->every_ns / 1e9) : json_null(), "scenarios", list);
        scoped_free char *text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15));
        puts(text ? text : "{}");
    } else if (q->scenarios.len == 0) {
        puts("OVERDUE  no run is on record");
    }
    return any ? 1 : 0;
}

static int run(struct call *call)
{
    const struct due_flags *f = call->flags;
    struct err e = {0};
    scoped_text struct text path = {0};
    struct history_runs runs = {0};
    struct question q = {.call = call, .every_ns = EVERY_DEFAULT_NS};
    text_addf(&path, "%s%s", f->history ? f->history : f->output, f->history ? "" : "/history.jsonl");
    int code = history_read_runs(&runs, &call->arena, text_str(&path), &e) < 0 ? say_error(&call->err, &e) : 0;
    if (code == 0 && call->operands.len > 0) {
        code = ask_for_suite(&q, call->operands.at[0], &e);
    } else {
        for (size_t i = 0; i < runs.len; i++) {
            ask_for(&q, runs.at[i].scenario);
        }
    }
    q.every_ns = f->every_ns >= 0 ? f->every_ns : q.every_ns;
    if (code == 0) {
        code = answer(&q, &runs, f->lab);
    }
    option_list_deinit(&q.scenarios);
    history_runs_deinit(&runs);
    return code;
}

const struct command command_due = {
    .name = "due",
    .operands = "[SUITE]",
    .summary = "1 when the last met run of a scenario is too old, or there is none",
    .text = "Of the scenarios of the suite; without one, of every scenario in the history.",
    .exits = "0 1 3",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct due_flags),
    .operands_max = 1,
    .run = run};
