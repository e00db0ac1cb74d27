/* SPDX-License-Identifier: MIT */
/*
 * Line by line. The first line must be a header of our format, or this is no timeline of ours: an error. After that
 * a line that is no event, or whose seq is not its place, ends the reading and is named as damage. A last line
 * without line break was being written when the conductor died: it is left out and no damage.
 *
 * Keys that we do not know are ignored, as the format promises.
 */
#include "harness/evidence/timeline_read.h"

#include "harness/base/err.h"
#include "harness/base/json.h"
#include "harness/base/scoped.h"
#include "harness/base/text.h"
#include "harness/base/vec.h"

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

/* Another format says so; a header that says nothing is of the first one. */
static bool is_header(const struct event *ev)
{
    const json_t *format = json_object_get(ev->data, "format");
    return ev->kind == EVENT_HEADER && ev->seq == 0 && (!format || json_integer_value(format) == EVENT_FORMAT);
}

/* One line into *event; data outlives the line in the holder. */
static bool read_line(struct evidence *ev, const char *at, size_t len, struct event *event)
{
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
        if (!sound || event.seq != (int64_t)events.len) {
            ev->timeline_damage = arena_printf(&ev->arena, "line %zu: %s", events.len + 1,
                                               sound ? "its seq is not its place" : "this is not an event");
            break;
        }
        *vec_push(&events) = event;
    }
    if (events.len == 0) {
        return err_set(e, ERR_READING, path, "the first line is not the header of a timeline of format %d",
                       EVENT_FORMAT);
    }
    ev->event_count = events.len;
    ev->events = arena_array(&ev->arena, struct event, events.len);
    memcpy(ev->events, events.at, events.len * sizeof(events.at[0]));
    return 0;
}
