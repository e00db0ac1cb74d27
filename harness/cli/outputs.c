/* SPDX-License-Identifier: MIT */
/*
 * Copies are made from the same reporters as the files of the run directory. With one run a copy is that report; with
 * several, JUnit, Markdown and metrics are joined (reports/joined.h), and HTML, which cannot be, gets a file per run
 * (NAME-<run id>.EXT). Joined files are written again after every run, so that what was done is there when the rest is
 * not.
 */
#include "harness/cli/outputs.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/cli/annotate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void outputs_deinit(struct outputs *out)
{
    joined_deinit(&out->joined);
}

static int join_junit(struct outputs *out, const struct report_input *in, struct err *e)
{
    scoped_text struct text all = {0};
    if (joined_add_junit(&out->joined, in, e) < 0) {
        return -1;
    }
    joined_junit(&out->joined, &all);
    return file_replace(out->junit, text_str(&all), all.len, e);
}

static int join_summary(struct outputs *out, const struct report_input *in, struct err *e)
{
    const struct text *all = &out->joined.summaries;
    return joined_add_summary(&out->joined, in, e) < 0 ? -1 : file_replace(out->summary, text_str(all), all->len, e);
}

static int join_metrics(struct outputs *out, const struct report_input *in, struct err *e)
{
    scoped_text struct text all = {0};
    if (joined_add_metrics(&out->joined, in, e) < 0) {
        return -1;
    }
    joined_metrics(&out->joined, &all);
    return file_replace(out->metrics, text_str(&all), all.len, e);
}

int outputs_prepare(const struct outputs *out, const char *history, struct err *e)
{
    const char *const files[] = {out->junit, out->summary, out->html, out->metrics, history};
    for (size_t i = 0; i < array_len(files); i++) {
        const char *slash = files[i] ? strrchr(files[i], '/') : NULL;
        scoped_text struct text folder = {0};
        struct stat st;
        if (!files[i]) {
            continue;
        }
        if (folder_make_above(files[i], e) < 0) {
            return -1;
        }
        text_add_bytes(&folder, slash ? files[i] : ".", slash ? (size_t)(slash - files[i]) + 1 : 1);
        if (access(text_str(&folder), W_OK | X_OK) != 0) {
            return err_os(e, ERR_OUTPUT, errno, text_str(&folder), "cannot write into the folder");
        }
        if (stat(files[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            return err_set(e, ERR_OUTPUT, files[i], "is a folder where a file is wanted");
        }
    }
    return 0;
}

int outputs_check_history(const char *path, struct err *e)
{
    bool locked = access(path, F_OK) == 0 && access(path, W_OK) != 0;
    return locked ? err_os(e, ERR_OUTPUT, errno, path, "cannot append to the history") : 0;
}

/* NAME-<run id>.EXT */
static void path_of_run(struct text *t, const char *path, const char *run_id)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    size_t stem = dot ? (size_t)(dot - path) : strlen(path);
    text_add_bytes(t, path, stem);
    text_addf(t, "-%s%s", run_id, dot ? dot : "");
}

static int copy_page(const struct outputs *out, const struct report_input *in, struct err *e)
{
    scoped_text struct text own = {0};
    if (out->several) {
        path_of_run(&own, out->html, in->result->run.id);
    }
    return report_write(reporter_find("html"), in, out->several ? text_str(&own) : out->html, e);
}

static int tell(const struct outputs *out, int rc, const struct err *e)
{
    if (rc < 0) {
        say_error(&out->call->err, e);
    }
    return rc;
}

static int print_json(const struct outputs *out, const struct report_input *in, struct err *e)
{
    if (!out->several) {
        return reporter_find("json")->write(stdout, in, e);
    }
    scoped_json json_t *doc = result_to_json(in->result);
    scoped_free char *text = doc ? json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    return text && puts(text) >= 0 ? 0 : err_set(e, ERR_OUTPUT, "standard output", "cannot print the result");
}

static int print(const struct outputs *out, const struct report_input *in, struct err *e)
{
    if (out->call->globals.json) {
        return print_json(out, in, e);
    }
    const struct face *f = &out->call->out;
    struct terminal_style style = {.colour = f->colour, .utf8 = f->utf8, .width = f->width};
    terminal_result(stdout, in, &style);
    return 0;
}

int outputs_add(struct outputs *out, const struct report_input *shared)
{
    struct report_input own = *shared, *in = &own;
    own.jenkins_style = out->jenkins_style;
    struct err e[6] = {0};
    int rc = tell(out, print(out, in, &e[0]), &e[0]);
    fflush(stdout);
    rc |= tell(out, annotate(in, &e[1]), &e[1]);
    if (out->junit) {
        int wrote =
            out->several ? join_junit(out, in, &e[2]) : report_write(reporter_find("junit"), in, out->junit, &e[2]);
        rc |= tell(out, wrote, &e[2]);
    }
    if (out->summary) {
        rc |= tell(out, join_summary(out, in, &e[3]), &e[3]);
    }
    if (out->html) {
        rc |= tell(out, copy_page(out, in, &e[4]), &e[4]);
    }
    if (out->metrics) {
        rc |= tell(out, join_metrics(out, in, &e[5]), &e[5]);
    }
    return rc;
}
