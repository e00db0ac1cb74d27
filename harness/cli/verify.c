/* SPDX-License-Identifier: MIT */
/*
 * drtest verify: is a run directory what its run left? Every file against the manifest, then the evidence against its
 * own checksums, chains and seals, then the manifest of the run before against what this run saw of it, then the line
 * of the run in its history. Nothing is judged again (analyze does that), nothing is written. The folder of a suite
 * holds reports only and has its manifest.
 */
#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/history_check.h"
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
    OPTION_OUTPUT(struct verify_flags, "folder in which a run id and latest are looked up"),
};

/* The run before, if its folder still lies beside. */
static void look_before(const char *path, const struct result_history *h, struct text *findings)
{
    scoped_text struct text manifest = {0};
    char sha256[SHA256_HEX];
    text_addf(&manifest, "%s/../%s/manifest.sha256", path, h->before_run_id ? h->before_run_id : "");
    if (h->before_run_id && sha256_file(text_str(&manifest), sha256, NULL) == 0 &&
        !text_eq(sha256, h->before_manifest_sha256)) {
        text_addf(findings,
                  "before %s: its manifest is not the one that this run saw (a byte changed, or its reports were "
                  "made again by another drtest)\n",
                  h->before_run_id);
    }
}

/* What lies outside of the run and vouches for it. */
static enum history_state look_around(const char *path, struct text *findings)
{
    struct result *r = NULL;
    if (result_load(path, &r, NULL) < 0) {
        return HISTORY_UNREAD; /* the manifest tells */
    }
    look_before(path, &r->history, findings);
    enum history_state state = history_check(path, r, findings);
    result_free(r);
    return state;
}

/* Lines of findings, also about the evidence itself. */
static int look(const char *path, struct text *findings, size_t *files, enum history_state *history, struct err *e)
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
    *history = look_around(path, findings);
    return 0;
}

/* What a folder was found to be, and what of it. */
struct verified {
    bool suite;
    size_t files;
    enum history_state history; /* of a run */
    struct text findings;
};

static int look_at(struct text *path, const char *output, const char *word, struct verified *v, struct err *e)
{
    v->suite = suite_find(path, output, word);
    if (v->suite) {
        return rundir_check(text_str(path), &v->findings, &v->files, e);
    }
    text_clear(path);
    return tool_find_run(path, output, word, e) < 0 ? -1
                                                    : look(text_str(path), &v->findings, &v->files, &v->history, e);
}

static void print_json(const char *path, const struct verified *v)
{
    const char *history = v->suite ? NULL : history_state_words[v->history];
    json_t *list = json_array();
    for (const char *at = text_str(&v->findings), *end; *at; at = *end ? end + 1 : end) {
        end = strchrnul(at, '\n');
        json_array_append_new(list, json_stringn(at, (size_t)(end - at)));
    }
    scoped_json json_t *doc =
        json_pack("{s:s,s:I,s:s*,s:o}", v->suite ? "suite" : "run", path, "file_count", (json_int_t)v->files, "history",
                  history, "findings", list);
    scoped_free char *text = json_dumps(doc, JSON_INDENT(1));
    puts(text ? text : "{}");
}

static const char *beside(const struct verified *v)
{
    return v->suite                        ? ""
           : v->history == HISTORY_FITS ? ", evidence whole, its line in the history fits"
                                           : ", evidence whole, but its history is not there to be looked at";
}

static void print_words(const char *path, const struct verified *v)
{
    if (v->findings.len > 0) {
        printf("%s: %zu files in the manifest\n%s", path, v->files, text_str(&v->findings));
    } else {
        printf("%s: %zu files, every byte as the manifest says%s\n", path, v->files, beside(v));
    }
}

static int run(struct call *c)
{
    const struct verify_flags *f = c->flags;
    struct err e = {0};
    scoped_text struct text path = {0};
    struct verified v = {.history = HISTORY_UNREAD};
    int rc = look_at(&path, f->output, c->operands.at[0], &v, &e);
    if (rc < 0) {
        rc = say_error(&c->err, &e);
    } else {
        rc = v.findings.len == 0 ? 0 : 1;
        (c->globals.json ? print_json : print_words)(text_str(&path), &v);
    }
    text_deinit(&v.findings);
    return rc;
}

const struct command command_verify = {
    .name = "verify",
    .operands = "RUN",
    .summary = "are the files of a run as it left them; 1 = a byte was changed",
    .text = "RUN is a run directory, a run id, or latest. Every file is held against manifest.sha256, the evidence "
            "against its own checksums and seals, the manifest of the run before against the digest that this run "
            "keeps of it, and the run's line in its history against the run and the line before. Of a suite's folder "
            "the files in it are held against its manifest; its runs have their own.",
    .exits = "0 1 3",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct verify_flags),
    .operands_min = 1,
    .operands_max = 1,
    .run = run};
