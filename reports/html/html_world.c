/* SPDX-License-Identifier: MIT */
/*
 * The topology as a picture: each region with its nodes, each link, and who answered whose requests, at one moment.
 *
 * Without scripts it is drawn at the moments that tell the story (before, while the fault was in force, when service
 * was back, at the end). With scripts one larger picture follows a slider along the whole run; it is a copy of the
 * first one, whose elements carry the keys (data-e) under which an element of data says what state they were in, and
 * since when.
 */
#include "reports/html/picture.h"
#include "reports/story.h"

#include "harness/base/units.h"

#include <math.h>

/* How states look, for nodes and regions: paint and glyph. The glyph tells them apart without colour. */
static const struct {
    enum svg_paint paint;
    const char *glyph;
} looks[LANE_STATES] = {
    [LANE_ABSENT] = {PAINT_TRACK, ""},   [LANE_STARTING] = {PAINT_SKY, "…"}, [LANE_UP] = {PAINT_GOOD, ""},
    [LANE_DRIFTED] = {PAINT_FAULT, "≠"}, [LANE_DEGRADED] = {PAINT_WARN, "!"}, [LANE_FROZEN] = {PAINT_SKY, "‖"},
    [LANE_DOWN] = {PAINT_BAD, "×"},
};

const struct picture_stroke picture_strokes[LINK_STATES] = {
    [LINK_WELL] = {"well", "#9aa5b0", NULL, 1.4},
    [LINK_IMPAIRED] = {"impaired", "#e69f00", "7 4", 2.6},
    [LINK_ONE_WAY] = {"oneway", "#d55e00", "10 3 2 3", 2.6},
    [LINK_CUT] = {"cut", "#d55e00", "2 5", 2.6},
};

static const struct lane *lane_of(const struct picture *k, uint16_t site, uint16_t node)
{
    for (size_t i = 0; i < k->p->lanes.all.len; i++) {
        const struct lane *lane = &k->p->lanes.all.at[i];
        if (lane->node == node && (node != TOPO_NONE || lane->site == site)) {
            return lane;
        }
    }
    return NULL;
}

static enum lane_state lane_at(const struct lane *lane, double at_s)
{
    for (size_t i = lane ? lane->spans.len : 0; i > 0; i--) {
        if (lane->spans.at[i - 1].from_s <= at_s) {
            return lane->spans.at[i - 1].state;
        }
    }
    return LANE_ABSENT;
}

static bool leads_at(const struct lane *lane, double at_s)
{
    for (size_t i = 0; lane && i < lane->leads.len; i++) {
        if (lane->leads.at[i].from_s <= at_s && at_s < lane->leads.at[i].to_s) {
            return true;
        }
    }
    return false;
}

static bool draws_link(const struct picture *k, size_t link)
{
    return k->layout.roomy || k->world.links[link].hit;
}

/* Words stand at links between regions; at others only where there are so few that none would touch another. */
static bool has_words(const struct picture *k, size_t link)
{
    bool inner = k->topo->sites[k->topo->links[link].a].kind == SITE_REGION &&
                 k->topo->sites[k->topo->links[link].b].kind == SITE_REGION;
    return inner || k->world.link_count <= 8;
}

static void link_label(const struct picture *k, size_t link, struct text *t)
{
    int64_t delay = k->topo->links[link].baseline.delay_ns;
    const struct topo_site *a = &k->topo->sites[k->topo->links[link].a], *b = &k->topo->sites[k->topo->links[link].b];
    if (delay > 0 && a->kind == SITE_REGION && b->kind == SITE_REGION) {
        text_addf(t, "%g ms", (double)delay / (double)NS_PER_MS);
    }
}

static void draw_link(const struct picture *k, size_t link, double at_s)
{
    struct text *out = k->p->out;
    scoped_text struct text d = {0}, label = {0};
    double x = 0, y = 0;
    enum link_state state = world_link_at(&k->world, link, at_s);
    world_layout_link(&k->layout, k->topo, link, &d, &x, &y);
    link_label(k, link, &label);
    text_addf(
        out, "<path class=\"w-link w-%s\" data-e=\"l%zu\" d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%g\"",
        picture_strokes[state].class, link, text_str(&d), picture_strokes[state].colour, picture_strokes[state].width);
    text_addf(out, picture_strokes[state].dash ? " stroke-dasharray=\"%s\"/>\n" : "/>\n", picture_strokes[state].dash);
    if (!has_words(k, link)) {
        return;
    }
    text_addf(out,
              "<text class=\"w-word\" data-e=\"l%zu\" data-well=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" "
              "font-size=\"13\" fill=\"#5b6570\">%s</text>\n",
              link, text_str(&label), x, y - 7, state == LINK_WELL ? text_str(&label) : link_state_words[state]);
}

static void draw_flow(const struct picture *k, uint16_t vantage, uint16_t region, double at_s)
{
    const struct world_place *a = &k->layout.sites[vantage], *b = &k->layout.sites[region];
    double share = world_share(&k->world, world_bucket(&k->world, at_s), vantage, region);
    share = isfinite(share) ? share : 0;
    text_addf(k->p->out,
              "<path class=\"w-flow\" data-e=\"f%u-%u\" d=\"M%.1f %.1fL%.1f %.1f\" fill=\"none\" stroke=\"#0072b2\" "
              "stroke-linecap=\"round\" stroke-width=\"%.1f\"%s/>",
              vantage, region, a->x + a->w / 2, a->y + a->h, b->x + b->w / 2, b->y, 1 + 6 * share,
              share > 0 ? "" : " visibility=\"hidden\"");
}

static void centred(const struct picture *k, double x, double y, int size, bool bold, const char *s)
{
    svg_text(k->p->out, x, y, ANCHOR_MIDDLE, bold ? PAINT_INK : PAINT_MUTED, size, bold, s);
}

static void draw_client(const struct picture *k, uint16_t site, double at_s)
{
    const struct world_place *at = &k->layout.sites[site];
    double good = world_good(&k->world, world_bucket(&k->world, at_s), site), x = at->x + at->w / 2;
    enum lane_state state = !isfinite(good) ? LANE_ABSENT : good >= 1 ? LANE_UP : good > 0 ? LANE_DEGRADED : LANE_DOWN;
    scoped_text struct text word = {0};
    if (isfinite(good)) {
        text_addf(&word, "%.0f %% good", floor(good * 100));
    } else {
        text_add(&word, "no requests");
    }
    text_addf(k->p->out,
              "<rect class=\"w-box w-%s\" data-e=\"c%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
              "rx=\"%.1f\" fill=\"#fff\" stroke-width=\"2\" stroke=\"%s\"/>",
              lane_state_words[state], site, at->x, at->y, at->w, at->h, at->h / 2, svg_colour(looks[state].paint));
    centred(k, x, at->y + 19, 14, true, k->topo->sites[site].name);
    text_addf(k->p->out,
              "<text class=\"w-word\" data-e=\"c%u\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"13\" "
              "fill=\"#5b6570\">%s</text>\n",
              site, x, at->y + 35, text_str(&word));
}

/* A gateway is round, a store square; the store that leads has a ring. */
static void draw_node(const struct picture *k, uint16_t node, double x, double y, double at_s)
{
    const struct lane *lane = lane_of(k, 0, node);
    enum lane_state state = lane_at(lane, at_s);
    bool round = k->topo->nodes[node].role == NODE_GATEWAY;
    struct text *out = k->p->out;
    text_addf(out, "<g class=\"w-node w-%s%s\" data-e=\"n%u\" fill=\"%s\" stroke=\"%s\" stroke-width=\"%s\"><title>",
              lane_state_words[state], leads_at(lane, at_s) ? " w-leads" : "", node, svg_colour(looks[state].paint),
              leads_at(lane, at_s) ? "#0072b2" : "none", leads_at(lane, at_s) ? "3.5" : "0");
    html_escaped(k->p, k->topo->nodes[node].name);
    text_add(out, "</title>");
    if (round) {
        text_addf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"11\"/>", x, y);
    } else {
        text_addf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"22\" height=\"22\" rx=\"4\"/>", x - 11, y - 11);
    }
    text_addf(out,
              "<text class=\"w-glyph\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"17\" "
              "font-weight=\"700\" stroke=\"none\" fill=\"#fff\">%s</text></g>\n",
              x, y + 6, looks[state].glyph);
}

static void draw_nodes(const struct picture *k, uint16_t site, double at_s)
{
    const struct world_place *at = &k->layout.sites[site];
    const struct topo_site *s = &k->topo->sites[site];
    double step = fmin(32, (at->w - 28) / (double)(s->node_count ? s->node_count : 1));
    for (uint16_t i = 0; i < s->node_count; i++) {
        double x = at->x + at->w / 2 + ((double)i - ((double)s->node_count - 1) / 2) * step;
        draw_node(k, (uint16_t)(s->first_node + i), x, at->y + 86, at_s);
    }
}

static void draw_region(const struct picture *k, uint16_t site, double at_s)
{
    const struct world_place *at = &k->layout.sites[site];
    const struct topo_site *s = &k->topo->sites[site];
    enum lane_state state = lane_at(lane_of(k, site, TOPO_NONE), at_s);
    double x = at->x + at->w / 2;
    scoped_text struct text name = {0};
    text_addf(&name, "%s", s->name);
    text_addf(k->p->out,
              "<rect class=\"w-box w-%s\" data-e=\"r%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
              "rx=\"10\" fill=\"#fff\" stroke-width=\"2.5\" stroke=\"%s\"/>",
              lane_state_words[state], site, at->x, at->y, at->w, at->h, svg_colour(looks[state].paint));
    centred(k, x, at->y + 25, k->layout.roomy ? 16 : 13, true, text_str(&name));
    text_addf(k->p->out,
              "<text class=\"w-word\" data-e=\"r%u\" data-prefix=\"%s, \" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" "
              "font-size=\"13\" fill=\"#5b6570\">%s, %s</text>\n",
              site, html_role(s), x, at->y + 45, html_role(s), lane_state_words[state]);
    if (k->layout.roomy) {
        draw_nodes(k, site, at_s);
    }
}

/* The witness and the traffic manager: one node each, so the box is the node. */
static void draw_below(const struct picture *k, uint16_t site, double at_s)
{
    const struct world_place *at = &k->layout.sites[site];
    uint16_t node = k->topo->sites[site].first_node;
    enum lane_state state = lane_at(lane_of(k, site, node), at_s);
    text_addf(k->p->out,
              "<rect class=\"w-box w-%s\" data-e=\"n%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"8\" "
              "fill=\"#fff\" stroke-width=\"2\" stroke=\"%s\"/>",
              lane_state_words[state], node, at->x, at->y, at->w, at->h, svg_colour(looks[state].paint));
    centred(k, at->x + at->w / 2, at->y + 22, 14, true,
            k->topo->sites[site].kind == SITE_DNS ? "traffic manager" : k->topo->sites[site].name);
}

static void draw(const struct picture *k, const struct moment *m, const char *id)
{
    static void (*const by_kind[])(const struct picture *k, uint16_t site, double at_s) = {[SITE_REGION] = draw_region,
                                                                                           [SITE_VANTAGE] = draw_client,
                                                                                           [SITE_WITNESS] = draw_below,
                                                                                           [SITE_DNS] = draw_below};
    scoped_text struct text desc = {0};
    text_addf(&desc, "State of regions, nodes and links %.1f s into the run; the table below says the same in words.",
              m->at_s);
    svg_open(k->p->out, id, k->layout.width, k->layout.height, text_str(&m->title), text_str(&desc));
    for (size_t l = 0; l < k->world.link_count; l++) {
        if (draws_link(k, l)) {
            draw_link(k, l, m->at_s);
        }
    }
    for (size_t v = 0; k->world.served && v < k->topo->site_count; v++) {
        for (size_t r = 0; k->topo->sites[v].kind == SITE_VANTAGE && r < k->topo->site_count; r++) {
            if (k->topo->sites[r].kind == SITE_REGION) {
                draw_flow(k, (uint16_t)v, (uint16_t)r, m->at_s);
            }
        }
    }
    text_add(k->p->out, "\n");
    for (size_t s = 0; s < k->topo->site_count; s++) {
        by_kind[k->topo->sites[s].kind](k, (uint16_t)s, m->at_s);
    }
    svg_close(k->p->out);
}

static struct text *add_moment(struct picture *k, double at_s)
{
    struct moment *m = &k->moments[k->moment_count];
    if (!isfinite(at_s) || at_s < 0 || k->moment_count == MOMENTS_MAX ||
        (k->moment_count && at_s <= k->moments[k->moment_count - 1].at_s)) {
        return NULL;
    }
    *m = (struct moment){.at_s = fmin(at_s, k->p->end_s)};
    k->moment_count++;
    return &m->title;
}

static double event_time(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->events.len; i++) {
        if (text_eq(r->events.at[i].name, name)) {
            return r->events.at[i].t_s;
        }
    }
    return (double)NAN;
}

/* When requests are still sent: the last moment with clients in it. */
static double last_traffic(const struct picture *k)
{
    for (size_t b = k->world.buckets; b > 0; b--) {
        for (size_t s = 0; s < k->world.sites; s++) {
            if (k->world.asked[(b - 1) * k->world.sites + s].intended > 0) {
                return ((double)b - 1.5) * k->world.width_s;
            }
        }
    }
    return (double)NAN;
}

static void choose_moments(struct picture *k)
{
    const struct result *r = k->p->r;
    const struct result_fault *f = html_charged_fault(r);
    double step = k->world.width_s, last = last_traffic(k);
    struct text *title;
    if (f) {
        double back = event_time(r, "recovered"), until = isfinite(back) && back > f->t_ie_s ? back : f->t_he_s;
        if ((title = add_moment(k, f->t_ib_s - step))) {
            text_add(title, "Before");
        }
        if ((title = add_moment(k, f->t_ie_s + (isfinite(until) ? (until - f->t_ie_s) / 2 : step)))) {
            story_fault(title, f);
        }
        if (isfinite(back) && (title = add_moment(k, back + step))) {
            text_add(title, back > f->t_hb_s ? "Service back, after the heal" : "Service back, fault still in force");
        } else if (!isfinite(back) && (title = add_moment(k, f->t_he_s + step))) {
            text_add(title, "Healed");
        }
    }
    if ((title = add_moment(k, last))) {
        text_add(title, f ? "At the end" : "In the end, as always");
    }
}


static void legend(struct page *p)
{
    text_add(p->out, "<p class=\"legend\">");
    for (int i = LANE_STARTING; i < LANE_STATES; i++) {
        text_addf(p->out,
                  "<span><svg class=\"w-node w-%s\" width=\"18\" height=\"18\" viewBox=\"0 0 18 18\" "
                  "aria-hidden=\"true\" fill=\"%s\"><circle cx=\"9\" cy=\"9\" r=\"8.5\"/><text class=\"w-glyph\" "
                  "x=\"9\" y=\"14\" text-anchor=\"middle\" font-size=\"14\" font-weight=\"700\" fill=\"#fff\">%s</text>"
                  "</svg> %s</span> ",
                  lane_state_words[i], svg_colour(looks[i].paint), looks[i].glyph, lane_state_words[i]);
    }
    for (int i = LINK_IMPAIRED; i < LINK_STATES; i++) {
        text_addf(p->out,
                  "<span><svg width=\"30\" height=\"8\" viewBox=\"0 0 30 8\" aria-hidden=\"true\">"
                  "<path class=\"w-link w-%s\" d=\"M0 4H30\" fill=\"none\" stroke=\"%s\" stroke-width=\"%g\" "
                  "stroke-dasharray=\"%s\"/></svg> link %s</span> ",
                  picture_strokes[i].class, picture_strokes[i].colour, picture_strokes[i].width,
                  picture_strokes[i].dash, link_state_words[i]);
    }
    text_add(p->out, "<span>round: gateway, square: store, ringed: the store that leads</span><span><svg width=\"26\" "
                     "height=\"8\" viewBox=\"0 0 26 8\" aria-hidden=\"true\">");
    svg_line(p->out, 1, 4, 25, 4, PAINT_BLUE, 6, NULL);
    text_add(p->out, "</svg>good answers, by share of what the clients asked</span></p>\n");
}

static void table(const struct picture *k)
{
    static const char *const columns[] = {"link", "state", "#from, s", "#to, s", NULL};
    struct page *p = k->p;
    html_figure_data(p, columns, "Links as a table; nodes are in the table of lanes below");
    for (size_t l = 0; l < k->world.link_count; l++) {
        const struct link_lane *lane = &k->world.links[l];
        for (size_t s = 0; s < lane->spans.len; s++) {
            text_add(p->out, "<tr><td>");
            html_escaped(p, k->topo->sites[k->topo->links[l].a].name);
            text_add(p->out, " – ");
            html_escaped(p, k->topo->sites[k->topo->links[l].b].name);
            text_add(p->out, "</td>");
            html_element(p, "td", NULL, link_state_words[lane->spans.at[s].state]);
            html_time(p, lane->spans.at[s].from_s);
            html_time(p, lane->spans.at[s].to_s);
            text_add(p->out, "</tr>\n");
        }
    }
    html_figure_end(p);
}

static void tiles(const struct picture *k)
{
    struct page *p = k->p;
    text_add(p->out, "<div class=\"moments\">\n");
    for (size_t i = 0; i < k->moment_count; i++) {
        const struct moment *m = &k->moments[i];
        scoped_text struct text id = {0};
        text_addf(&id, "world-%zu", i);
        text_addf(p->out, "<div class=\"moment\"><p><b>");
        html_escaped(p, text_str(&m->title));
        text_addf(p->out, "</b> <span>%.1f s</span></p>\n", m->at_s);
        draw(k, m, text_str(&id));
        text_add(p->out, "</div>\n");
    }
    text_add(p->out, "</div>\n");
}

void html_world(struct page *p)
{
    struct picture k = {.p = p, .topo = p->in->plan ? p->in->plan->topology : NULL};
    if (!k.topo || p->lanes.all.len == 0) {
        return;
    }
    world_make(&k.world, p->in, p->end_s);
    world_layout_make(&k.layout, k.topo);
    if (k.world.buckets > 0) {
        choose_moments(&k);
    }
    if (k.moment_count > 0) {
        html_heading(p, "topology", "The world at a glance",
                     "Who was up, which links carried, and who answered whose requests.");
        text_add(p->out, "<figure id=\"world-figure\">\n");
        tiles(&k);
        legend(p);
        table(&k);
        picture_data(&k);
    }
    for (size_t i = 0; i < k.moment_count; i++) {
        text_deinit(&k.moments[i].title);
    }
    world_layout_deinit(&k.layout);
    world_deinit(&k.world);
}
