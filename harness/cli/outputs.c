/* SPDX-License-Identifier: MIT */
/*
 * Copies are made from the same reporters as the files of the run directory. With one run a copy is that report; with
 * several, JUnit becomes one document with one testsuite per run, Markdown is strung together, and HTML and metrics,
 * which cannot be joined, get a file per run (NAME-<run id>.EXT). Joined files are written again after every run, so
 * that what was done is there when the rest is not.
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
    text_deinit(&out->suites);
    text_deinit(&out->summaries);
}

static int render(const char *name, const struct report_input *in, struct text *to, struct err *e)
{
    scoped_free char *bytes = NULL;
    size_t len = 0;
    scoped_file FILE *f = open_memstream(&bytes, &len);
    if (!f) {
        return err_os(e, ERR_OUTPUT, errno, name, "cannot make the report");
    }
    if (reporter_find(name)->write(f, in, e) < 0) {
        return -1;
    }
    if (fclose(steal(&f)) != 0) {
        return err_os(e, ERR_OUTPUT, errno, name, "cannot make the report");
    }
    text_add_bytes(to, bytes, len);
    return 0;
}

/* The number of an attribute of the document's root, which our own reporter wrote. */
static double attribute(const char *root, const char *name)
{
    const char *at = strstr(root, name), *end = strchr(root, '>');
    return at && end && at < end ? strtod(at + strlen(name), NULL) : 0;
}

static int join_junit(struct outputs *out, const struct report_input *in, struct err *e)
{
    scoped_text struct text one = {0}, all = {0};
    if (render("junit", in, &one, e) < 0) {
        return -1;
    }
    const char *root = strstr(text_str(&one), "<testsuites");
    const char *begin = strstr(text_str(&one), "<testsuite "), *end = strstr(text_str(&one), "</testsuites>");
    if (!root || !begin || !end || begin > end) {
        return err_set(e, ERR_DEFECT, out->junit, "the JUnit report has no testsuite");
    }
    out->tests += (int64_t)attribute(root, " tests=\"");
    out->failures += (int64_t)attribute(root, " failures=\"");
    out->errors += (int64_t)attribute(root, " errors=\"");
    out->time_s += attribute(root, " time=\"");
    text_add_bytes(&out->suites, "  ", out->suites.len ? 2 : 0);
    text_add_bytes(&out->suites, begin, (size_t)(end - begin));
    text_addf(&all,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"drtest\" tests=\"%lld\" "
              "failures=\"%lld\" errors=\"%lld\" time=\"%.3f\">\n  %s</testsuites>\n",
              (long long)out->tests, (long long)out->failures, (long long)out->errors, out->time_s,
              text_str(&out->suites));
    return file_replace(out->junit, text_str(&all), all.len, e);
}

static int join_summary(struct outputs *out, const struct report_input *in, struct err *e)
{
    text_add(&out->summaries, out->summaries.len ? "\n" : "");
    return render("summary", in, &out->summaries, e) < 0
               ? -1
               : file_replace(out->summary, text_str(&out->summaries), out->summaries.len, e);
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

/* NAME-<run id>.EXT */
static void path_of_run(struct text *t, const char *path, const char *run_id)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    size_t stem = dot ? (size_t)(dot - path) : strlen(path);
    text_add_bytes(t, path, stem);
    text_addf(t, "-%s%s", run_id, dot ? dot : "");
}

static int copy(const struct outputs *out, const struct report_input *in, const char *name, const char *path,
                struct err *e)
{
    scoped_text struct text own = {0};
    if (out->several) {
        path_of_run(&own, path, in->result->run.id);
    }
    return report_write(reporter_find(name), in, out->several ? text_str(&own) : path, e);
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
        int wrote = out->several ? join_junit(out, in, &e[2]) : copy(out, in, "junit", out->junit, &e[2]);
        rc |= tell(out, wrote, &e[2]);
    }
    if (out->summary) {
        rc |= tell(out, join_summary(out, in, &e[3]), &e[3]);
    }
    if (out->html) {
        rc |= tell(out, copy(out, in, "html", out->html, &e[4]), &e[4]);
    }
    if (out->metrics) {
        rc |= tell(out, copy(out, in, "metrics", out->metrics, &e[5]), &e[5]);
    }
    return rc;
}
