/* SPDX-License-Identifier: MIT */
/*
 * What an auditor asks for and no program can know: empty places for people, ruled so that they can be filled in by
 * hand. A line is opened for every objective that was missed or is undecided; the rest is the same for every drill.
 */
#include "reports/html/html.h"

static void blank(struct page *p, const char *name)
{
    text_add(p->out, "<tr>");
    text_add(p->out, "<th scope=\"row\">");
    html_escaped(p, name);
    text_add(p->out, "</th><td class=\"blank\"><span class=\"hidden\">to be filled in by hand</span></td></tr>\n");
}

static void blanks(struct page *p, const char *title, const char *const *names)
{
    html_element(p, "h3", NULL, title);
    text_add(p->out, "<table class=\"pairs record\"><tbody>\n");
    for (; *names; names++) {
        blank(p, *names);
    }
    text_add(p->out, "</tbody></table>\n");
}

static void follow_ups(struct page *p)
{
    static const char *const columns[] = {"objective", "verdict", "what was found", "action",
                                          "owner",     "due",     "retest",         NULL};
    size_t open = 0;
    for (size_t i = 0; i < p->r->objectives.len; i++) {
        open += p->r->objectives.at[i].verdict == MISSED || p->r->objectives.at[i].verdict == INCONCLUSIVE;
    }
    text_add(p->out, "<h3>Follow-up</h3>\n");
    if (open == 0) {
        text_add(p->out, "<p>Nothing to follow up: no objective was missed or left undecided.</p>\n");
        return;
    }
    html_table_begin(p, "data record", columns);
    for (size_t i = 0; i < p->r->objectives.len; i++) {
        const struct result_objective *o = &p->r->objectives.at[i];
        scoped_text struct text found = {0};
        if (o->verdict != MISSED && o->verdict != INCONCLUSIVE) {
            continue;
        }
        format_sentence(&found, o);
        text_add(p->out, "<tr>");
        html_element(p, "td", NULL, format_label(o->name));
        text_add(p->out, "<td>");
        html_badge(p->out, o->verdict);
        text_add(p->out, "</td>");
        html_element(p, "td", NULL, text_str(&found));
        text_add(p->out, "<td class=\"blank\"></td><td class=\"blank\"></td><td class=\"blank\"></td>"
                         "<td class=\"blank\"></td></tr>\n");
    }
    html_table_end(p);
}

void html_record(struct page *p)
{
    static const char *const before[] = {"Plan and impact analysis", "Function and criticality", "Environment",
                                         "Assumptions", "Approved by", "Participants", "Third parties", NULL};
    static const char *const after[] = {"Deviations from the plan", "Lessons", "Risk accepted by", "Signed off by, on",
                                        NULL};
    html_heading(p, "record", "For the record",
                 "What no program can know. Empty places are for people, on paper or in a copy.");
    text_add(p->out, "<div class=\"columns\">\n<div>");
    blanks(p, "The exercise", before);
    text_add(p->out, "</div>\n<div>");
    blanks(p, "Afterwards", after);
    text_add(p->out, "</div>\n</div>\n");
    follow_ups(p);
}
