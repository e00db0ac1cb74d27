/* SPDX-License-Identifier: MIT */
/*
 * Annotations stand on the line of the target, in the scenario or in the suite. GitHub reads the file name relative to
 * the workspace, which is where drtest runs, so the name is given as it was on the command line. The step summary is a
 * file that others offer, too (Gitea, act, a shell): its variable is enough.
 */
#include "harness/cli/annotate.h"

#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "reports/format.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void escape(struct text *out, const char *s, bool property)
{
    for (; s && *s; s++) {
        if (*s == '%' || *s == '\r' || *s == '\n' || (property && (*s == ':' || *s == ','))) {
            text_addf(out, "%%%02X", (unsigned)(unsigned char)*s);
        } else {
            text_add_bytes(out, s, 1);
        }
    }
}

/* "RTO missed" */
static void add_title(struct text *out, const struct result_objective *o)
{
    scoped_text struct text title = {0};
    for (const char *c = o->name; *c; c++) {
        char up = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
        text_add_bytes(&title, &up, 1);
    }
    text_addf(&title, " %s", verdict_words[o->verdict]);
    text_add(out, "title=");
    escape(out, text_str(&title), true);
}

/* An argument of --set is no file: such an annotation stands at none and says so. */
static void add_place(struct text *out, const struct result *r, const struct result_objective *o)
{
    if (o->assignment) {
        return;
    }
    text_add(out, "file=");
    escape(out, o->file ? o->file : r->scenario.file, true);
    if (o->line > 0) {
        text_addf(out, ",line=%lld,col=%lld", (long long)o->line, (long long)o->column);
    }
    text_add(out, ",");
}

void annotate_text(struct text *out, const struct result *r)
{
    for (size_t i = 0; i < r->objectives.len; i++) {
        const struct result_objective *o = &r->objectives.at[i];
        scoped_text struct text elsewhere = {0};
        if (o->verdict != MISSED && o->verdict != INCONCLUSIVE) {
            continue;
        }
        text_add(out, "::error ");
        add_place(out, r, o);
        add_title(out, o);
        text_add(out, "::");
        escape(out, o->title, false);
        text_add(out, o->reason ? ": " : "");
        escape(out, o->reason, false);
        if (o->assignment) {
            format_elsewhere(&elsewhere, r, o);
            text_add(out, "; ");
            escape(out, text_str(&elsewhere), false);
        }
        text_add(out, "\n");
    }
}

static int append_summary(const char *path, const struct report_input *in, struct err *e)
{
    scoped_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        return err_os(e, ERR_OUTPUT, errno, path, "cannot open the step summary");
    }
    scoped_file FILE *f = fdopen(fd, "a");
    if (!f) {
        return err_os(e, ERR_OUTPUT, errno, path, "cannot open the step summary");
    }
    (void)steal_fd(&fd); /* it is the stream's now */
    if (reporter_find("summary")->write(f, in, e) < 0) {
        return -1;
    }
    return fclose(steal(&f)) == 0 ? 0 : err_os(e, ERR_OUTPUT, errno, path, "cannot append to the step summary");
}

int annotate(const struct report_input *in, struct err *e)
{
    if (text_eq(getenv("GITHUB_ACTIONS"), "true")) {
        scoped_text struct text t = {0};
        annotate_text(&t, in->result);
        fputs(text_str(&t), stderr);
    }
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    return path && *path ? append_summary(path, in, e) : 0;
}
