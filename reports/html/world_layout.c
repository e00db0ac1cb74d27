/* SPDX-License-Identifier: MIT */
/*
 * Three storeys: clients above, regions in the middle (in rows of up to six), the witness and the traffic manager
 * below. Clients stand above the region that they are near to, beside each other where they share one; with regions in
 * several rows they are spread evenly. Links between neighbours in a row are straight; one that would run through a box
 * goes below the row in a bow.
 */
#include "reports/html/world_layout.h"

#include "harness/base/arena.h"

#include <math.h>
#include <stdlib.h>

enum { MARGIN = 16, CLIENT_W = 178, CLIENT_H = 44, CLIENT_Y = 6, REGION_Y = 118, ROOMY_REGIONS = 8 };

static size_t count_kind(const struct topology *topo, enum site_kind kind)
{
    size_t n = 0;
    for (size_t s = 0; s < topo->site_count; s++) {
        n += topo->sites[s].kind == kind;
    }
    return n;
}

/* Regions in rows. Returns the y below them. */
static double place_regions(struct world_layout *l, const struct topology *topo, size_t regions)
{
    size_t a_row = regions <= 3 ? regions : regions <= ROOMY_REGIONS ? 4 : 6, at = 0;
    double w = regions <= 2 ? 226 : regions <= 3 ? 190 : regions <= ROOMY_REGIONS ? 150 : 104;
    double h = l->roomy ? 112 : 58, gap = regions <= 4 ? 84 : 22;
    a_row = a_row ? a_row : 1;
    double taken = (double)a_row * w + (double)(a_row - 1) * gap, below = REGION_Y;
    l->width = fmax(taken + 2 * MARGIN, 560);
    for (size_t s = 0; s < topo->site_count; s++) {
        if (topo->sites[s].kind == SITE_REGION) {
            size_t row = at / a_row, column = at % a_row;
            l->sites[s] = (struct world_place){(l->width - taken) / 2 + (double)column * (w + gap),
                                               REGION_Y + (double)row * (h + 44), w, h};
            below = l->sites[s].y + h;
            at++;
        }
    }
    return below;
}

static void place_clients(struct world_layout *l, const struct topology *topo, size_t clients, size_t regions)
{
    double w = fmin(CLIENT_W, (l->width - 2 * MARGIN) / (double)(clients ? clients : 1) - 8);
    size_t at = 0;
    for (size_t s = 0; s < topo->site_count; s++) {
        const struct topo_site *site = &topo->sites[s];
        if (site->kind != SITE_VANTAGE) {
            continue;
        }
        double x = (l->width - 2 * MARGIN) * ((double)at + 0.5) / (double)clients + MARGIN;
        bool own_column = regions <= 4 && clients <= regions && site->home < topo->site_count;
        for (size_t other = 0; own_column && other < topo->site_count; other++) {
            own_column = other == s || topo->sites[other].kind != SITE_VANTAGE || topo->sites[other].home != site->home;
        }
        if (own_column) {
            x = l->sites[site->home].x + l->sites[site->home].w / 2;
        }
        l->sites[s] = (struct world_place){x - w / 2, CLIENT_Y, w, CLIENT_H};
        at++;
    }
}

/* Whatever stands below: its sites side by side in the middle. Returns the y below them. */
static double place_below(struct world_layout *l, const struct topology *topo, double below)
{
    size_t n = count_kind(topo, SITE_WITNESS) + count_kind(topo, SITE_DNS), at = 0;
    const double w = 150, h = 34, gap = 40;
    for (size_t s = 0; s < topo->site_count; s++) {
        if (topo->sites[s].kind == SITE_WITNESS || topo->sites[s].kind == SITE_DNS) {
            double from = (l->width - (double)n * w - (double)(n - 1) * gap) / 2;
            l->sites[s] = (struct world_place){from + (double)at * (w + gap), below + 52, w, h};
            at++;
        }
    }
    return n ? below + 52 + h : below;
}

void world_layout_make(struct world_layout *l, const struct topology *topo)
{
    size_t regions = count_kind(topo, SITE_REGION);
    *l = (struct world_layout){.roomy = regions <= ROOMY_REGIONS,
                               .sites = xcalloc(topo->site_count + 1, sizeof(*l->sites))};
    double regions_end = place_regions(l, topo, regions), end = place_below(l, topo, regions_end);
    place_clients(l, topo, count_kind(topo, SITE_VANTAGE), regions);
    l->height = fmax(end, regions_end + (regions > 2 ? 48 : 0)) + MARGIN; /* room for bows below the regions */
}

void world_layout_deinit(struct world_layout *l)
{
    free(l->sites);
    *l = (struct world_layout){0};
}

void world_layout_link(const struct world_layout *l, const struct topology *topo, size_t link, struct text *d,
                       double *mid_x, double *mid_y)
{
    const struct world_place *a = &l->sites[topo->links[link].a], *b = &l->sites[topo->links[link].b];
    double ax = a->x + a->w / 2, bx = b->x + b->w / 2, ay = a->y + a->h, by = b->y;
    if (a->y > b->y) {
        ay = a->y;
        by = b->y + b->h;
    }
    if (a->y == b->y) { /* side by side */
        const struct world_place *left = a->x < b->x ? a : b, *right = a->x < b->x ? b : a;
        double gap = right->x - left->x - left->w;
        if (gap > a->w) {
            double depth = a->y + a->h + 30 + 0.04 * gap;
            text_addf(d, "M%.1f %.1fQ%.1f %.1f %.1f %.1f", ax, a->y + a->h, (ax + bx) / 2, depth + 30, bx, b->y + b->h);
            *mid_x = (ax + bx) / 2;
            *mid_y = (a->y + a->h + depth + 30) / 2;
            return;
        }
        ax = a->x < b->x ? a->x + a->w : a->x;
        bx = a->x < b->x ? b->x : b->x + b->w;
        ay = by = a->y + a->h / 2;
    }
    text_addf(d, "M%.1f %.1fL%.1f %.1f", ax, ay, bx, by);
    *mid_x = (ax + bx) / 2;
    *mid_y = (ay + by) / 2;
}
