/* SPDX-License-Identifier: MIT */
/*
 * Where sites and links stand in the picture of the topology. Pure arithmetic over the plan's topology; called by
 * html_world.c, owns the places it returns.
 */
#pragma once
#include "harness/base/text.h"
#include "harness/spec/topology.h"

struct world_place {
    double x, y, w, h;
};

struct world_layout {
    double width, height;
    bool roomy;                /* there is room for nodes, and for every link */
    struct world_place *sites; /* by site */
};

void world_layout_make(struct world_layout *l, const struct topology *topo);
void world_layout_deinit(struct world_layout *l);
/* The path of a link from its site a to its site b, and the middle of it. */
void world_layout_link(const struct world_layout *l, const struct topology *topo, size_t link, struct text *d,
                       double *mid_x, double *mid_y);
