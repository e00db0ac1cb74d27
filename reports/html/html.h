/* SPDX-License-Identifier: MIT */
/*
 * Inside report.html: what its sections share. A section is a function that adds its part to page->out; html_page.c
 * has the table of sections and is the only one that knows their order. Everything derived from the evidence is made
 * once (series, lanes, axis) and only read by sections.
 */
#pragma once
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "reports/escape.h"
#include "reports/format.h"
#include "reports/html/marks.h"
#include "reports/lanes.h"
#include "reports/report.h"
#include "reports/series.h"

enum { CHART_WIDTH = 1080, CHART_LEFT = 148, CHART_RIGHT = 1064 };

struct page {
    struct text *out;
    const struct report_input *in;
    const struct result *r;
    struct series series;
    struct lanes lanes;
    struct svg_axis axis; /* shared by all charts of the whole run */
    double end_s;
    struct text contents; /* list items: the headings so far */
    const struct pool_run *mine; /* this run, as histories know it */
    struct arena arena;
};

/* Parts that every section uses (html_parts.c). Names of elements and classes are ours and not escaped. */
void html_escaped(struct page *p, const char *s);
void html_element(struct page *p, const char *element, const char *class, const char *s); /* class may be NULL */
void html_heading(struct page *p, const char *id, const char *title, const char *lead);   /* h2; lead may be NULL */
void html_time(struct page *p, double t_s);        /* a right-aligned cell: 22.004, or a dash */
void html_number(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void html_rows_cut(struct page *p, size_t shown, size_t all, const char *what, const char *file);

void html_data(struct page *p, const char *id, const json_t *doc); /* for scripts; nothing for NULL */
const char *html_role(const struct topo_site *site); /* of a region */
void html_evidence(struct page *p, const struct result_evidence *found); /* a link to it */
/* The fault that the RTO was charged to, else the first that began; NULL without any. */
const struct result_fault *html_charged_fault(const struct result *r);
const char *html_event_label(const char *name); /* "first_failure" gives "first failure" */

/* A figure: scrollable SVG, then a caption, then its numbers behind <details>. */
void html_figure_begin(struct page *p, const char *label, const struct svg_axis *axis);
void html_figure_chart_end(struct page *p); /* after the SVG; a legend may follow */
void html_figure_data(struct page *p, const char *const *columns, const char *what); /* opens the table */
void html_figure_end(struct page *p);
void html_table_begin(struct page *p, const char *class, const char *const *columns); /* NULL-terminated */
void html_table_end(struct page *p);

/* Parts that every chart of the run uses (html_axis.c). */
void chart_faults(struct page *p, double top, double height); /* shaded windows of the faults */
void chart_axis(struct page *p, double top, double bottom);   /* vertical grid and the times below */
void chart_values(struct page *p, double y, double height, double top, const char *unit); /* horizontal grid, 0..top */
double chart_top(double largest); /* a round value at or above the largest one */
/* A bar of one bucket of the page's series, appended to a path; y is its lower edge. */
void chart_bar(const struct page *p, struct text *d, size_t bucket, double y, double h);
void chart_label(struct page *p, double y, const char *name, const char *sub); /* in the left margin, cut to fit */

/* The sections, in the order of the page. */
void html_verdict_section(struct page *p);
void html_cards(struct page *p);
void html_recovery(struct page *p);
void html_steps(struct page *p);
void html_world(struct page *p);
void html_timeline(struct page *p);
void html_lanes(struct page *p);
void html_traffic(struct page *p);
void html_latency(struct page *p);
void html_dense(struct page *p); /* the data of the two charts above, for scripts */
void html_writes(struct page *p);
void html_drift(struct page *p);
void html_events(struct page *p);
void html_errors(struct page *p);
void html_scenario(struct page *p);
void html_environment(struct page *p);
void html_quality(struct page *p);
void html_history(struct page *p);
void html_load(struct page *p);
void html_measures(struct page *p);
void html_reproduce(struct page *p);
void html_record(struct page *p);
