/* SPDX-License-Identifier: MIT */
/*
 * The page is always made from what is on disk, so that the one after a run and one made a year later are the same. A
 * run of the suite whose result is gone has a row that says so; only a suite.json that is none is an error.
 */
#include "harness/cli/suite_page.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/history.h"
#include "reports/suite.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SUITE_MAX = 16 * 1024 * 1024 };

struct gathered {
    struct arena arena;
    vec_of(struct suite_entry) entries;
    vec_of(struct suite_unreached) unreached;
    vec_of(struct result *) results;      /* owned */
    vec_of(struct history_runs) earlier;  /* owned */
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
    arena_deinit(&g->arena);
}

bool suite_page_is(const char *folder)
{
    scoped_text struct text path = {0};
    text_addf(&path, "%s/suite.json", folder);
    return access(text_str(&path), F_OK) == 0;
}

static const char *member(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
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

static int add_run(struct gathered *g, const char *folder, const json_t *run, struct err *e)
{
    const char *id = member(run, "run_id");
    struct suite_entry *entry = vec_push(&g->entries);
    *entry = (struct suite_entry){
        .run_id = id, .scenario = member(run, "scenario"), .verdict = verdict_of(member(run, "verdict"))};
    if (strchr(id, '/') || text_eq(id, "..")) {
        return err_set(e, ERR_READING, folder, "suite.json names `%s` as a run, which is no run id", id);
    }
    scoped_text struct text path = {0};
    struct result *result = NULL;
    struct err gone = {0};
    text_addf(&path, "%s/../%s", folder, id);
    if (!*id || result_load(text_str(&path), &result, &gone) < 0) {
        return 0;
    }
    *vec_push(&g->results) = result;
    struct history_runs *earlier = vec_push(&g->earlier);
    *earlier = (struct history_runs){0};
    history_read_earlier(earlier, &g->arena, text_str(&path), result);
    scoped_json json_t *doc = result_to_json(result);
    struct pool_run *pooled = arena_new(&g->arena, struct pool_run);
    *pooled = pool_run_of_result(&g->arena, doc);
    entry->result = result;
    entry->pooled = pooled;
    entry->earlier = earlier->at;
    entry->earlier_count = earlier->len;
    return 0;
}

static void add_unreached(struct gathered *g, const json_t *run)
{
    const char *title = json_string_value(json_object_get(run, "title"));
    *vec_push(&g->unreached) = (struct suite_unreached){.scenario = member(run, "scenario"), .title = title};
}

static int write_page(const char *folder, const struct suite_input *in, struct err *e)
{
    scoped_text struct text path = {0};
    scoped_free char *bytes = NULL;
    size_t len = 0;
    scoped_file FILE *out = open_memstream(&bytes, &len);
    text_addf(&path, "%s/report.html", folder);
    if (!out) {
        return err_os(e, ERR_OUTPUT, errno, text_str(&path), "cannot make the page");
    }
    if (suite_html_write(out, in, e) < 0) {
        return -1;
    }
    if (fclose(steal(&out)) != 0) {
        return err_os(e, ERR_OUTPUT, errno, text_str(&path), "cannot make the page");
    }
    return file_replace(text_str(&path), bytes, len, e);
}

int suite_page_write(const char *folder, struct err *e)
{
    scoped_text struct text path = {0}, body = {0};
    struct gathered g = {0};
    text_addf(&path, "%s/suite.json", folder);
    if (text_read_file(&body, text_str(&path), SUITE_MAX, e) < 0) {
        return -1;
    }
    scoped_json json_t *doc = json_read(text_str(&body), body.len, text_str(&path), e);
    if (!doc) {
        return -1;
    }
    const json_t *runs = json_object_get(doc, "runs"), *run;
    if (!json_is_array(runs)) {
        return err_set(e, ERR_READING, text_str(&path), "this is no record of a suite: `runs` is not a list");
    }
    int rc = 0;
    size_t i;
    json_array_foreach (runs, i, run) {
        rc = rc < 0 ? rc : add_run(&g, folder, run, e);
    }
    json_array_foreach(json_object_get(doc, "not_run"), i, run)
    {
        add_unreached(&g, run);
    }
    struct suite_input in = {.name = member(doc, "suite"),
                             .title = json_string_value(json_object_get(doc, "title")),
                             .kind = member(doc, "kind"),
                             .started_at = member(doc, "started_at"),
                             .ended_at = member(doc, "ended_at"),
                             .exit_code = json_integer_value(json_object_get(doc, "exit_code")),
                             .entries = g.entries.at,
                             .count = g.entries.len,
                             .unreached = g.unreached.at,
                             .unreached_count = g.unreached.len};
    rc = rc < 0 ? rc : write_page(folder, &in, e);
    gathered_deinit(&g);
    return rc;
}
