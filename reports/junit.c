/* SPDX-License-Identifier: MIT */
/*
 * junit.xml: the drill as a test suite. A scenario is a testsuite, each objective and each check a testcase.
 *
 * Order: what must hold before the numbers count (steady state, fault in force), the objectives, the other checks. Each
 * case gets the share of the run spent on it: the run is cut at the fault's begin, its confirmed end, the end of
 * observation and the begin of the audit, in whole milliseconds, so that the cases add up to the suite exactly. A
 * share whose case is absent goes to the last case.
 *
 * Two styles. The common one has file, line, properties and a message on skipped. The stricter one leaves them out
 * and is valid against the schemas of the Jenkins plugins. The names of cases hold targets, never measured numbers,
 * so that a trend stays one test.
 */
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "reports/escape.h"
#include "reports/format.h"
#include "reports/rows.h"

#include <math.h>
#include <string.h>

enum { SYSTEM_OUT_MAX = 64 * 1024 };

struct cases {
    struct text *out;
    const struct report_input *in;
    int64_t *share_ms; /* per case, in the order written */
    size_t next, count;
};

static void attribute(struct text *t, const char *name, const char *value)
{
    text_addf(t, " %s=\"", name);
    escape(t, ESCAPE_XML_ATTRIBUTE, value);
    text_add(t, "\"");
}

static void milliseconds(struct text *t, int64_t ms)
{
    text_addf(t, "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
}

static void property(struct text *t, const char *indent, const char *name, const char *value)
{
    text_addf(t, "%s<property", indent);
    attribute(t, "name", name);
    attribute(t, "value", value);
    text_add(t, "/>");
}

/* Calls each(name, value) for the measured numbers of an objective: drtest.rto.achieved_upper_s and so on. */
static void each_number(struct text *t, const struct result_objective *o,
                        void (*each)(struct text *t, const char *name, const char *value))
{
    const struct {
        const char *what;
        double value;
    } numbers[] = {{"achieved_lower", o->achieved_lower}, {"achieved_upper", o->achieved_upper}};
    for (size_t i = 0; i < array_len(numbers); i++) {
        if (!isfinite(numbers[i].value)) {
            continue;
        }
        scoped_text struct text name = {0}, value = {0};
        text_addf(&name, "drtest.%s.%s_%s", o->name, numbers[i].what, o->unit);
        format_plain(&value, numbers[i].value);
        each(t, text_str(&name), text_str(&value));
    }
}

static void suite_property(struct text *t, const char *name, const char *value)
{
    property(t, "\n      ", name, value);
}

static void case_property(struct text *t, const char *name, const char *value)
{
    property(t, "", name, value);
}

static void output_property(struct text *t, const char *name, const char *value)
{
    text_addf(t, "[[PROPERTY|%s=%s]]\n", name, value);
}

static bool leads(const struct result_check *c)
{
    return text_eq(c->name, "steady_state") || text_eq(c->name, "fault_proof");
}

static void suite_name(struct text *t, const struct result *r)
{
    text_add(t, r->scenario.name);
    if (r->run.repeat_count > 1) {
        text_addf(t, " (run %lld of %lld)", (long long)r->run.repeat_index, (long long)r->run.repeat_count);
    }
}

/* o is NULL for a check, which stands in no file. */
static void open_case(struct cases *c, const char *title, const struct result_objective *o)
{
    const struct result *r = c->in->result;
    scoped_text struct text class = {0};
    text_addf(&class, "drtest.%s", r->scenario.name);
    if (r->run.repeat_count > 1) {
        text_addf(&class, ".%lld", (long long)r->run.repeat_index);
    }
    text_add(c->out, "    <testcase");
    attribute(c->out, "name", title);
    attribute(c->out, "classname", text_str(&class));
    text_add(c->out, " time=\"");
    milliseconds(c->out, c->share_ms[c->next++]);
    text_add(c->out, "\"");
    const char *file = o && o->file ? o->file : r->scenario.file;
    if (o && o->line > 0 && !c->in->jenkins_style && file) {
        attribute(c->out, "file", file);
        text_addf(c->out, " line=\"%lld\"", (long long)o->line);
    }
}

/* <failure>, <error> or <skipped> with its sentence; where is "file:line:col", what --set said, or empty. */
static void write_ending(struct cases *c, enum verdict verdict, const char *name, const char *sentence,
                         const char *where)
{
    struct text *t = c->out;
    if (verdict == SKIPPED) {
        text_add(t, "      <skipped");
        if (!c->in->jenkins_style) {
            attribute(t, "message", sentence);
        }
        text_add(t, ">");
        escape(t, ESCAPE_XML_TEXT, sentence);
        text_add(t, "</skipped>\n");
        return;
    }
    const char *element = verdict == MISSED ? "failure" : "error";
    scoped_text struct text type = {0};
    text_addf(&type, "%s-%s", name, format_verdict(verdict));
    text_addf(t, "      <%s", element);
    attribute(t, "type", text_str(&type));
    attribute(t, "message", sentence);
    text_add(t, ">");
    escape(t, ESCAPE_XML_TEXT, sentence);
    if (*where) {
        text_add(t, "\n  at ");
        escape(t, ESCAPE_XML_TEXT, where);
    }
    text_addf(t, "</%s>\n", element);
}

static void write_objective(struct cases *c, const struct result_objective *o)
{
    open_case(c, o->title ? o->title : format_label(o->name), o);
    if (o->verdict == MET) {
        text_add(c->out, "/>\n");
        return;
    }
    text_add(c->out, ">\n");
    scoped_text struct text numbers = {0}, sentence = {0}, where = {0}, output = {0};
    each_number(&numbers, o, case_property);
    if (numbers.len && !c->in->jenkins_style) {
        text_addf(c->out, "      <properties>%s</properties>\n", text_str(&numbers));
    }
    if (o->verdict == SKIPPED) {
        text_add(&sentence, o->reason ? o->reason : "not decided");
    } else {
        format_sentence(&sentence, o);
    }
    format_place(&where, c->in->result, o);
    write_ending(c, o->verdict, o->name, text_str(&sentence), text_str(&where));
    each_number(&output, o, output_property);
    text_addf(&output, "[[ATTACHMENT|%s/report.html]]", c->in->run_path);
    text_add(c->out, "      <system-out>");
    escape_bytes(c->out, ESCAPE_XML_TEXT, output.at, output.len < SYSTEM_OUT_MAX ? output.len : SYSTEM_OUT_MAX);
    text_add(c->out, "</system-out>\n    </testcase>\n");
}

static void write_check(struct cases *c, const struct result_check *k)
{
    open_case(c, format_check(k->name), NULL);
    if (k->verdict == MET) {
        text_add(c->out, "/>\n");
        return;
    }
    text_add(c->out, ">\n");
    /* A check is never missed; should a file say so, it stays an error: the drill proves nothing. */
    write_ending(c, k->verdict == SKIPPED ? SKIPPED : INCONCLUSIVE, k->name, k->detail ? k->detail : "no detail", "");
    text_add(c->out, "    </testcase>\n");
}

/* Where the run is cut, in ms, never decreasing and never past the end. */
static int64_t cut_at(double seconds, int64_t before, int64_t end)
{
    int64_t ms = isfinite(seconds) && seconds > 0 && seconds < 1e9 ? (int64_t)llround(seconds * 1000) : before;
    return ms < before ? before : ms > end ? end : ms;
}

static double phase_begin(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->phases.len; i++) {
        if (text_eq(r->phases.at[i].name, name)) {
            return r->phases.at[i].begin_s;
        }
    }
    return (double)NAN;
}

static size_t check_position(const struct result *r, const char *name, size_t absent)
{
    size_t lead = 0, rest = 0, leading = 0;
    for (size_t i = 0; i < r->checks.len; i++) {
        leading += leads(&r->checks.at[i]);
    }
    for (size_t i = 0; i < r->checks.len; i++) {
        const struct result_check *c = &r->checks.at[i];
        size_t at = leads(c) ? lead++ : leading + r->objectives.len + rest++;
        if (text_eq(c->name, name)) {
            return at;
        }
    }
    return absent;
}

/* Fills share_ms and returns the duration of the suite in ms. */
static int64_t share_out(struct cases *c)
{
    const struct result *r = c->in->result;
    int64_t end = cut_at(format_run_end(r), 0, INT64_MAX);
    if (c->count == 0) {
        return end;
    }
    const struct result_fault *f = r->faults.len ? &r->faults.at[0] : NULL;
    int64_t begun = cut_at(f ? f->t_ib_s : phase_begin(r, "fault"), 0, end);
    int64_t confirmed = cut_at(f ? f->t_ie_s : (double)NAN, begun, end);
    int64_t observed = cut_at(phase_begin(r, "quiesce"), confirmed, end);
    int64_t read = cut_at(phase_begin(r, "audit"), observed, end);
    size_t last = c->count - 1;
    size_t first_objective = check_position(r, "steady_state", SIZE_MAX) != SIZE_MAX;
    first_objective += check_position(r, "fault_proof", SIZE_MAX) != SIZE_MAX;
    c->share_ms[check_position(r, "steady_state", last)] += begun;
    c->share_ms[check_position(r, "fault_proof", last)] += confirmed - begun;
    c->share_ms[r->objectives.len ? first_objective : last] += observed - confirmed;
    c->share_ms[check_position(r, "ledger", last)] += read - observed;
    c->share_ms[check_position(r, "rollback", last)] += end - read;
    return end;
}

static void write_suite_properties(struct text *t, const struct report_input *in)
{
    const struct result *r = in->result;
    scoped_text struct text seed = {0};
    text_addf(&seed, "%lld", (long long)r->run.seed);
    text_add(t, "    <properties>");
    suite_property(t, "drtest.run_id", r->run.id);
    suite_property(t, "drtest.verdict", format_verdict(r->run.verdict));
    suite_property(t, "drtest.seed", text_str(&seed));
    suite_property(t, "drtest.lab", r->lab.kind);
    for (size_t i = 0; i < r->objectives.len; i++) {
        each_number(t, &r->objectives.at[i], suite_property);
    }
    text_add(t, "\n    </properties>\n");
}

static void write_cases(struct cases *c)
{
    const struct result *r = c->in->result;
    for (size_t i = 0; i < r->checks.len; i++) {
        if (leads(&r->checks.at[i])) {
            write_check(c, &r->checks.at[i]);
        }
    }
    for (size_t i = 0; i < r->objectives.len; i++) {
        write_objective(c, &r->objectives.at[i]);
    }
    for (size_t i = 0; i < r->checks.len; i++) {
        if (!leads(&r->checks.at[i])) {
            write_check(c, &r->checks.at[i]);
        }
    }
}

struct tally {
    size_t failures, errors, skipped;
};

static struct tally count_cases(const struct result *r)
{
    struct tally n = {0};
    for (size_t i = 0; i < r->objectives.len; i++) {
        enum verdict v = r->objectives.at[i].verdict;
        n.failures += v == MISSED;
        n.skipped += v == SKIPPED;
        n.errors += v != MET && v != MISSED && v != SKIPPED;
    }
    for (size_t i = 0; i < r->checks.len; i++) {
        enum verdict v = r->checks.at[i].verdict;
        n.skipped += v == SKIPPED;
        n.errors += v != MET && v != SKIPPED;
    }
    return n;
}

int junit_write(FILE *out, const struct report_input *in, struct err *e)
{
    const struct result *r = in->result;
    scoped_text struct text t = {0}, name = {0}, stamp = {0};
    size_t count = r->checks.len + r->objectives.len;
    scoped_free int64_t *share_ms = xcalloc(count + 1, sizeof(*share_ms));
    struct cases cases = {.out = &t, .in = in, .share_ms = share_ms, .count = count};
    int64_t end = share_out(&cases);
    struct tally n = count_cases(r);
    suite_name(&name, r);
    if (r->run.started_at) {
        text_add_bytes(&stamp, r->run.started_at, strcspn(r->run.started_at, ".Z+"));
    }
    text_add(&t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text_addf(&t, "<testsuites name=\"drtest\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"", count,
              n.failures, n.errors);
    milliseconds(&t, end);
    text_add(&t, "\">\n  <testsuite");
    attribute(&t, "name", text_str(&name));
    text_addf(&t, " package=\"drtest\" id=\"0\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"",
              count, n.failures, n.errors, n.skipped);
    milliseconds(&t, end);
    text_add(&t, "\"");
    attribute(&t, "timestamp", text_str(&stamp));
    attribute(&t, "hostname", r->host.hostname);
    text_add(&t, ">\n");
    write_suite_properties(&t, in);
    write_cases(&cases);
    text_add(&t, "  </testsuite>\n</testsuites>\n");
    return report_emit(out, &t, "junit.xml", e);
}
