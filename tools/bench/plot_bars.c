#include "bench/plot_bars.h"

#include <math.h>
#include <string.h>

#include "bench/svg.h"

/*   |<- MARGIN + LABELS ->|<- LENGTH ->|<- VALUES ->|   each panel   */
enum {
    MARGIN = 20,
    TOP = 70,
    LABELS = 80,
    LENGTH = 250,
    VALUES = 70,
    PANEL_WIDTH = LABELS + LENGTH + VALUES,
    BAR_HEIGHT = 14,
    STEP = 20, /* from bar to bar */
    BOTTOM = 40,
};

typedef struct {
    GString *out;
    const char *const *families;
    size_t n_families;
} Drawing;

static bool
has_bar (const ToolPlotBar *bar)
{
    return isfinite (bar->value) && bar->value > 0;
}

static void
find_range (const ToolPlotPanel *panel, double *low, double *high)
{
    *low = *high = 0;
    for (size_t i = 0; i < panel->n_bars; i++) {
        const ToolPlotBar *bar = &panel->bars[i];

        if (has_bar (bar)) {
            *low = *low > 0 ? MIN (*low, bar->value) : bar->value;
            *high = MAX (*high, bar->value);
        }
    }
}

/* Pixels of @value: of a logarithmic panel from half of the least value on. */
static double
length_of (const ToolPlotPanel *panel, double value)
{
    double low, high;

    find_range (panel, &low, &high);
    return LENGTH * (panel->is_logarithmic ? log (value / (low / 2)) / log (high / (low / 2))
                                           : value / high);
}

static size_t
colour_of (const Drawing *drawing, const char *family)
{
    size_t i = 0;

    while (i < drawing->n_families && strcmp (drawing->families[i], family) != 0) {
        i++;
    }
    return i % TOOL_SVG_COLOURS;
}

static void
put_bar (const Drawing *drawing, const ToolPlotPanel *panel, const ToolPlotBar *bar, double x,
         double y)
{
    double length = length_of (panel, bar->value);
    g_autofree char *value = g_strdup_printf (bar->value < 1000 ? "%.3g" : "%.0f", bar->value);
    g_autofree char *label = tool_svg_escape (bar->label);
    g_autofree char *family = tool_svg_escape (bar->family);

    g_string_append_printf (drawing->out,
                            "<g><title>%s, %s: %s</title>"
                            "<rect class=\"c%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                            "height=\"%d\"/></g>\n",
                            label, family, value, colour_of (drawing, bar->family), x, y,
                            length, BAR_HEIGHT);
    tool_svg_text (drawing->out, x + length + 4, y + BAR_HEIGHT - 3, "start", value);
}

static void
put_panel (const Drawing *drawing, const ToolPlotPanel *panel, double left)
{
    const char *before = "";

    tool_svg_text (drawing->out, left, TOP - 15, "start", panel->title);
    for (size_t i = 0; i < panel->n_bars; i++) {
        const ToolPlotBar *bar = &panel->bars[i];
        double y = TOP + (double)i * STEP;

        if (strcmp (bar->label, before) != 0) { /* one label for bars that follow each other */
            tool_svg_text (drawing->out, left + LABELS - 5, y + BAR_HEIGHT - 3, "end",
                           bar->label);
        }
        if (has_bar (bar)) {
            put_bar (drawing, panel, bar, left + LABELS, y);
        }
        before = bar->label;
    }
}

static void
put_legend (const Drawing *drawing, double y)
{
    double x = MARGIN;

    for (size_t i = 0; i < drawing->n_families; i++) {
        const char *name = drawing->families[i];

        g_string_append_printf (drawing->out,
                                "<rect class=\"c%zu\" x=\"%.1f\" y=\"%.1f\" width=\"10\" "
                                "height=\"10\"/>\n",
                                i % TOOL_SVG_COLOURS, x, y - 9);
        tool_svg_text (drawing->out, x + 15, y, "start", name);
        x += 35 + TOOL_SVG_LETTER * (double)strlen (name);
    }
}

char *
tool_plot_bars_new (const char *title, const ToolPlotPanel *panels, size_t n_panels,
                    const char *const *families, size_t n_families)
{
    const Drawing drawing = {
        .out = g_string_new (NULL), .families = families, .n_families = n_families};
    size_t most = 0;
    int height;

    for (size_t i = 0; i < n_panels; i++) {
        most = MAX (most, panels[i].n_bars);
    }
    height = TOP + (int)most * STEP + BOTTOM;
    tool_svg_begin (drawing.out, 2 * MARGIN + (int)n_panels * PANEL_WIDTH, height);
    tool_svg_text (drawing.out, MARGIN, 25, "start", title);
    for (size_t i = 0; i < n_panels; i++) {
        put_panel (&drawing, &panels[i], MARGIN + (double)i * PANEL_WIDTH);
    }
    put_legend (&drawing, height - 12);
    tool_svg_end (drawing.out);
    return g_string_free (drawing.out, FALSE);
}
