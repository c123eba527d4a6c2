/* A plot of bars as SVG: panels side by side, each with an axis of its own. Readable on a light
 * and on a dark ground. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef struct {
    const char *label;  /* left of the bar */
    const char *family; /* bars of one family have one colour; the legend names it */
    double value;       /* what is not positive, or no number, has no bar */
} ToolPlotBar;

typedef struct {
    const char *title;
    bool is_logarithmic; /* the shortest bar is not 0 */
    const ToolPlotBar *bars;
    size_t n_bars;
} ToolPlotPanel;

/* Texts may hold any bytes. @families  their names, for the legend.
 * Returns (transfer full): a whole XML document in UTF-8. */
char *tool_plot_bars_new (const char *title, const ToolPlotPanel *panels, size_t n_panels,
                          const char *const *families, size_t n_families);
