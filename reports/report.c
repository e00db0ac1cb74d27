/* SPDX-License-Identifier: MIT */
/*
 * The table of reporters, and writing a report whole or not at all.
 *
 * A reporter writes into memory; only a finished report replaces the file of its name (temporary name, fsync, rename).
 * A failure leaves the older file. report_write_all goes on after one: a report that cannot be made must not take the
 * others along; the first failure is the one reported.
 */
#include "reports/report.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "reports/rows.h"

#include <errno.h>
#include <string.h>

static const struct reporter rows[] = {
    {"json", "result.json", "the result itself, for programs", json_write},
    {"html", "report.html", "what happened, to look at; one file, no network", html_write},
    {"junit", "junit.xml", "one test case per objective and check, for CI servers", junit_write},
    {"summary", "summary.md", "verdict, objectives and timeline in Markdown", summary_write},
    {"metrics", "metrics.prom", "Prometheus text, for alerts on missed and overdue drills", metrics_write},
};

const struct reporter *const reporters[] = {&rows[0], &rows[1], &rows[2], &rows[3], &rows[4], NULL};

const struct reporter *reporter_find(const char *name)
{
    for (size_t i = 0; reporters[i]; i++) {
        if (text_eq(reporters[i]->name, name)) {
            return reporters[i];
        }
    }
    return NULL;
}

int report_emit(FILE *out, const struct text *t, const char *what, struct err *e)
{
    if (t->len > 0 && fwrite(t->at, 1, t->len, out) != t->len) {
        return err_os(e, ERR_OUTPUT, errno ? errno : EIO, what, "cannot write the report");
    }
    return 0;
}

int report_write(const struct reporter *r, const struct report_input *in, const char *path, struct err *e)
{
    scoped_text struct text at = {0};
    if (path) {
        text_add(&at, path);
    } else {
        text_addf(&at, "%s/%s", in->run_path, r->file_name);
    }
    scoped_free char *bytes = NULL;
    size_t len = 0;
    scoped_file FILE *out = open_memstream(&bytes, &len);
    if (!out) {
        return err_os(e, ERR_OUTPUT, errno, text_str(&at), "cannot make the report");
    }
    if (r->write(out, in, e) != 0) {
        return -1;
    }
    if (fclose(steal(&out)) != 0) {
        return err_os(e, ERR_OUTPUT, errno, text_str(&at), "cannot make the report");
    }
    return file_replace(text_str(&at), bytes, len, e);
}

int report_write_all(const struct report_input *in, struct err *e)
{
    int failed = 0;
    for (size_t i = 0; reporters[i]; i++) {
        if (report_write(reporters[i], in, NULL, e) != 0) {
            failed = -1;
        }
    }
    return failed;
}
