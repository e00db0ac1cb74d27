/* SPDX-License-Identifier: MIT */
/*
 * A verdict is never told by colour alone: the badge has a sign and the word, the icon its own shape.
 */
#include "reports/html/marks.h"

#include "reports/escape.h"
#include "reports/format.h"

#include <string.h>

enum svg_paint html_verdict_paint(enum verdict v)
{
    return v == MET ? PAINT_GOOD : v == MISSED ? PAINT_BAD : v == SKIPPED ? PAINT_MUTED : PAINT_WARN;
}

void html_badge(struct text *t, enum verdict v)
{
    const char *word = format_verdict(v);
    text_addf(t, "<span class=\"badge v-%s\"><span aria-hidden=\"true\">%s</span> %s</span>", word,
              format_icon(v, true), word);
}

void html_icon(struct text *t, enum verdict v)
{
    static const char *const marks[] = {
        [INCONCLUSIVE] = "M18.5 18.5c0-7 11-7 11 0 0 4.5-5.5 4.5-5.5 9M24 34v.5",
        [MET] = "M14.5 25l6.5 6.5 13-14",
        [MISSED] = "M16.5 16.5l15 15M31.5 16.5l-15 15",
        [SKIPPED] = "M15 24h18",
    };
    enum verdict known = (unsigned)v <= SKIPPED ? v : INCONCLUSIVE;
    text_add(t, "<svg class=\"icon\" viewBox=\"0 0 48 48\" width=\"56\" height=\"56\" aria-hidden=\"true\">");
    svg_circle(t, 24, 24, 22, html_verdict_paint(known), NULL);
    svg_path(t, marks[known], PAINT_PAPER, 4.5, NULL);
    text_add(t, "</svg>");
}

void html_date(struct text *t, const char *rfc3339)
{
    size_t day = rfc3339 ? strcspn(rfc3339, "T") : 0, second = rfc3339 ? strcspn(rfc3339, ".Z") : 0;
    if (!rfc3339 || !rfc3339[day] || second < day) {
        escape(t, ESCAPE_HTML, rfc3339);
        return;
    }
    text_add(t, "<time data-age=\"\" datetime=\"");
    escape(t, ESCAPE_HTML, rfc3339);
    text_add(t, "\">");
    escape_bytes(t, ESCAPE_HTML, rfc3339, day);
    text_add(t, " ");
    escape_bytes(t, ESCAPE_HTML, rfc3339 + day + 1, second - day - 1);
    text_add(t, " UTC</time>");
}
