/* SPDX-License-Identifier: MIT */
/*
 * Every measured value under its name in result.json, promised or not; what was not measured is left out and counted.
 */
#include "reports/html/html.h"

#include "harness/base/scoped.h"

#include <math.h>
#include <string.h>

struct measured {
    const char *name;
    double value;
};

static const char *unit_of(const char *name)
{
    static const char *const units[] = {"ratio", "count", "ms", "s"};
    const char *last = strrchr(name, '_');
    for (size_t i = 0; last && i < array_len(units); i++) {
        if (text_eq(units[i], last + 1)) {
            return units[i];
        }
    }
    return "count";
}

void html_measures(struct page *p)
{
    static const char *const columns[] = {"measure", "#value", NULL};
    const struct result_measures *m = &p->r->measures;
    const struct measured all[] = {
#define X(name, doc) {#name, m->name},
#define I(name, doc) {#name, m->name == JSON_NONE ? (double)NAN : (double)m->name},
        RESULT_MEASURES(X, I, X)
#undef X
#undef I
    };
    size_t unknown = 0;
    html_heading(p, "measures", "Everything that was measured", NULL);
    text_add(p->out, "<details><summary>All measures</summary>\n");
    html_table_begin(p, "data measures", columns);
    for (size_t i = 0; i < array_len(all); i++) {
        scoped_text struct text value = {0};
        if (!isfinite(all[i].value)) {
            unknown++;
            continue;
        }
        format_value(&value, all[i].value, unit_of(all[i].name));
        text_addf(p->out, "<tr><td><code>%s</code></td><td class=\"n\">", all[i].name);
        html_escaped(p, text_str(&value));
        text_add(p->out, "</td></tr>\n");
    }
    html_table_end(p);
    text_addf(p->out, "</details>\n<p class=\"note\">%zu more measures did not apply to this run.</p>\n", unknown);
}
