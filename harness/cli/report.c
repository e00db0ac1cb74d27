/* SPDX-License-Identifier: MIT */
/*
 * drtest report: the reports of a run again, from its directory alone. The result is taken as it was stored; whether it
 * follows from the evidence is the question of `analyze`. But evidence that was damaged since gives no report: it would
 * look as if it bore the result out. The same goes for the folder of a suite and each of its runs.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/cli/history.h"
#include "harness/cli/outputs.h"
#include "harness/cli/stored.h"
#include "harness/cli/suite_report.h"
#include "harness/evidence/evidence_write.h"

struct report_flags {
    const char *output, *junit, *junit_style, *html, *summary, *metrics;
};

static const char *const junit_styles[] = {"common", "jenkins", NULL};
#define AT(member) .offset = offsetof(struct report_flags, member)
static const struct option_row options[] = {
    OPTION_OUTPUT(struct report_flags, "folder in which a run id and latest are looked up"),
    {.name = "junit", .kind = OPTION_TEXT, AT(junit), .value = "FILE", .help = "a copy of junit.xml"},
    {.name = "junit-style",
     .kind = OPTION_TEXT,
     AT(junit_style),
     .value = "STYLE",
     .choices = junit_styles,
     .fallback = "common",
     .help = "common or jenkins"},
    {.name = "html", .kind = OPTION_TEXT, AT(html), .value = "FILE", .help = "a copy of report.html"},
    {.name = "summary", .kind = OPTION_TEXT, AT(summary), .value = "FILE", .help = "a copy of summary.md"},
    {.name = "metrics", .kind = OPTION_TEXT, AT(metrics), .value = "FILE", .help = "a copy of metrics.prom"},
};
#undef AT

static int write_all(struct call *c, const struct stored_run *s, const struct report_flags *f, struct err *e)
{
    bool jenkins = text_eq(f->junit_style, "jenkins");
    struct history_runs earlier = {0};
    history_read_earlier(&earlier, &c->arena, s->path, s->result);
    struct report_input in = {.result = s->result,
                              .plan = s->plan,
                              .evidence = s->evidence,
                              .run_path = s->path,
                              .earlier = earlier.at,
                              .earlier_count = earlier.len,
                              .earlier_unread = earlier.unread,
                              .jenkins_style = jenkins};
    struct outputs out = {.call = c,
                          .junit = f->junit,
                          .html = f->html,
                          .summary = f->summary,
                          .metrics = f->metrics,
                          .jenkins_style = jenkins};
    int rc = -1;
    if (outputs_prepare(&out, NULL, e) == 0 && report_write_all(&in, e) == 0 && rundir_manifest(s->path, e) == 0) {
        rc = outputs_add(&out, &in) < 0 ? 4 : 0;
    }
    outputs_deinit(&out);
    history_runs_deinit(&earlier);
    return rc;
}

static int write_suite(struct call *c, const char *folder, const struct report_flags *f, struct err *e)
{
    const struct suite_copies copies = {.junit = f->junit,
                                        .html = f->html,
                                        .summary = f->summary,
                                        .metrics = f->metrics,
                                        .jenkins_style = text_eq(f->junit_style, "jenkins")};
    const struct outputs out = {
        .call = c, .junit = f->junit, .html = f->html, .summary = f->summary, .metrics = f->metrics};
    return outputs_prepare(&out, NULL, e) < 0 ? -1 : suite_report_write(folder, &copies, e);
}

static int run(struct call *c)
{
    const struct report_flags *f = c->flags;
    struct err e = {0};
    scoped_text struct text suite = {0};
    if (suite_find(&suite, f->output, c->operands.at[0])) {
        return write_suite(c, text_str(&suite), f, &e) < 0 ? say_error(&c->err, &e) : 0;
    }
    struct stored_run s = {0};
    int code = stored_skim(&s, f->output, c->operands.at[0], &e) < 0 || stored_check(&s, &e) < 0
                   ? -1
                   : write_all(c, &s, f, &e);
    stored_deinit(&s);
    return code < 0 ? say_error(&c->err, &e) : code;
}

const struct command command_report = {
    .name = "report",
    .operands = "RUN",
    .summary = "make the reports of a run again from its directory",
    .text = "RUN is a run directory, a run id, or latest; or the folder of a suite, whose reports over all its runs "
            "are made again.",
    .exits = "0 3",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct report_flags),
    .operands_min = 1,
    .operands_max = 1,
    .run = run};
