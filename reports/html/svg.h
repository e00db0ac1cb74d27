/* SPDX-License-Identifier: MIT */
/*
 * SVG by hand: shapes with presentation attributes, so that they show without a stylesheet, and a class each, so that
 * the stylesheet can give them the colours of dark mode.
 *
 * Every paint is a row of one list: its class ("f-good" fills, "k-good" strokes) and its light colour. Charts of a page
 * share one time axis. Coordinates are user units; one unit is about one CSS pixel on a desktop.
 */
#pragma once
#include "harness/base/text.h"

/* Okabe and Ito's palette for what must be told apart; greys for the rest. */
#define SVG_PAINTS(X)                                                                                                 \
    X(GOOD, "good", "#009e73")                                                                                        \
    X(BAD, "bad", "#d55e00")                                                                                          \
    X(WARN, "warn", "#e69f00")                                                                                        \
    X(FAULT, "fault", "#cc79a7")                                                                                      \
    X(BLUE, "blue", "#0072b2")                                                                                        \
    X(SKY, "sky", "#56b4e9")                                                                                          \
    X(YELLOW, "yellow", "#f0e442")                                                                                    \
    X(INK, "ink", "#1c2126")                                                                                          \
    X(MUTED, "muted", "#5b6570")                                                                                      \
    X(GRID, "grid", "#dde2e7")                                                                                        \
    X(TRACK, "track", "#eef1f4")                                                                                      \
    X(PAPER, "paper", "#ffffff")                                                                                      \
    X(NONE, "none", "none")

enum svg_paint {
#define X(name, class, light) PAINT_##name,
    SVG_PAINTS(X)
#undef X
        PAINTS
};

const char *svg_colour(enum svg_paint paint); /* the light one, for attributes */

enum svg_anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

/* Seconds of run time onto user units. */
struct svg_axis {
    double from_s, to_s, left, right;
};
double svg_x(const struct svg_axis *axis, double t_s); /* clamped to left..right */
double svg_step(double span, int wanted);               /* a round distance for about `wanted` ticks */

void svg_open(struct text *t, const char *id, double width, double height, const char *title, const char *desc);
void svg_close(struct text *t);
void svg_patterns(struct text *t); /* once per page: the hatchings, in an SVG without extent */

/* title becomes a tooltip; NULL for none. Opacity in per cent. */
void svg_rect(struct text *t, double x, double y, double w, double h, enum svg_paint fill, int opacity,
              const char *title);
void svg_hatch(struct text *t, double x, double y, double w, double h, enum svg_paint paint);
void svg_line(struct text *t, double x1, double y1, double x2, double y2, enum svg_paint stroke, double width,
              const char *dash);
void svg_circle(struct text *t, double x, double y, double r, enum svg_paint fill, const char *title);
void svg_text(struct text *t, double x, double y, enum svg_anchor anchor, enum svg_paint paint, int size, bool bold,
              const char *s);
void svg_note(struct text *t, double x, double y, enum svg_anchor anchor, const char *s); /* readable on anything */
/* d is made by the caller from numbers only. */
void svg_path(struct text *t, const char *d, enum svg_paint stroke, double width, const char *dash);
void svg_area(struct text *t, const char *d, enum svg_paint fill, int opacity, bool hatch);
double svg_text_width(const char *s, int size); /* an estimate, on the wide side */
