/* SPDX-License-Identifier: MIT */
/*
 * Shapes as text. Numbers are printed with at most two decimals and without trailing zeros, since a page holds tens of
 * thousands of them. Hatchings are patterns of the page, referred to by fragment, which needs no permission from the
 * content security policy.
 */
#include "reports/html/svg.h"

#include "reports/escape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const classes[PAINTS] = {
#define X(name, class, light) [PAINT_##name] = class,
    SVG_PAINTS(X)
#undef X
};
static const char *const colours[PAINTS] = {
#define X(name, class, light) [PAINT_##name] = light,
    SVG_PAINTS(X)
#undef X
};
static const enum svg_paint hatched[] = {PAINT_BAD, PAINT_FAULT, PAINT_WARN, PAINT_MUTED, PAINT_SKY};

const char *svg_colour(enum svg_paint paint)
{
    return colours[paint];
}

double svg_x(const struct svg_axis *axis, double t_s)
{
    double x = axis->left + (t_s - axis->from_s) / (axis->to_s - axis->from_s) * (axis->right - axis->left);
    return x < axis->left || isnan(x) ? axis->left : x > axis->right ? axis->right : x;
}

double svg_step(double span, int wanted)
{
    double raw = span / (wanted > 0 ? wanted : 1);
    if (!(raw > 0) || !isfinite(raw)) {
        return 1;
    }
    double power = pow(10, floor(log10(raw)));
    double times = raw / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

/* A coordinate, short. */
static void number(struct text *t, const char *attribute, double v)
{
    char out[40];
    (void)snprintf(out, sizeof(out), "%.2f", isfinite(v) ? v : 0);
    char *end = out + strlen(out);
    while (end[-1] == '0') {
        *--end = '\0';
    }
    if (end[-1] == '.') {
        end[-1] = '\0';
    }
    text_addf(t, " %s=\"%s\"", attribute, strcmp(out, "-0") == 0 ? "0" : out);
}

static void fill_with(struct text *t, enum svg_paint paint)
{
    text_addf(t, " class=\"f-%s\" fill=\"%s\"", classes[paint], colours[paint]);
}

static void stroke_with(struct text *t, enum svg_paint paint, double width, const char *dash)
{
    text_addf(t, " class=\"k-%s\" stroke=\"%s\"", classes[paint], colours[paint]);
    number(t, "stroke-width", width);
    if (dash) {
        text_addf(t, " stroke-dasharray=\"%s\"", dash);
    }
}

static void end_shape(struct text *t, const char *element, const char *title)
{
    if (!title) {
        text_add(t, "/>");
        return;
    }
    text_add(t, "><title>");
    escape(t, ESCAPE_HTML, title);
    text_addf(t, "</title></%s>", element);
}

void svg_open(struct text *t, const char *id, double width, double height, const char *title, const char *desc)
{
    text_addf(t, "<svg role=\"img\" aria-labelledby=\"%s-t %s-d\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" ", id, id,
              width, height, width);
    text_addf(t, "height=\"%.0f\" font-family=\"system-ui, sans-serif\"><title id=\"%s-t\">", height, id);
    escape(t, ESCAPE_HTML, title);
    text_addf(t, "</title><desc id=\"%s-d\">", id);
    escape(t, ESCAPE_HTML, desc);
    text_add(t, "</desc>\n");
}

void svg_close(struct text *t)
{
    text_add(t, "</svg>\n");
}

void svg_patterns(struct text *t)
{
    text_add(t, "<svg width=\"0\" height=\"0\" aria-hidden=\"true\" focusable=\"false\" class=\"patterns\"><defs>");
    for (size_t i = 0; i < sizeof(hatched) / sizeof(hatched[0]); i++) {
        text_addf(t,
                  "<pattern id=\"hatch-%s\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
                  "patternTransform=\"rotate(45)\"><path d=\"M1 0V6\"",
                  classes[hatched[i]]);
        stroke_with(t, hatched[i], 1.6, NULL);
        text_add(t, "/></pattern>");
    }
    text_add(t, "</defs></svg>\n");
}

void svg_rect(struct text *t, double x, double y, double w, double h, enum svg_paint fill, int opacity,
              const char *title)
{
    text_add(t, "<rect");
    number(t, "x", x);
    number(t, "y", y);
    number(t, "width", w > 0 ? w : 0);
    number(t, "height", h > 0 ? h : 0);
    fill_with(t, fill);
    if (opacity < 100) {
        number(t, "fill-opacity", opacity / 100.0);
    }
    end_shape(t, "rect", title);
}

void svg_hatch(struct text *t, double x, double y, double w, double h, enum svg_paint paint)
{
    text_add(t, "<rect");
    number(t, "x", x);
    number(t, "y", y);
    number(t, "width", w > 0 ? w : 0);
    number(t, "height", h > 0 ? h : 0);
    text_addf(t, " fill=\"url(#hatch-%s)\" pointer-events=\"none\"/>", classes[paint]);
}

void svg_line(struct text *t, double x1, double y1, double x2, double y2, enum svg_paint stroke, double width,
              const char *dash)
{
    text_add(t, "<line");
    number(t, "x1", x1);
    number(t, "y1", y1);
    number(t, "x2", x2);
    number(t, "y2", y2);
    stroke_with(t, stroke, width, dash);
    end_shape(t, "line", NULL);
}

void svg_circle(struct text *t, double x, double y, double r, enum svg_paint fill, const char *title)
{
    text_add(t, "<circle");
    number(t, "cx", x);
    number(t, "cy", y);
    number(t, "r", r);
    fill_with(t, fill);
    end_shape(t, "circle", title);
}

void svg_text(struct text *t, double x, double y, enum svg_anchor anchor, enum svg_paint paint, int size, bool bold,
              const char *s)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    text_add(t, "<text");
    number(t, "x", x);
    number(t, "y", y);
    text_addf(t, " font-size=\"%d\"%s%s", size, anchors[anchor], bold ? " font-weight=\"600\"" : "");
    fill_with(t, paint);
    text_add(t, ">");
    escape(t, ESCAPE_HTML, s);
    text_add(t, "</text>");
}

/* An outline in the colour of the paper keeps the words apart from whatever lies under them. */
void svg_note(struct text *t, double x, double y, enum svg_anchor anchor, const char *s)
{
    text_add(
        t,
        "<g class=\"k-paper\" stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\">");
    svg_text(t, x, y, anchor, PAINT_INK, 11, false, s);
    text_add(t, "</g>");
}

void svg_path(struct text *t, const char *d, enum svg_paint stroke, double width, const char *dash)
{
    text_addf(t, "<path d=\"%s\" fill=\"none\" stroke-linejoin=\"round\"", d);
    stroke_with(t, stroke, width, dash);
    text_add(t, "/>");
}

void svg_area(struct text *t, const char *d, enum svg_paint fill, int opacity, bool hatch)
{
    if (*d == '\0') {
        return;
    }
    text_addf(t, "<path d=\"%s\"", d);
    fill_with(t, fill);
    if (opacity < 100) {
        number(t, "fill-opacity", opacity / 100.0);
    }
    text_add(t, "/>");
    if (hatch) {
        text_addf(t, "<path d=\"%s\" fill=\"url(#hatch-%s)\" pointer-events=\"none\"/>", d, classes[fill]);
    }
}

double svg_text_width(const char *s, int size)
{
    size_t n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return 0.58 * size * (double)n;
}
