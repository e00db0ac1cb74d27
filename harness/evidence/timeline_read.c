/* SPDX-License-Identifier: MIT */
/*
 * Line by line. The first line must be a header of our format, or this is no timeline of ours: an error. After that
 * a line whose CRC does not hold, that is no event, whose seq is not its place, or that stands behind the end, ends the
 * reading and is named as damage. A last line without line break was being written when the conductor died: it is left
 * out and no damage.
 *
 * Keys that we do not know are ignored, as the format promises.
 */
#include "harness/evidence/timeline_read.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"
#include "harness/evidence/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TIMELINE ((size_t)256 << 20)

struct json_holder {
    json_t **at;
    size_t len, cap;
};

void json_holder_free(struct json_holder *h)
{
    if (!h) {
        return;
    }
    for (size_t i = 0; i < h->len; i++) {
        json_decref(h->at[i]);
    }
    vec_deinit(h);
    free(h);
}

static bool take_int(const json_t *line, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(line, name);
    *out = json_integer_value(value);
    return json_is_integer(value);
}

static const char *take_text(struct arena *a, const json_t *line, const char *name)
{
    return arena_strdup(a, json_string_value(json_object_get(line, name)));
}

static bool take_kind(const json_t *line, enum event_kind *kind)
{
    const char *word = json_string_value(json_object_get(line, "kind"));
    for (unsigned k = 0; word && k < EVENT_KIND_COUNT; k++) {
        if (text_eq(word, event_words[k])) {
            *kind = (enum event_kind)k;
            return true;
        }
    }
    return false;
}

/* Fill *out from one line; the event borrows its data from line. */
static bool to_event(struct arena *a, const json_t *line, struct event *out)
{
    *out = (struct event){0};
    bool whole = take_kind(line, &out->kind) && take_int(line, "seq", &out->seq) &&
                 take_int(line, "due_ns", &out->due_ns) && take_int(line, "at_ns", &out->at_ns) &&
                 take_int(line, "end_ns", &out->end_ns) && take_int(line, "code", &out->code);
    if (!whole) {
        return false;
    }
    out->subject = take_text(a, line, "subject");
    out->outcome = take_text(a, line, "outcome");
    out->detail = take_text(a, line, "detail");
    json_t *data = json_object_get(line, "data");
    out->data = json_is_object(data) ? data : NULL;
    return true;
}

/* Another format says so; a header that says nothing (of a self-test, say) is of ours. */
static bool is_header(const struct event *ev)
{
    const json_t *format = json_object_get(ev->data, "format");
    return ev->kind == EVENT_HEADER && ev->seq == 0 && (!format || json_integer_value(format) == EVENT_FORMAT);
}

/* Whether the line ends with the CRC of what stands before it. */
static bool crc_holds(const char *at, size_t len)
{
    static const char shape[] = ",\"crc\":\"00000000\"}";
    const size_t tail = sizeof(shape) - 1;
    if (len <= tail) {
        return false;
    }
    char wanted[sizeof(shape)];
    (void)snprintf(wanted, sizeof(wanted), ",\"crc\":\"%08" PRIx32 "\"}", crc32c(at, len - tail));
    return memcmp(at + len - tail, wanted, tail) == 0;
}

/* The format that a first line names which is not ours; 0: it names none. */
static json_int_t other_format(const char *at, size_t len)
{
    scoped_json json_t *line = json_loadb(at, len, JSON_REJECT_DUPLICATES, NULL);
    json_int_t format = json_integer_value(json_object_get(json_object_get(line, "data"), "format"));
    return format == EVENT_FORMAT ? 0 : format;
}

/* One line into *event; data outlives the line in the holder. */
static bool read_line(struct evidence *ev, const char *at, size_t len, struct event *event)
{
    if (!crc_holds(at, len)) {
        return false;
    }
    scoped_json json_t *line = json_loadb(at, len, JSON_REJECT_DUPLICATES, NULL);
    if (!to_event(&ev->arena, line, event)) {
        return false;
    }
    if (event->data) {
        *vec_push(ev->json) = json_incref(event->data);
    }
    return true;
}

struct events {
    struct event *at;
    size_t len, cap;
};

static void free_events(struct events *events)
{
    vec_deinit(events);
}

/* Why this event (NULL: the line is none) cannot stand here; NULL: it can. */
static const char *misplaced(const struct events *before, const struct event *event)
{
    if (!event) {
        return "this is not an event, or not as it was written";
    }
    if (before->len > 0 && before->at[before->len - 1].kind == EVENT_END) {
        return "it stands behind the end";
    }
    return event->seq == (int64_t)before->len ? NULL : "its seq is not its place";
}

static int refuse(const struct text *file, const char *path, struct err *e)
{
    json_int_t other = other_format(text_str(file), strcspn(text_str(file), "\n"));
    if (other) {
        err_set(e, ERR_READING, path, "this is a timeline of format %lld, not %d", (long long)other, EVENT_FORMAT);
        return err_help(e, "use the version of drtest that made the run");
    }
    return err_set(e, ERR_READING, path, "the first line is not the header of a timeline of format %d, or damaged",
                   EVENT_FORMAT);
}

int timeline_read(struct evidence *ev, struct err *e)
{
    const char *path = arena_printf(&ev->arena, "%s/timeline.jsonl", ev->path);
    scoped_text struct text file = {0};
    if (text_read_file(&file, path, MAX_TIMELINE, e) != 0) {
        return -1;
    }
    ev->json = xcalloc(1, sizeof(*ev->json));
    __attribute__((cleanup(free_events))) struct events events = {0};
    const char *at = text_str(&file), *end_of_file = at + file.len, *end;
    for (; (end = memchr(at, '\n', (size_t)(end_of_file - at))); at = end + 1) {
        struct event event;
        bool sound = read_line(ev, at, (size_t)(end - at), &event);
        if (events.len == 0 && (!sound || !is_header(&event))) {
            break;
        }
        const char *wrong = misplaced(&events, sound ? &event : NULL);
        if (wrong) {
            ev->timeline_damage = arena_printf(&ev->arena, "line %zu: %s", events.len + 1, wrong);
            break;
        }
        *vec_push(&events) = event;
    }
    if (events.len == 0) {
        return refuse(&file, path, e);
    }
    ev->event_count = events.len;
    ev->events = arena_array(&ev->arena, struct event, events.len);
    memcpy(ev->events, events.at, events.len * sizeof(events.at[0]));
    return 0;
}
