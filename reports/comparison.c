/* SPDX-License-Identifier: MIT */
/*
 * The run beside an earlier one, in one line. What got worse comes first, then what got better, then what cannot be
 * told apart: overlapping intervals are no change, however far their middles lie from each other.
 */
#include "reports/format.h"

#include <math.h>

/* "RTO worse by 0.300 to 0.500 s" of all that moved this way. */
static void moved(struct text *t, const struct result_comparison *c, const char *way)
{
    bool worse = text_eq(way, "worse"); /* in result.json positive is worse */
    for (size_t i = 0; i < c->objectives.len; i++) {
        const struct result_change *o = &c->objectives.at[i];
        if (text_eq(o->change, way)) {
            text_addf(t, "%s%s %s by ", t->len ? ", " : "", format_label(o->name), way);
            format_interval(t, worse ? o->shift_lower : -o->shift_upper, worse ? o->shift_upper : -o->shift_lower,
                            o->unit);
        }
    }
}

/* The names of the others. */
static void unmoved(struct text *t, const struct result_comparison *c, const char *change, const char *said)
{
    const char *before = said;
    for (size_t i = 0; i < c->objectives.len; i++) {
        if (text_eq(c->objectives.at[i].change, change)) {
            text_addf(t, "%s%s%s", before == said && t->len ? "; " : "", before,
                      format_label(c->objectives.at[i].name));
            before = ", ";
        }
    }
}

void format_comparison(struct text *t, const struct result_comparison *c)
{
    scoped_text struct text said = {0};
    text_addf(t, "%s %s: ",
              text_eq(c->with, "baseline") ? "against the baseline" : "against the last run of this configuration,",
              c->run_id ? c->run_id : "unnamed");
    if (c->left_out) {
        text_addf(&said, "not compared, %s", c->left_out);
    } else {
        moved(&said, c, "worse");
        moved(&said, c, "better");
        unmoved(&said, c, "none_shown", "no change that can be told in ");
        unmoved(&said, c, "not_compared", "not decided in both: ");
    }
    text_add(t, said.len ? text_str(&said) : "no objective in common");
    for (size_t i = 0; i < c->differs.len; i++) {
        text_addf(t, "%s%s", i ? ", " : " (other ", c->differs.at[i]);
    }
    text_add(t, c->differs.len ? ")" : "");
}
