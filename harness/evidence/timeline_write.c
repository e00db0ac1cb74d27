/* SPDX-License-Identifier: MIT */
/*
 * One event, one line, one write(2): whatever kills us, the lines before it are whole on record.
 *
 * Keys come in the order of the format, numbers always, texts and data only where there are some. Texts are made valid
 * UTF-8 (a stray byte becomes U+FFFD) because a node's name or an error message may carry anything; refusing the event
 * would lose it. Data that jansson cannot print is left out of a line that is otherwise recorded, and reported.
 *
 * The line closes with the CRC of what stands before it, so that a reader can tell a line that was changed later.
 *
 * The sequence number is spent only on a line that was written whole.
 */
#include "harness/evidence/evidence_write.h"

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/evidence/append.h"
#include "harness/evidence/crc32c.h"

#include <inttypes.h>
#include <string.h>

struct timeline {
    struct append_file file;
    int64_t next_seq;
    struct text line;
};

int timeline_open(struct timeline **t, const char *run_path, struct err *e)
{
    struct timeline *made = xcalloc(1, sizeof(*made));
    if (append_open(&made->file, run_path, "timeline.jsonl", APPEND_CREATE, e) != 0) {
        timeline_close(made);
        return -1;
    }
    *t = made;
    return 0;
}

static void add_character(struct text *line, const char *s, size_t len)
{
    switch (*s) {
    case '"':
        text_add(line, "\\\"");
        break;
    case '\\':
        text_add(line, "\\\\");
        break;
    case '\n':
        text_add(line, "\\n");
        break;
    case '\t':
        text_add(line, "\\t");
        break;
    default:
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            text_addf(line, "\\u%04x", (unsigned)*s);
        } else {
            text_add_bytes(line, s, len);
        }
    }
}

static void add_string(struct text *line, const char *name, const char *value)
{
    if (!value) {
        return;
    }
    text_addf(line, ",\"%s\":\"", name);
    for (size_t left = strlen(value); left > 0;) {
        uint32_t codepoint;
        size_t len = utf8_decode(value, left, &codepoint);
        if (len == 0) {
            text_add(line, "\xef\xbf\xbd");
            len = 1;
        } else {
            add_character(line, value, len);
        }
        value += len;
        left -= len;
    }
    text_add(line, "\"");
}

static int add_data(struct text *line, const json_t *data, const char *at, struct err *e)
{
    if (!data) {
        return 0;
    }
    scoped_free char *printed = json_is_object(data) ? json_dumps(data, JSON_COMPACT) : NULL;
    if (!printed) {
        return err_set(e, ERR_DEFECT, at, "the data of an event is not a printable object");
    }
    text_addf(line, ",\"data\":%s", printed);
    return 0;
}

int timeline_add(struct timeline *t, const struct event *ev, int64_t *seq, struct err *e)
{
    if ((unsigned)ev->kind >= EVENT_KIND_COUNT) {
        return err_set(e, ERR_DEFECT, t->file.path, "there is no event kind %d", (int)ev->kind);
    }
    struct text *line = &t->line;
    text_clear(line);
    text_addf(line,
              "{\"seq\":%" PRId64 ",\"kind\":\"%s\",\"due_ns\":%" PRId64 ",\"at_ns\":%" PRId64 ",\"end_ns\":%" PRId64,
              t->next_seq, event_words[ev->kind], ev->due_ns, ev->at_ns, ev->end_ns);
    add_string(line, "subject", ev->subject);
    add_string(line, "outcome", ev->outcome);
    text_addf(line, ",\"code\":%" PRId64, ev->code);
    add_string(line, "detail", ev->detail);
    int bad_data = add_data(line, ev->data, t->file.path, e);
    text_addf(line, ",\"crc\":\"%08" PRIx32 "\"}\n", crc32c(line->at, line->len));
    if (append_bytes(&t->file, line->at, line->len, e) != 0) {
        return -1;
    }
    if (seq) {
        *seq = t->next_seq;
    }
    t->next_seq++;
    return bad_data;
}

void timeline_close(struct timeline *t)
{
    if (!t) {
        return;
    }
    append_close(&t->file);
    text_deinit(&t->line);
    free(t);
}
