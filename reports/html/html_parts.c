/* SPDX-License-Identifier: MIT */
/*
 * The small parts that sections are made of. Whatever is foreign goes through html_escaped.
 */
#include "reports/html/html.h"

#include "harness/base/scoped.h"

#include <math.h>

void html_escaped(struct page *p, const char *s)
{
    escape(p->out, ESCAPE_HTML, s);
}

void html_element(struct page *p, const char *element, const char *class, const char *s)
{
    text_addf(p->out, class ? "<%s class=\"%s\">" : "<%s>", element, class);
    html_escaped(p, s);
    text_addf(p->out, "</%s>", element);
}

void html_heading(struct page *p, const char *id, const char *title, const char *lead)
{
    text_addf(p->out, "<h2 id=\"%s\">", id);
    html_escaped(p, title);
    text_add(p->out, "</h2>\n");
    text_addf(&p->contents, "<li><a href=\"#%s\">%c%s</a></li>\n", id, id[0] - 'a' + 'A', id + 1);
    if (lead) {
        html_element(p, "p", "lead", lead);
        text_add(p->out, "\n");
    }
}

void html_time(struct page *p, double t_s)
{
    text_addf(p->out, isfinite(t_s) ? "<td class=\"n\">%.3f</td>" : "<td class=\"n\">–</td>", t_s);
}

void html_number(struct page *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_add(p->out, "<td class=\"n\">");
    text_vaddf(p->out, fmt, ap);
    text_add(p->out, "</td>");
    va_end(ap);
}

void html_rows_cut(struct page *p, size_t shown, size_t all, const char *what, const char *file)
{
    if (all > shown) {
        text_addf(p->out,
                  "<p class=\"cut\">Cut here: the first %zu of %zu %s are shown. <code>%s</code> has them all.</p>\n",
                  shown, all, what, file);
    }
}

void html_data(struct page *p, const char *id, const json_t *doc)
{
    scoped_free char *dumped = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (dumped) {
        text_addf(p->out, "<script type=\"application/json\" id=\"%s\">", id);
        escape(p->out, ESCAPE_JSON_SCRIPT, dumped);
        text_add(p->out, "</script>\n");
    }
}

const char *html_role(const struct topo_site *site)
{
    return site->role == REGION_PRIMARY ? "primary" : site->role == REGION_STANDBY ? "standby" : "active";
}

void html_table_begin(struct page *p, const char *class, const char *const *columns)
{
    text_addf(p->out, "<div class=\"scroll\" tabindex=\"0\"><table class=\"%s\"><thead><tr>", class);
    for (; *columns; columns++) {
        bool number = **columns == '#'; /* right-aligned, like its cells */
        html_element(p, "th", number ? "n" : NULL, *columns + number);
    }
    text_add(p->out, "</tr></thead><tbody>\n");
}

void html_table_end(struct page *p)
{
    text_add(p->out, "</tbody></table></div>\n");
}

void html_figure_begin(struct page *p, const char *label, const struct svg_axis *axis)
{
    text_add(p->out, "<figure><div class=\"scroll chart\" tabindex=\"0\" role=\"group\" aria-label=\"");
    html_escaped(p, label);
    text_addf(p->out, "\" data-axis=\"%.4f %.4f %g %g %d\">\n", axis->from_s, axis->to_s, axis->left, axis->right,
              CHART_WIDTH);
}

void html_figure_chart_end(struct page *p)
{
    text_add(p->out, "</div>\n");
}

void html_figure_data(struct page *p, const char *const *columns, const char *what)
{
    text_add(p->out, "<details><summary>");
    html_escaped(p, what);
    text_add(p->out, "</summary>\n");
    html_table_begin(p, "data", columns);
}

void html_figure_end(struct page *p)
{
    html_table_end(p);
    text_add(p->out, "</details></figure>\n");
}
