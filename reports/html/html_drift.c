/* SPDX-License-Identifier: MIT */
/*
 * Configuration drift: which gateway ran something else than it was to, and where the two differ.
 *
 * The difference is told from the two patches of the result: the way from desired to running has what ran, the way back
 * has what was desired, and both name the same places. The patches themselves follow, for programs, behind a fold.
 */
#include "reports/html/html.h"

#include "harness/base/scoped.h"

#include <string.h>

enum { PATCH_MAX = 64 * 1024, DIFFERENCES_MAX = 500 };

static void gateways(struct page *p, const struct result_drift *d)
{
    static const char *const columns[] = {"gateway", "configuration", "kind of drift", "fingerprint of what ran", NULL};
    html_table_begin(p, "data", columns);
    for (size_t i = 0; i < d->gateways.len; i++) {
        const char *status = d->gateways.at[i].status, *kind = d->gateways.at[i].kind;
        text_add(p->out, "<tr>");
        html_element(p, "td", NULL, d->gateways.at[i].gateway);
        html_element(p, "td", text_eq(status, "in_sync") ? "good" : "bad",
                     text_eq(status, "in_sync") ? "in sync" : status);
        html_element(p, "td", kind ? NULL : "note", kind ? kind : text_eq(status, "in_sync") ? "none" : "never told");
        html_element(p, "td", "mono", d->gateways.at[i].fingerprint);
        text_add(p->out, "</tr>\n");
    }
    html_table_end(p);
}

static const char *member(const json_t *op, const char *key)
{
    const char *s = json_string_value(json_object_get(op, key));
    return s ? s : "";
}

/* The value that a patch puts at this place; NULL where it puts none. */
static const json_t *value_at(const json_t *patch, const char *path)
{
    size_t i;
    const json_t *op;
    json_array_foreach (patch, i, op) {
        if (text_eq(member(op, "path"), path)) {
            return json_object_get(op, "value");
        }
    }
    return NULL;
}

static void value_cell(struct page *p, const json_t *value, const char *class)
{
    scoped_free char *dumped = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    html_element(p, "td", dumped ? class : "note", dumped ? dumped : "nothing");
}

static void differences(struct page *p, const struct result_drift *d)
{
    static const char *const columns[] = {"place", "desired", "what ran", NULL};
    size_t i, told = 0;
    const json_t *op;
    if (json_array_size(d->patch) == 0) {
        return;
    }
    text_add(p->out, "<h3>What had drifted</h3>\n");
    html_table_begin(p, "data diff", columns);
    json_array_foreach (d->patch, i, op) {
        if (told++ < DIFFERENCES_MAX) {
            text_add(p->out, "<tr>");
            html_element(p, "td", "mono", member(op, "path"));
            value_cell(p, value_at(d->undo_patch, member(op, "path")), "mono desired");
            value_cell(p, json_object_get(op, "value"), "mono actual");
            text_add(p->out, "</tr>\n");
        }
    }
    html_table_end(p);
    html_rows_cut(p, told < DIFFERENCES_MAX ? told : DIFFERENCES_MAX, told, "differences", "result.json");
}

static void patch(struct page *p, const char *title, const json_t *doc)
{
    scoped_free char *dumped = doc ? json_dumps(doc, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    if (!dumped) {
        return;
    }
    size_t len = strlen(dumped);
    html_element(p, "p", NULL, title);
    text_add(p->out, "<pre class=\"scroll\" tabindex=\"0\">");
    escape_bytes(p->out, ESCAPE_HTML, dumped, len < PATCH_MAX ? len : PATCH_MAX);
    text_add(p->out, "</pre>\n");
    if (len > PATCH_MAX) {
        text_add(p->out, "<p class=\"cut\">Cut here after 64 KiB; <code>result.json</code> has it all.</p>\n");
    }
}

void html_drift(struct page *p)
{
    const struct result_drift *d = &p->r->drift;
    if (!p->r->has_drift) {
        return;
    }
    html_heading(p, "drift", "Configuration drift", "Running configuration against the desired one.");
    gateways(p, d);
    differences(p, d);
    if (d->patch || d->undo_patch) {
        text_add(p->out, "<details><summary>The same as patches (RFC 6902)</summary>\n");
        patch(p, "From desired to running", d->patch);
        patch(p, "The way back", d->undo_patch);
        text_add(p->out, "</details>\n");
    }
}
