/* SPDX-License-Identifier: MIT */
/*
 * The picture of the topology: what its drawing (html_world.c) and its data for the slider (world_data.c) share.
 * Keys of elements: r<site> a region, c<site> clients, n<node> a node, l<link> a link, f<clients>-<region> a flow.
 */
#pragma once
#include "reports/html/html.h"
#include "reports/html/world_layout.h"
#include "reports/world.h"

enum { MOMENTS_MAX = 4 };

struct moment {
    double at_s;
    struct text title;
};

struct picture {
    struct page *p;
    const struct topology *topo;
    struct world world;
    struct world_layout layout;
    struct moment moments[MOMENTS_MAX];
    size_t moment_count;
};

struct picture_stroke {
    const char *class, *colour, *dash;
    double width;
};
extern const struct picture_stroke picture_strokes[LINK_STATES];

void picture_data(const struct picture *k); /* <script type="application/json" id="world-data"> */
