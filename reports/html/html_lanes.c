/* SPDX-License-Identifier: MIT */
/*
 * A lane per region, node and vantage: what state it was in, who led, who served.
 *
 * A region's lane has three strands: its state; below it a thin line while an origin of it led; and the share of good
 * answers that it gave, as an area. A vantage's lane has its state, computed per bucket from its requests (all good:
 * up, some bad: degraded, all bad: down), with a dot where its clients changed their endpoint. States differ in colour
 * and in hatching, and the legend names them.
 */
#include "reports/html/html.h"

#include "harness/base/scoped.h"
#include "harness/base/units.h"

#include <math.h>
#include <stdio.h>

enum { NODE_LANES_MAX = 40, SWITCHES_MAX = 400 };

struct look {
    enum svg_paint fill;
    int opacity;
    bool hatch;
    enum svg_paint hatching;
};

static const struct look looks[LANE_STATES] = {
    [LANE_ABSENT] = {PAINT_TRACK, 100, false, PAINT_NONE}, [LANE_STARTING] = {PAINT_SKY, 45, false, PAINT_NONE},
    [LANE_UP] = {PAINT_GOOD, 40, false, PAINT_NONE},       [LANE_DRIFTED] = {PAINT_WARN, 30, true, PAINT_FAULT},
    [LANE_DEGRADED] = {PAINT_WARN, 45, true, PAINT_WARN},  [LANE_FROZEN] = {PAINT_SKY, 35, true, PAINT_SKY},
    [LANE_DOWN] = {PAINT_BAD, 40, true, PAINT_BAD},
};

static void draw_state(struct page *p, double x, double y, double w, double h, enum lane_state state, const char *tip)
{
    const struct look *l = &looks[state];
    svg_rect(p->out, x, y, w, h, l->fill, l->opacity, tip);
    if (l->hatch) {
        svg_hatch(p->out, x, y, w, h, l->hatching);
    }
}

static void draw_spans(struct page *p, const struct lane *lane, double y, double h)
{
    for (size_t i = 0; i < lane->spans.len; i++) {
        const struct lane_span *s = &lane->spans.at[i];
        double x = svg_x(&p->axis, s->from_s), w = svg_x(&p->axis, s->to_s) - x;
        scoped_text struct text tip = {0};
        text_addf(&tip, "%s: %s from %.3f to %.3f s", lane->name, lane_state_words[s->state], s->from_s, s->to_s);
        if (s->state != LANE_ABSENT && w > 0.05) {
            draw_state(p, x, y, fmax(w, 0.8), h, s->state, text_str(&tip));
        }
    }
}

static void draw_leads(struct page *p, const struct lane *lane, double y)
{
    for (size_t i = 0; i < lane->leads.len; i++) {
        const struct lane_span *s = &lane->leads.at[i];
        double x = svg_x(&p->axis, s->from_s), w = svg_x(&p->axis, s->to_s) - x;
        scoped_text struct text tip = {0};
        text_addf(&tip, "%s led from %.3f to %.3f s", lane->name, s->from_s, s->to_s);
        svg_rect(p->out, x, y, fmax(w, 1), 4, PAINT_BLUE, 100, text_str(&tip));
    }
}

/* The share of good answers the region gave, per bucket, as a step area of height h. */
static void draw_served(struct page *p, uint16_t site, double y, double h)
{
    const struct series *s = &p->series;
    scoped_text struct text d = {0};
    double before = 0;
    for (size_t b = 0; b < s->count && site < s->sites; b++) {
        double share = s->buckets[b].good ? (double)s->served[b * s->sites + site] / s->buckets[b].good : 0;
        if (b == 0) {
            text_addf(&d, "M%.1f %.1f", svg_x(&p->axis, s->from_s), y + h);
        }
        if (share != before || b == 0) {
            text_addf(&d, "H%.1fV%.1f", svg_x(&p->axis, s->from_s + (double)b * s->width_s), y + h - share * h);
        }
        before = share;
    }
    if (d.len) {
        text_addf(&d, "H%.1fV%.1fZ", svg_x(&p->axis, s->from_s + (double)s->count * s->width_s), y + h);
        svg_area(p->out, text_str(&d), PAINT_SKY, 70, false);
    }
}

static enum lane_state vantage_state(const struct series_cell *c)
{
    return c->good + c->bad == 0 ? LANE_ABSENT : c->bad == 0 ? LANE_UP : c->good == 0 ? LANE_DOWN : LANE_DEGRADED;
}

/* One bucket per colour change; equal neighbours are merged. */
static void draw_vantage(struct page *p, uint16_t site, double y, double h)
{
    const struct series *s = &p->series;
    const char *name = p->in->plan->topology->sites[site].name;
    for (size_t b = 0, from = 0; b < s->count && site < s->sites; b++) {
        enum lane_state now = vantage_state(&s->by_vantage[b * s->sites + site]);
        bool last = b + 1 == s->count || vantage_state(&s->by_vantage[(b + 1) * s->sites + site]) != now;
        if (!last) {
            continue;
        }
        double begin = s->from_s + (double)from * s->width_s, end = s->from_s + (double)(b + 1) * s->width_s;
        double x = svg_x(&p->axis, begin);
        scoped_text struct text tip = {0};
        text_addf(&tip, "%s: %s from %.1f to %.1f s", name, lane_state_words[now], begin, end);
        if (now != LANE_ABSENT) {
            draw_state(p, x, y, svg_x(&p->axis, end) - x, h, now, text_str(&tip));
        }
        from = b + 1;
    }
}

static void draw_switches(struct page *p, uint16_t site, double y)
{
    const struct evidence *ev = p->in->evidence;
    size_t drawn = 0;
    for (size_t i = 0; i < ev->switch_count && drawn < SWITCHES_MAX; i++) {
        const struct sample *s = &ev->switches[i];
        if (s->stream != site) {
            continue;
        }
        const struct topology *topo = p->in->plan->topology;
        double at = (double)s->done_ns / (double)NS_PER_S, x = svg_x(&p->axis, at);
        scoped_text struct text tip = {0};
        text_addf(&tip, "%s went to %s at %.3f s", topo->sites[site].name, lanes_endpoint(topo, s->k), at);
        svg_circle(p->out, x, y, 3.2, PAINT_INK, text_str(&tip));
        drawn++;
    }
}

static void legend(struct page *p)
{
    text_add(p->out, "<p class=\"legend\">");
    for (int i = LANE_STARTING; i < LANE_STATES; i++) {
        text_add(p->out, "<span><svg width=\"22\" height=\"12\" viewBox=\"0 0 22 12\" aria-hidden=\"true\">");
        draw_state(p, 0, 0, 22, 12, (enum lane_state)i, NULL);
        text_addf(p->out, "</svg> %s</span> ", lane_state_words[i]);
    }
    text_add(p->out, "<span><svg width=\"22\" height=\"12\" viewBox=\"0 0 22 12\" aria-hidden=\"true\">");
    svg_rect(p->out, 0, 4, 22, 4, PAINT_BLUE, 100, NULL);
    text_add(p->out,
             "</svg>leads</span><span><svg width=\"22\" height=\"12\" viewBox=\"0 0 22 12\" aria-hidden=\"true\">");
    svg_area(p->out, "M0 12V8H7V2H22V12Z", PAINT_SKY, 70, false);
    text_add(p->out, "</svg>share of answers served</span><span><svg width=\"22\" height=\"12\" viewBox=\"0 0 22 12\" "
                     "aria-hidden=\"true\">");
    svg_circle(p->out, 11, 6, 3.2, PAINT_INK, NULL);
    text_add(p->out, "</svg>clients changed endpoint</span></p>\n");
}

static void table(struct page *p)
{
    static const char *const columns[] = {"who", "state", "#from, s", "#to, s", NULL};
    html_figure_data(p, columns, "The lanes as a table");
    for (size_t i = 0; i < p->lanes.all.len; i++) {
        const struct lane *lane = &p->lanes.all.at[i];
        for (size_t s = 0; s < lane->spans.len + lane->leads.len; s++) {
            bool leads = s >= lane->spans.len;
            const struct lane_span *span = leads ? &lane->leads.at[s - lane->spans.len] : &lane->spans.at[s];
            text_add(p->out, "<tr>");
            html_element(p, "td", NULL, lane->name);
            html_element(p, "td", NULL, leads ? "leads" : lane_state_words[span->state]);
            html_time(p, span->from_s);
            html_time(p, span->to_s);
            text_add(p->out, "</tr>\n");
        }
    }
    html_figure_end(p);
}

/* Height of the lane of a region, a node, a vantage. */
static double lane_height(const struct lane *lane)
{
    return lane->node == TOPO_NONE ? 62 : 15;
}

void html_lanes(struct page *p)
{
    const struct topology *topo = p->in->plan ? p->in->plan->topology : NULL;
    if (!topo || p->lanes.all.len == 0) {
        return;
    }
    size_t node_lanes = 0, shown = 0;
    double height = 14;
    for (size_t i = 0; i < p->lanes.all.len; i++) {
        node_lanes += p->lanes.all.at[i].node != TOPO_NONE;
    }
    bool nodes = node_lanes <= NODE_LANES_MAX;
    for (size_t i = 0; i < p->lanes.all.len; i++) {
        height += nodes || p->lanes.all.at[i].node == TOPO_NONE ? lane_height(&p->lanes.all.at[i]) : 0;
    }
    for (size_t s = 0; s < topo->site_count; s++) {
        height += topo->sites[s].kind == SITE_VANTAGE ? 34 : 0;
    }
    html_heading(p, "lanes", "Regions, nodes and clients", NULL);
    html_figure_begin(p, "States over time", &p->axis);
    svg_open(
        p->out, "lanes-chart", CHART_WIDTH, height + 30, "States over time",
        "One lane per region, node and client vantage: up, degraded, down, frozen or drifted; who led and who served.");
    chart_axis(p, 0, height);
    chart_faults(p, 0, height);
    double y = 0;
    for (size_t i = 0; i < p->lanes.all.len; i++) {
        const struct lane *lane = &p->lanes.all.at[i];
        if (lane->node == TOPO_NONE) {
            y += 10;
            chart_label(p, y + 14, lane->name, html_role(&topo->sites[lane->site]));
            draw_spans(p, lane, y, 18);
            draw_leads(p, lane, y + 20);
            draw_served(p, lane->site, y + 26, 16);
        } else if (nodes) {
            chart_label(p, y + 9, lane->name, NULL);
            draw_spans(p, lane, y, 10);
            shown++;
        } else {
            continue;
        }
        text_add(p->out, "\n");
        y += lane_height(lane) - (lane->node == TOPO_NONE ? 10 : 0);
    }
    y += 12;
    for (size_t s = 0; s < topo->site_count; s++) {
        if (topo->sites[s].kind == SITE_VANTAGE) {
            chart_label(p, y + 14, topo->sites[s].name, "clients");
            draw_vantage(p, (uint16_t)s, y, 18);
            draw_switches(p, (uint16_t)s, y + 9);
            y += 34;
        }
    }
    svg_close(p->out);
    html_figure_chart_end(p);
    legend(p);
    table(p);
    if (!nodes) {
        html_rows_cut(p, shown, node_lanes, "node lanes", "timeline.jsonl");
    }
}
