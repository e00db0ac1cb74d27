/* SPDX-License-Identifier: MIT */
/*
 * The reports are always made from what is on disk, so that those after a run and those made a year later are the same.
 * A run is loaded, added to the joined documents and put away again but for its result, which the page needs beside all
 * others.
 *
 * Failure paths: a run of the suite whose result is gone keeps the verdict on record and has a row that says so; in
 * junit.xml it is an error, for nothing bears it out. A suite.json that is none, and a run whose evidence is no longer
 * what was judged, are errors as they are for `report` of that run; nothing is written then.
 */
#include "harness/cli/suite_report.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/history.h"
#include "harness/cli/history_place.h"
#include "harness/cli/stored.h"
#include "harness/evidence/evidence_write.h"
#include "reports/joined.h"
#include "reports/suite.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUITE_MAX = 16 * 1024 * 1024 };

struct gathered {
    struct arena arena;
    const char *folder, *ended_at;
    bool jenkins_style;
    vec_of(struct suite_entry) entries;
    vec_of(struct suite_unreached) unreached;
    vec_of(struct result *) results;     /* owned */
    vec_of(struct history_runs) earlier; /* owned */
    struct joined joined;
};

static void gathered_deinit(struct gathered *g)
{
    for (size_t i = 0; i < g->results.len; i++) {
        result_free(g->results.at[i]);
    }
    for (size_t i = 0; i < g->earlier.len; i++) {
        history_runs_deinit(&g->earlier.at[i]);
    }
    vec_deinit(&g->results);
    vec_deinit(&g->earlier);
    vec_deinit(&g->entries);
    vec_deinit(&g->unreached);
    joined_deinit(&g->joined);
    arena_deinit(&g->arena);
}

static bool is_suite(const char *folder)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/suite.json", folder);
    return access(text_str(&path), F_OK) == 0;
}

bool suite_find(struct text *path, const char *output, const char *word)
{
    size_t len = strlen(word);
    while (len > 1 && word[len - 1] == '/') {
        len--;
    }
    text_add_bytes(path, word, len);
    if (!is_suite(text_str(path))) {
        text_clear(path);
        text_addf(path, "%s/%.*s", output, (int)len, word);
    }
    return is_suite(text_str(path));
}

static const char *member(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static int64_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static enum verdict verdict_of(const char *word)
{
    for (int i = 0; verdict_words[i]; i++) {
        if (text_eq(verdict_words[i], word)) {
            return (enum verdict)i;
        }
    }
    return INCONCLUSIVE;
}

/* The directory of a run: beside the folder. Written without `..` where the path tells what lies above, for people read
 * it in the reports; a link, `.` and `..` do not tell. */
static void run_path(struct text *t, const char *folder, const char *run_id)
{
    const char *slash = strrchr(folder, '/'), *name = slash ? slash + 1 : folder;
    struct stat st;
    if (name[0] == '.' || !name[0] || lstat(folder, &st) < 0 || S_ISLNK(st.st_mode)) {
        text_addf(t, "%s/../%s", folder, run_id);
    } else {
        text_add_bytes(t, folder, (size_t)(name - folder));
        text_add(t, run_id);
    }
}

static int join(struct gathered *g, const struct stored_run *s, const struct history_runs *earlier, const char *id,
                struct err *e)
{
    scoped_text struct text page = {0};
    text_addf(&page, "../%s/report.html", id);
    const struct report_input in = {.result = s->result,
                                    .plan = s->plan,
                                    .evidence = s->evidence,
                                    .run_path = s->path,
                                    .page = text_str(&page),
                                    .jenkins_style = g->jenkins_style,
                                    .earlier = earlier->at,
                                    .earlier_count = earlier->len};
    return joined_add_junit(&g->joined, &in, e) < 0 || joined_add_summary(&g->joined, &in, e) < 0 ||
                   joined_add_metrics(&g->joined, &in, e) < 0
               ? -1
               : 0;
}

static int add_stored(struct gathered *g, struct suite_entry *entry, const char *path, struct err *e)
{
    struct stored_run s = {0};
    struct history_runs *earlier = vec_push(&g->earlier);
    if (stored_skim_at(&s, path, e) < 0 || stored_check(&s, e) < 0) {
        stored_deinit(&s);
        return -1;
    }
    history_read_earlier(earlier, &g->arena, path, s.result);
    int rc = join(g, &s, earlier, entry->run_id, e);
    scoped_json json_t *doc = result_to_json(s.result);
    struct pool_run *pooled = arena_new(&g->arena, struct pool_run);
    *pooled = pool_run_of_result(&g->arena, doc);
    entry->result = *vec_push(&g->results) = steal(&s.result);
    entry->pooled = pooled;
    entry->earlier = earlier->at;
    entry->earlier_count = earlier->len;
    stored_deinit(&s);
    return rc;
}

static int add_run(struct gathered *g, const json_t *run, struct err *e)
{
    const char *id = member(run, "run_id");
    struct suite_entry *entry = vec_push(&g->entries);
    *entry = (struct suite_entry){
        .run_id = id, .scenario = member(run, "scenario"), .verdict = verdict_of(member(run, "verdict"))};
    if (strchr(id, '/') || text_eq(id, "..")) {
        return err_set(e, ERR_READING, g->folder, "suite.json names `%s` as a run, which is no run id", id);
    }
    scoped_text struct text path = {0};
    struct result *there = NULL;
    struct err gone = {0};
    run_path(&path, g->folder, id);
    text_add(&path, "/report.html");
    entry->has_report = *id && access(text_str(&path), R_OK) == 0;
    text_clear(&path);
    run_path(&path, g->folder, id);
    if (*id && result_load(text_str(&path), &there, &gone) == 0) {
        result_free(there);
        return add_stored(g, entry, text_str(&path), e);
    }
    const struct joined_absent absent = {.run_id = id,
                                         .scenario = entry->scenario,
                                         .at = g->ended_at,
                                         .reason = "the run left no result",
                                         .repeat_index = whole(run, "repeat_index"),
                                         .repeat_count = whole(run, "repeat_count"),
                                         .seed = whole(run, "seed"),
                                         .verdict = INCONCLUSIVE};
    return joined_add_absent(&g->joined, &absent, g->jenkins_style, e);
}

static int add_unreached(struct gathered *g, const json_t *run, struct err *e)
{
    const char *title = json_string_value(json_object_get(run, "title"));
    *vec_push(&g->unreached) = (struct suite_unreached){.scenario = member(run, "scenario"), .title = title};
    const struct joined_absent absent = {.scenario = member(run, "scenario"),
                                         .at = g->ended_at,
                                         .reason = "not run: the suite ended before it",
                                         .repeat_index = whole(run, "repeat_index"),
                                         .repeat_count = whole(run, "repeat_count"),
                                         .seed = whole(run, "seed"),
                                         .verdict = SKIPPED};
    return joined_add_absent(&g->joined, &absent, g->jenkins_style, e);
}

static int gather(struct gathered *g, const json_t *doc, struct err *e)
{
    const json_t *run;
    size_t i;
    int rc = 0;
    json_array_foreach(json_object_get(doc, "runs"), i, run)
    {
        rc = rc < 0 ? rc : add_run(g, run, e);
    }
    json_array_foreach(json_object_get(doc, "not_run"), i, run)
    {
        rc = rc < 0 ? rc : add_unreached(g, run, e);
    }
    return rc;
}

static int make_page(struct text *t, const struct suite_input *in, struct err *e)
{
    scoped_free char *bytes = NULL;
    size_t len = 0;
    scoped_file FILE *out = open_memstream(&bytes, &len);
    if (!out) {
        return err_os(e, ERR_OUTPUT, errno, "report.html", "cannot make the page");
    }
    if (suite_html_write(out, in, e) < 0) {
        return -1;
    }
    if (fclose(steal(&out)) != 0) {
        return err_os(e, ERR_OUTPUT, errno, "report.html", "cannot make the page");
    }
    text_add_bytes(t, bytes, len);
    return 0;
}

static int write_file(const char *folder, const char *name, const char *copy, const struct text *body, struct err *e)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/%s", folder, name);
    return file_replace(text_str(&path), text_str(body), body->len, e) < 0 ||
                   (copy && file_replace(copy, text_str(body), body->len, e) < 0)
               ? -1
               : 0;
}

static int write_all(const struct gathered *g, const struct suite_input *in, const struct suite_copies *c,
                     struct err *e)
{
    scoped_text struct text page = {0}, junit = {0}, summary = {0}, metrics = {0};
    if (make_page(&page, in, e) < 0) {
        return -1;
    }
    joined_junit(&g->joined, &junit);
    joined_metrics(&g->joined, &metrics);
    suite_summary(&summary, in);
    text_addf(&summary, "\n%s", text_str(&g->joined.summaries));
    return write_file(g->folder, "report.html", c->html, &page, e) < 0 ||
                   write_file(g->folder, "junit.xml", c->junit, &junit, e) < 0 ||
                   write_file(g->folder, "summary.md", c->summary, &summary, e) < 0 ||
                   write_file(g->folder, "metrics.prom", c->metrics, &metrics, e) < 0
               ? -1
               : rundir_manifest(g->folder, e);
}

/* Runs and suite lie side by side, so what a run calls its history is the suite's as well. */
static const char *history_of(const struct gathered *g)
{
    const char *file = g->results.len ? g->results.at[g->results.len - 1]->history.file : NULL;
    scoped_text struct text path = {0};
    if (!file || !text_starts(file, "../")) {
        return NULL;
    }
    history_path(&path, g->folder, file);
    return access(text_str(&path), R_OK) == 0 ? file : NULL;
}

int suite_report_write(const char *folder, const struct suite_copies *copies, struct err *e)
{
    scoped_text struct text path = {0}, body = {0};
    text_addf(&path, "%s/suite.json", folder);
    if (text_read_file(&body, text_str(&path), SUITE_MAX, e) < 0) {
        return -1;
    }
    scoped_json json_t *doc = json_read(text_str(&body), body.len, text_str(&path), e);
    if (!doc) {
        return -1;
    }
    if (!json_is_array(json_object_get(doc, "runs"))) {
        return err_set(e, ERR_READING, text_str(&path), "this is no record of a suite: `runs` is not a list");
    }
    struct gathered g = {.folder = folder, .ended_at = member(doc, "ended_at"), .jenkins_style = copies->jenkins_style};
    int rc = gather(&g, doc, e);
    const struct suite_input in = {.name = member(doc, "suite"),
                                   .title = json_string_value(json_object_get(doc, "title")),
                                   .kind = member(doc, "kind"),
                                   .started_at = member(doc, "started_at"),
                                   .ended_at = g.ended_at,
                                   .exit_code = whole(doc, "exit_code"),
                                   .history = history_of(&g),
                                   .entries = g.entries.at,
                                   .count = g.entries.len,
                                   .unreached = g.unreached.at,
                                   .unreached_count = g.unreached.len};
    rc = rc < 0 ? rc : write_all(&g, &in, copies, e);
    gathered_deinit(&g);
    return rc;
}
