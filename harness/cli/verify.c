/* SPDX-License-Identifier: MIT */
/*
 * drtest verify: is a run directory what its run left? Every file against the manifest, then the evidence against its
 * own checksums, chains and seals, then the manifest of the run before against what this run saw of it. Nothing is
 * judged again (analyze does that), nothing is written. The folder of a suite holds reports only and has its manifest.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/suite_report.h"
#include "harness/cli/tool.h"
#include "harness/evidence/evidence_read.h"
#include "harness/measure/result.h"

#include <stdio.h>
#include <string.h>

struct verify_flags {
    const char *output;
};

static const struct option_row options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_TEXT,
     .offset = offsetof(struct verify_flags, output),
     .value = "DIR",
     .fallback = "runs",
     .help = "folder in which a run id and latest are looked up"},
};

/* The run before, if its folder still lies beside. */
static void look_before(const char *path, struct text *findings)
{
    struct result *r = NULL;
    scoped_text struct text manifest = {0};
    char sha256[SHA256_HEX];
    if (result_load(path, &r, NULL) < 0) {
        return; /* the manifest tells */
    }
    const struct result_history *h = &r->history;
    text_addf(&manifest, "%s/../%s/manifest.sha256", path, h->before_run_id ? h->before_run_id : "");
    if (h->before_run_id && sha256_file(text_str(&manifest), sha256, NULL) == 0 &&
        !text_eq(sha256, h->before_manifest_sha256)) {
        text_addf(findings,
                  "before %s: its manifest is not the one that this run saw (a byte changed, or its reports were "
                  "made again by another drtest)\n",
                  h->before_run_id);
    }
    result_free(r);
}

/* Lines of findings, also about the evidence itself. */
static int look(const char *path, struct text *findings, size_t *files, struct err *e)
{
    struct evidence *ev = NULL;
    struct err unreadable = {0};
    if (rundir_check(path, findings, files, e) < 0) {
        return -1;
    }
    const char *damage = evidence_skim(&ev, path, &unreadable) < 0 ? unreadable.msg : evidence_damage(ev);
    if (damage) {
        text_addf(findings, "damaged %s\n", damage);
    }
    evidence_free(ev);
    look_before(path, findings);
    return 0;
}

static int look_at_run(struct text *path, const char *output, const char *word, struct text *findings, size_t *files,
                       struct err *e)
{
    text_clear(path);
    return tool_find_run(path, output, word, e) < 0 ? -1 : look(text_str(path), findings, files, e);
}

static void print_json(const char *what, const char *path, size_t files, char *lines)
{
    json_t *list = json_array();
    for (char *line; (line = strsep(&lines, "\n")) != NULL && *line;) {
        json_array_append_new(list, json_string(line));
    }
    scoped_json json_t *doc = json_pack("{s:s,s:I,s:o}", what, path, "file_count", (json_int_t)files, "findings", list);
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    puts(text ? text : "{}");
}

static int run(struct call *c)
{
    const struct verify_flags *f = c->flags;
    struct err e = {0};
    scoped_text struct text path = {0}, findings = {0};
    size_t files = 0;
    bool suite = suite_find(&path, f->output, c->operands.at[0]);
    int rc = suite ? rundir_check(text_str(&path), &findings, &files, &e)
                   : look_at_run(&path, f->output, c->operands.at[0], &findings, &files, &e);
    if (rc < 0) {
        return say_error(&c->err, &e);
    }
    bool clean = findings.len == 0;
    if (c->globals.json) {
        text_add(&findings, "");
        print_json(suite ? "suite" : "run", text_str(&path), files, findings.at);
    } else if (clean) {
        printf("%s: %zu files, every byte as the manifest says%s\n", text_str(&path), files,
               suite ? "" : ", evidence whole");
    } else {
        printf("%s: %zu files in the manifest\n%s", text_str(&path), files, text_str(&findings));
    }
    return clean ? 0 : 1;
}

const struct command command_verify = {
    .name = "verify",
    .operands = "RUN",
    .summary = "are the files of a run as it left them; 1 = a byte was changed",
    .text = "RUN is a run directory, a run id, or latest. Every file is held against manifest.sha256, the evidence "
            "against its own checksums and seals, and the manifest of the run before against the digest that this run "
            "keeps of it. Of a suite's folder the files in it are held against its manifest; its runs have their own.",
    .exits = "0 1 3",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct verify_flags),
    .operands_min = 1,
    .operands_max = 1,
    .run = run};
