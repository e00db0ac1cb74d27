/* SPDX-License-Identifier: MIT */
/*
 * Configuration drift as it was recorded: per gateway the desired and the running configuration of a moment.
 *
 * A gateway that ever differed is shown at its last difference, for at the end all of them are repaired and there would
 * be nothing left to see. Of which kind a drift was the gateways themselves say, each time that they were observed; a
 * word that is none of ours is not repeated. The patch is that of the first gateway that differed; its inverse is the
 * way back.
 */
#include "harness/measure/facts.h"

#include "harness/base/text.h"
#include "harness/measure/result_words.h"

static const char *known_kind(const char *word)
{
    const struct json_word *w = drift_kind_means;
    while (w->word && !text_eq(w->word, word))
        w++;
    return w->word;
}

static const char *status_of(const json_t *desired, const json_t *running)
{
    if (!running || json_is_null(running))
        return "missing";
    if (!desired || json_is_null(desired))
        return "unexpected";
    return json_equal((json_t *)desired, (json_t *)running) ? "in_sync" : "changed";
}

static struct result_drift_gateway *gateway_of(const struct study *s, struct result_drift *d, const char *name)
{
    for (size_t i = 0; i < d->gateways.len; i++)
        if (text_eq(d->gateways.at[i].gateway, name))
            return &d->gateways.at[i];
    struct result_drift_gateway *g = arena_push(s->arena, &d->gateways);
    *g = (struct result_drift_gateway){.gateway = arena_strdup(s->arena, name)};
    return g;
}

/* What the gateways of the section said of it. */
static void name_kinds(const struct study *s, struct result_drift *d)
{
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        const char *kind = json_string_value(json_object_get(e->data, "drift_kind"));
        if (e->kind != EVENT_OBSERVED || !e->subject || !kind)
            continue;
        for (size_t n = 0; n < d->gateways.len; n++)
            if (text_eq(d->gateways.at[n].gateway, e->subject) && known_kind(kind))
                d->gateways.at[n].kind = known_kind(kind);
    }
}

void facts_drift(const struct study *s, struct result *out)
{
    struct result_drift *d = &out->drift;
    for (size_t i = 0; i < s->ev->event_count; i++) {
        const struct event *e = &s->ev->events[i];
        if (e->kind != EVENT_DRIFT || !e->subject || !json_is_object(e->data))
            continue;
        const json_t *desired = json_object_get(e->data, "desired"), *running = json_object_get(e->data, "running");
        const char *status = status_of(desired, running);
        struct result_drift_gateway *g = gateway_of(s, d, e->subject);
        out->has_drift = true;
        if (g->status && text_eq(status, "in_sync"))
            continue;
        g->status = status;
        char print[SHA256_HEX];
        if (running && !json_is_null(running)) {
            json_fingerprint(running, print);
            g->fingerprint = arena_strdup(s->arena, print);
        }
        if (text_eq(status, "changed") && !d->patch) {
            d->patch = json_diff(desired, running);
            d->undo_patch = json_diff(running, desired);
        }
    }
    name_kinds(s, d);
}
