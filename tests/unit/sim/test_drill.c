/* SPDX-License-Identifier: MIT */
/*
 * A drill from scenario file to reports in one process, without the guardian and the conductor's process of the command
 * line: so that valgrind, too, can follow all of it.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/measure/measure.h"
#include "harness/run/run.h"
#include "harness/spec/load.h"
#include "harness/spec/plan_yaml.h"
#include "injectors/injector.h"
#include "reports/report.h"
#include "tests/unit/runner.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/drtest-drill.XXXXXX";
static struct plan *plan;
static char *run_path;

static int set_up(void)
{
    size_t n;
    const struct action_type *const *types = injector_types(&n);
    struct diag_list diags = {0};
    int rc = spec_load(DRTEST_SOURCE_DIR "/scenarios/region-outage.yaml", types, n, NULL, &plan, &diags, NULL);
    diag_list_deinit(&diags);
    return rc == 0 && mkdtemp(folder) ? rundir_create(folder, "drill", 0, &run_path, NULL) : -1;
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void)
{
    plan_free(plan);
    free(run_path);
    return nftw(folder, discard, 16, FTW_DEPTH | FTW_PHYS);
}

static void it_runs_to_its_end(void)
{
    static const char *const argv[] = {"drtest", NULL};
    const struct run_options o = {.lab = &lab_sim,
                                  .run_path = run_path,
                                  .run_id = "drill",
                                  .argv = argv,
                                  .selftest = "skipped",
                                  .selftest_detail = "a model"};
    struct err e = {0};
    int signal_seen = 0;
    scoped_text struct text path = {0}, yaml = {0};
    text_addf(&path, "%s/plan.yaml", run_path);
    plan_yaml(plan, &yaml);
    CU_ASSERT_EQUAL(file_replace(text_str(&path), text_str(&yaml), yaml.len, &e), 0);
    CU_ASSERT_EQUAL(run_drill(plan, &o, &signal_seen, &e), 0);
    CU_ASSERT_EQUAL(e.kind, ERR_NONE);
    CU_ASSERT_EQUAL(signal_seen, 0);
}

static void it_is_measured_and_reported(void)
{
    const struct measure_context about = {.run_id = "drill", .repeat_index = 1, .repeat_count = 1, .tool_version = "0"};
    struct evidence *ev = NULL;
    struct result *r = NULL;
    struct err e = {0};
    CU_ASSERT_EQUAL_FATAL(evidence_load(&ev, run_path, &e), 0);
    CU_ASSERT_PTR_NULL(ev->timeline_damage);
    CU_ASSERT_PTR_NULL(ev->samples_damage);
    CU_ASSERT_PTR_NULL(ev->ledger_damage);
    CU_ASSERT_EQUAL_FATAL(measure_run(plan, ev, &about, &r, &e), 0);
    CU_ASSERT_EQUAL(r->run.verdict, MET);
    const struct report_input in = {.result = r, .plan = plan, .evidence = ev, .run_path = run_path};
    CU_ASSERT_EQUAL(report_write_all(&in, &e), 0);
    for (size_t i = 0; reporters[i]; i++) {
        scoped_text struct text path = {0};
        text_addf(&path, "%s/%s", run_path, reporters[i]->file_name);
        CU_ASSERT_EQUAL(access(text_str(&path), R_OK), 0);
    }
    CU_ASSERT_EQUAL(e.kind, ERR_NONE);
    result_free(r);
    evidence_free(ev);
}

void suite_drill(void)
{
    runner_suite(set_up, tear_down);
    runner_test(it_runs_to_its_end);
    runner_test(it_is_measured_and_reported);
}
