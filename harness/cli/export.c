/* SPDX-License-Identifier: MIT */
/*
 * drtest export: the evidence of a run for tools of one's own, as comma-separated values (RFC 4180) or JSON lines.
 *
 * A record becomes one JSON object, and both forms are printed from that: the keys of the first are the columns.
 * Instants stay what they are in the files, nanoseconds of run time; indexes become names. Damaged evidence is exported
 * up to the damage, with a warning.
 */
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/stored.h"
#include "reports/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct export_flags {
    const char *output, *what, *format;
};

static const char *const what_words[] = {"samples", "patrols", "ledger", "timeline", NULL};
static const char *const format_words[] = {"csv", "jsonl", NULL};

static const struct option_row options[] = {
    {.name = "what",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct export_flags, what),
     .value = "WHAT",
     .choices = what_words,
     .fallback = "samples",
     .help = "samples (requests), patrols (requests with keys), ledger (writes) or timeline (events)"},
    {.name = "format",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct export_flags, format),
     .value = "FORM",
     .choices = format_words,
     .help = "csv or jsonl (csv; jsonl with --json)"},
    OPTION_OUTPUT(struct export_flags, "folder in which a run id and latest are looked up"),
};

static const char *const stream_words[] = {
    [STREAM_READ_FRESH] = "read-fresh", [STREAM_READ_KEEPALIVE] = "read-keepalive", [STREAM_WRITE] = "write"};
static const char *const write_words[] = {
    [WRITE_NONE] = "", [WRITE_OK] = "ok", [WRITE_FAIL] = "fail", [WRITE_UNKNOWN] = "unknown"};
static const char *const ledger_words[LEDGER_KINDS] = {
    [LEDGER_HEADER] = "header",         [LEDGER_INTENT] = "intent",     [LEDGER_RESULT] = "result",
    [LEDGER_FOUND] = "found",           [LEDGER_READ_BEGIN] = "read-begin", [LEDGER_READ_END] = "read-end",
    [LEDGER_FOREIGN] = "foreign",       [LEDGER_PAGE] = "page"};

static const char *word(const char *const *words, size_t n, size_t i)
{
    return i < n && words[i] ? words[i] : "";
}

static const char *site_name(const struct plan *p, uint16_t site)
{
    return site < p->topology->site_count ? p->topology->sites[site].name : "";
}

static const char *node_name(const struct plan *p, uint16_t node)
{
    return node < p->topology->node_count ? p->topology->nodes[node].name : "";
}

struct sheet {
    bool csv, begun;
};

static void print_cell(const json_t *v)
{
    scoped_free char *number =
        json_is_string(v) || json_is_null(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *text = number ? number : json_string_value(v);
    if (!text || !strpbrk(text, ",\"\r\n")) {
        fputs(text ? text : "", stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        fputs(*text == '"' ? "\"\"" : (char[]){*text, '\0'}, stdout);
    }
    putchar('"');
}

static void print_csv(json_t *row, bool names)
{
    const char *key, *between = "";
    json_t *v;
    json_object_foreach(row, key, v)
    {
        fputs(between, stdout);
        if (names) {
            fputs(key, stdout);
        } else {
            print_cell(v);
        }
        between = ",";
    }
    fputs("\r\n", stdout);
}

static void print_row(struct sheet *s, json_t *take_row)
{
    scoped_json json_t *row = take_row;
    if (!s->csv) {
        json_dumpf(row, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    if (!s->begun) {
        print_csv(row, true);
        s->begun = true;
    }
    print_csv(row, false);
}

static json_t *sample_row(const struct plan *p, const struct sample *s)
{
    const struct plan_stream *st = s->stream < p->stream_count ? &p->streams[s->stream] : NULL;
    return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:s,s:i,s:s,s:s,s:i,s:I,s:I,s:I,s:i,s:i}", "vantage",
                     st ? site_name(p, st->vantage) : "", "stream", st ? stream_words[st->kind] : "", "number",
                     (json_int_t)s->k, "planned_ns", (json_int_t)s->planned_ns, "sent_ns", (json_int_t)s->sent_ns,
                     "done_ns", (json_int_t)s->done_ns, "outcome", format_outcome(s->outcome), "write",
                     word(write_words, array_len(write_words), s->write), "status", s->status, "asked",
                     node_name(p, s->endpoint), "served_by", site_name(p, s->region), "attempts", s->attempts, "epoch",
                     (json_int_t)s->epoch, "version", (json_int_t)s->version, "lsn", (json_int_t)s->lsn, "code",
                     s->code, "flags", s->flags);
}

static json_t *patrol_row(const struct plan *p, const struct sample *s)
{
    const struct plan_patrol *from = s->stream < p->patrol_count ? &p->patrols[s->stream] : NULL;
    const char *key = from ? p->topology->callers[from->who].name : "";
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:i}", "vantage", from ? site_name(p, from->stream.vantage) : "",
                     "key", key ? key : "", "asked", node_name(p, s->endpoint), "number", (json_int_t)s->k,
                     "planned_ns", (json_int_t)s->planned_ns, "sent_ns", (json_int_t)s->sent_ns, "done_ns",
                     (json_int_t)s->done_ns, "outcome", format_outcome(s->outcome), "status", s->status);
}

static json_t *ledger_row(const struct plan *p, const struct ledger_record *r)
{
    char value[17];
    snprintf(value, sizeof(value), "%016" PRIx64, r->value);
    return json_pack(
        "{s:s,s:i,s:I,s:I,s:i,s:I,s:i,s:s,s:I,s:I,s:I,s:s,s:i,s:s,s:I,s:i,s:I}", "kind",
        word(ledger_words, LEDGER_KINDS, r->kind), "chain", r->chain, "number", (json_int_t)r->number, "at_ns",
        (json_int_t)r->at_ns, "client", r->client, "seq", (json_int_t)r->seq, "key", r->key, "value", value, "version",
        (json_int_t)r->version, "epoch", (json_int_t)r->epoch, "lsn", (json_int_t)r->lsn, "outcome",
        r->kind == LEDGER_RESULT ? word(write_words, array_len(write_words), r->outcome) : "", "status", r->status,
        "region", site_name(p, r->region), "read", (json_int_t)r->read, "pass", r->pass, "count", (json_int_t)r->count);
}

static json_t *event_row(const struct event *ev, bool with_data)
{
    json_t *row = json_pack("{s:I,s:s,s:I,s:I,s:I,s:s,s:s,s:I,s:s}", "seq", (json_int_t)ev->seq, "kind",
                            event_words[ev->kind], "due_ns", (json_int_t)ev->due_ns, "at_ns", (json_int_t)ev->at_ns,
                            "end_ns", (json_int_t)ev->end_ns, "subject", ev->subject ? ev->subject : "", "outcome",
                            ev->outcome ? ev->outcome : "", "code", (json_int_t)ev->code, "detail",
                            ev->detail ? ev->detail : "");
    if (with_data) {
        json_object_set(row, "data", ev->data ? ev->data : json_null());
    }
    return row;
}

static void print_ledger(struct sheet *sheet, const struct stored_run *s)
{
    scoped_ledger_scan struct ledger_scan *scan = ledger_scan_open(s->evidence);
    for (const struct ledger_record *r; (r = ledger_scan_next(scan)) != NULL;) {
        print_row(sheet, ledger_row(s->plan, r));
    }
}

static void print_all(const struct export_flags *f, const char *format, const struct stored_run *s)
{
    struct sheet sheet = {.csv = text_eq(format, "csv")};
    if (text_eq(f->what, "timeline")) {
        for (size_t i = 0; i < s->evidence->event_count; i++) {
            print_row(&sheet, event_row(&s->evidence->events[i], !sheet.csv));
        }
    } else if (text_eq(f->what, "patrols")) {
        for (size_t i = 0; i < s->evidence->patrol_count; i++) {
            print_row(&sheet, patrol_row(s->plan, &s->evidence->patrols[i]));
        }
    } else if (text_eq(f->what, "samples")) {
        for (size_t i = 0; i < s->evidence->sample_count; i++) {
            print_row(&sheet, sample_row(s->plan, &s->evidence->samples[i]));
        }
    } else if (s->evidence->has_ledger) {
        print_ledger(&sheet, s);
    }
}

static int run(struct call *c)
{
    const struct export_flags *f = c->flags;
    struct err e = {0};
    struct stored_run s = {0};
    if (stored_load(&s, f->output, c->operands.at[0], &e) < 0) {
        stored_deinit(&s);
        return say_error(&c->err, &e);
    }
    const char *damage = evidence_damage(s.evidence);
    if (damage) {
        say_warning(&c->err, "only what is whole is exported: %s", damage);
    }
    print_all(f, f->format ? f->format : c->globals.json ? "jsonl" : "csv", &s);
    stored_deinit(&s);
    return 0;
}

const struct command command_export = {
    .name = "export",
    .operands = "RUN",
    .summary = "requests, writes or events of a run as CSV or JSON lines",
    .text = "RUN is a run directory, a run id, or latest. Instants are nanoseconds of run time.",
    .exits = "0 3",
    .options = options,
    .option_count = array_len(options),
    .flags_size = sizeof(struct export_flags),
    .operands_min = 1,
    .operands_max = 1,
    .run = run};
