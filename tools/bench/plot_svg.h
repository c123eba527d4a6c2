/* A plot of marks as SVG: two fields side by side, both axes logarithmic. Readable on a light
 * and on a dark ground. Pure.
 */
#pragma once

#include <stddef.h>

#include <glib.h>

typedef struct {
    const char *label;  /* beside the mark */
    const char *family; /* marks of one family have one colour */
    const char *group;  /* marks of one group have one shape */
    double x[2];        /* in each of the fields; what is not positive is left out */
    double y;
} ToolPlotMark;

typedef struct {
    const char *title;
    const char *x_titles[2]; /* of the fields */
    const char *y_title;
    const ToolPlotMark *marks;
    size_t n_marks;
} ToolPlot;

/* Texts may hold any bytes. Returns (transfer full): a whole XML document in UTF-8. */
char *tool_plot_svg_new (const ToolPlot *plot);
