/* SPDX-License-Identifier: MIT */
/*
 * The plan comes from plan.yaml: overrides, suite defaults and `with` have been merged into it, and its last line says
 * where it came from (harness/spec/plan_yaml.h).
 *
 * Failure paths: a run without result.json (it died before it was judged) and a plan.yaml that this binary cannot read
 * are errors that name the remedy; hostile files meet the limits of the readers.
 */
#include "harness/cli/stored.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/tool.h"
#include "harness/spec/plan_yaml.h"
#include "injectors/injector.h"

#include <errno.h>

static int load_plan(struct stored_run *s, struct err *e)
{
    size_t verbs = 0;
    const struct action_type *const *types = injector_types(&verbs);
    scoped_text struct text path = {0};
    text_addf(&path, "%s/plan.yaml", s->path);
    return plan_load(text_str(&path), types, verbs, &s->plan, e) < 0
               ? err_help(e, "use the version of drtest that made the run: %s", s->result->tool.version)
               : 0;
}

static int load_result(struct stored_run *s, struct err *e)
{
    struct err own = {0};
    int rc = result_load(s->path, &s->result, &own);
    if (rc < 0 && own.os == ENOENT) {
        err_help(&own, "the run ended before it was judged; `drtest clean %.120s` says what it had open", s->path);
    }
    if (rc < 0 && e) {
        *e = own;
    }
    return rc;
}

static int load(struct stored_run *s, int (*evidence)(struct evidence **ev, const char *run_path, struct err *e),
                struct err *e)
{
    return load_result(s, e) < 0 || load_plan(s, e) < 0 || evidence(&s->evidence, s->path, e) < 0 ? -1 : 0;
}

static int find(struct stored_run *s, const char *output, const char *run, struct err *e)
{
    scoped_text struct text path = {0};
    int rc = tool_find_run(&path, output, run, e);
    s->path = rc < 0 ? NULL : text_steal(&path);
    return rc;
}

int stored_load(struct stored_run *s, const char *output, const char *run, struct err *e)
{
    return find(s, output, run, e) < 0 ? -1 : load(s, evidence_load, e);
}

int stored_skim(struct stored_run *s, const char *output, const char *run, struct err *e)
{
    return find(s, output, run, e) < 0 ? -1 : load(s, evidence_skim, e);
}

int stored_skim_at(struct stored_run *s, const char *path, struct err *e)
{
    s->path = xstrdup(path);
    return load(s, evidence_skim, e);
}

int stored_check(const struct stored_run *s, struct err *e)
{
    const char *damage = evidence_damage(s->evidence);
    if (!damage || !s->result->quality.valid) {
        return 0;
    }
    err_set(e, ERR_READING, s->path, "the evidence is no longer what was judged: %s", damage);
    return err_help(e, "drtest analyze says what can still be told from it");
}

void stored_deinit(struct stored_run *s)
{
    plan_free(s->plan);
    result_free(s->result);
    evidence_free(s->evidence);
    free(s->path);
    *s = (struct stored_run){0};
}
