/* SPDX-License-Identifier: MIT */
/*
 * drtest explain TOPIC: what a key of a file, a verb, a target, a measure, a word of a result or an error code means.
 * Every topic has one source, the table that reads or writes it: keys, verbs, targets and the codes of files are
 * explained by the spec room, keys and words of results, history and suites by the tables that write them, settings by
 * the tables of options, other codes by say.c.
 *
 * A topic that is the whole way to something wins, and every source that knows it speaks. If none does, the topic may
 * be the end of a way (overdue_after, failover.probe_every): then all ways with that end are explained.
 */
#include "harness/spec/explain.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/history_line.h"
#include "harness/cli/settings.h"
#include "harness/cli/suite_json.h"
#include "harness/measure/result_shape.h"
#include "injectors/injector.h"

#include <stdio.h>
#include <string.h>

static const struct json_doc *const docs[] = {&result_doc, &history_doc, &suite_doc};

static bool explain_code(struct text *out, const char *topic)
{
    const char *text = text_starts(topic, "DR") && strspn(topic + 2, "0123456789") == 4 && !topic[6]
                           ? say_code_text((int)strtol(topic + 2, NULL, 10))
                           : NULL;
    if (text) {
        text_addf(out, "%s: %s\n", topic, text);
    }
    return text != NULL;
}

/* What one source says stands apart from what the one before said. */
static void add_apart(struct text *out, const struct text *said)
{
    text_addf(out, "%s%s", out->len && said->len ? "\n" : "", text_str(said));
}

/* The topic as the whole way to something; e says what is wrong if no source knows it. */
static bool explain_whole(struct text *out, const char *topic, struct err *e)
{
    size_t n = 0, before = out->len;
    const struct action_type *const *types = injector_types(&n);
    scoped_text struct text code = {0}, file = {0}, setting = {0};
    explain_code(&code, topic);
    add_apart(out, &code);
    if (!code.len && spec_explain(&file, topic, types, n, e) == 0) {
        add_apart(out, &file);
    }
    settings_explain(&setting, topic);
    add_apart(out, &setting);
    for (size_t i = 0; i < array_len(docs); i++) {
        scoped_text struct text said = {0};
        json_doc_explain(&said, docs[i], topic);
        add_apart(out, &said);
    }
    json_doc_word(out, docs, array_len(docs), topic);
    return out->len > before;
}

/* All that can be asked for. */
struct index {
    struct arena *arena;
    vec_of(const char *) topics;
};

static void add_topic(void *arg, const char *topic)
{
    struct index *x = arg;
    *vec_push(&x->topics) = arena_strdup(x->arena, topic);
}

static void make_index(struct index *x)
{
    size_t n = 0;
    const struct action_type *const *types = injector_types(&n);
    spec_topics(types, n, add_topic, x);
    settings_topics(add_topic, x);
    for (size_t i = 0; i < array_len(docs); i++) {
        json_doc_topics(docs[i], add_topic, x);
        json_doc_words(docs[i], add_topic, x);
    }
}

static bool is_end_of(const char *topic, const char *whole)
{
    size_t n = strlen(topic), m = strlen(whole);
    return m > n && whole[m - n - 1] == '.' && text_eq(whole + m - n, topic);
}

static bool explain_end(struct text *out, const char *topic, const struct index *x)
{
    size_t before = out->len;
    for (size_t i = 0; i < x->topics.len; i++) {
        if (is_end_of(topic, x->topics.at[i])) {
            explain_whole(out, x->topics.at[i], NULL);
        }
    }
    return out->len > before;
}

/* A whole way may be meant, or the last name of one. */
static const char *nearest(const char *topic, struct index *x)
{
    const char *near = text_nearest(topic, x->topics.at, x->topics.len);
    for (size_t i = 0, n = x->topics.len; !near && i < n; i++) {
        const char *last = strrchr(x->topics.at[i], '.');
        if (last) {
            add_topic(x, last + 1);
        }
    }
    return near ? near : text_nearest(topic, x->topics.at, x->topics.len);
}

static int unknown(struct call *c, const char *topic, struct index *x, struct err *e)
{
    const char *near = nearest(topic, x);
    struct err plain = {0};
    if (near) {
        err_set(&plain, ERR_USAGE, topic, "nothing is known about `%.60s`", topic);
        err_help(&plain, "use `drtest explain %s`", near);
        return say_error(&c->err, &plain);
    }
    err_help(e,
             "ask for a key such as targets.rto, a verb such as kill, a measure such as rto_upper_s, a check such as "
             "fault_proof, or a code such as DR0103");
    return say_error(&c->err, e);
}

static int explain_from_index(struct text *out, struct call *c, const char *topic, struct err *e)
{
    struct index x = {.arena = &c->arena};
    make_index(&x);
    int code = explain_end(out, topic, &x) ? 0 : unknown(c, topic, &x, e);
    vec_deinit(&x.topics);
    return code;
}

static int run(struct call *c)
{
    const char *topic = c->operands.at[0];
    struct err e = {0};
    scoped_text struct text out = {0};
    int code = explain_whole(&out, topic, &e) ? 0 : explain_from_index(&out, c, topic, &e);
    if (code == 0 && c->globals.json) {
        scoped_json json_t *doc = json_pack("{s:s,s:s}", "topic", topic, "text", text_str(&out));
        scoped_free char *text = json_dumps(doc, JSON_COMPACT);
        puts(text ? text : "{}");
    } else {
        fputs(text_str(&out), stdout);
    }
    return code;
}

const struct command command_explain = {
    .name = "explain",
    .operands = "TOPIC",
    .summary = "a key (timeline.partition), a target (rto), a measure or a code (DR0103)",
    .text = "Also a check (fault_proof), a flag (coarse) or any key of result.json (quality.max_slip_ms) or of the "
            "settings (settings.repeat). The end of a key is enough (overdue_after).",
    .exits = "0 2",
    .operands_min = 1,
    .operands_max = 1,
    .run = run};
