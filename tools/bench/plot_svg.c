#include "bench/plot_svg.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "bench/svg.h"

/*   |<- LEFT ->|<- FIELD_WIDTH ->|<- GAP ->|<- FIELD_WIDTH ->|<- RIGHT ->|   */
enum {
    LEFT = 60,
    TOP = 50,
    FIELD_WIDTH = 390,
    FIELD_HEIGHT = 330,
    GAP = 50,
    RIGHT = 20,
    BOTTOM = 90,
    WIDTH = LEFT + 2 * FIELD_WIDTH + GAP + RIGHT,
    HEIGHT = TOP + FIELD_HEIGHT + BOTTOM,
    LINE_HEIGHT = 11,
    N_SHAPES = 4,
};

/* From @low to @high, on @length pixels. */
typedef struct {
    double low, high;
    double begin, length; /* negative: upwards */
} Axis;

typedef struct {
    double left, top, right, bottom;
} Box;

typedef struct {
    GString *out;
    const ToolPlot *plot;
    GPtrArray *families, *groups; /* names in the order in which they come */
    GArray *boxes;                /* of Box: where marks and labels of a field are */
} Drawing;

/* ---- axes ---- */

/* An axis around what is positive of @values, with some room. */
static Axis
make_axis (const double *values, size_t n, double begin, double length)
{
    Axis axis = {.low = 0, .high = 0, .begin = begin, .length = length};

    for (size_t i = 0; i < n; i++) {
        if (values[i] > 0) {
            axis.low = axis.low > 0 ? MIN (axis.low, values[i]) : values[i];
            axis.high = MAX (axis.high, values[i]);
        }
    }
    if (axis.high <= 0) {
        axis.low = axis.high = 1;
    }
    axis.low /= 1.3;
    axis.high *= 1.3;
    return axis;
}

static double
place (const Axis *axis, double value)
{
    return axis->begin + axis->length * log (value / axis->low) / log (axis->high / axis->low);
}

/* The next of 1, 2, 5, 10, 20, 50 ... from @tick on, exclusive. */
static double
next_tick (double tick)
{
    double decade = pow (10, floor (log10 (tick) + 1e-9)), digit = tick / decade;

    return digit < 1.5 ? 2 * decade : digit < 3 ? 5 * decade : 10 * decade;
}

static double
first_tick (const Axis *axis)
{
    double tick = pow (10, floor (log10 (axis->low)));

    while (tick < axis->low) {
        tick = next_tick (tick);
    }
    return tick;
}

static void
put_line (Drawing *drawing, double x1, double y1, double x2, double y2)
{
    g_string_append_printf (drawing->out,
                            "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
                            "y2=\"%.1f\"/>\n",
                            x1, y1, x2, y2);
}

static void
put_grid (Drawing *drawing, const Axis *x, const Axis *y)
{
    double right = x->begin + x->length, top = y->begin + y->length;
    char text[32];

    for (double tick = first_tick (x); tick <= x->high; tick = next_tick (tick)) {
        put_line (drawing, place (x, tick), y->begin, place (x, tick), top);
        g_snprintf (text, sizeof text, "%g", tick);
        tool_svg_text (drawing->out, place (x, tick), y->begin + 15, "middle", text);
    }
    for (double tick = first_tick (y); tick <= y->high; tick = next_tick (tick)) {
        put_line (drawing, x->begin, place (y, tick), right, place (y, tick));
        g_snprintf (text, sizeof text, "%g", tick);
        tool_svg_text (drawing->out, x->begin - 5, place (y, tick) + 4, "end", text);
    }
    g_string_append_printf (drawing->out,
                            "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                            "height=\"%.1f\"/>\n",
                            x->begin, top, x->length, -y->length);
}

/* ---- marks ---- */

/* The number of @name among @names, which it joins if it is new. */
static guint
number_of (GPtrArray *names, const char *name)
{
    guint i = 0;

    while (i < names->len && strcmp (g_ptr_array_index (names, i), name) != 0) {
        i++;
    }
    if (i == names->len) {
        g_ptr_array_add (names, (char *)name);
    }
    return i;
}

static void
put_shape (Drawing *drawing, guint shape, guint colour, double x, double y)
{
    static const char *const paths[N_SHAPES] = {
        "M-4,0 a4,4 0 1,0 8,0 a4,4 0 1,0 -8,0 Z",
        "M-4,-4 H4 V4 H-4 Z",
        "M0,-5 L5,4 H-5 Z",
        "M0,-5.5 L5.5,0 L0,5.5 L-5.5,0 Z",
    };

    g_string_append_printf (
        drawing->out, "<path class=\"c%u\" transform=\"translate(%.1f,%.1f)\" d=\"%s\"/>\n",
        colour % TOOL_SVG_COLOURS, x, y, paths[shape % N_SHAPES]);
}

static bool
is_free (const Drawing *drawing, const Box *box)
{
    for (guint i = 0; i < drawing->boxes->len; i++) {
        const Box *other = &g_array_index (drawing->boxes, Box, i);

        if (box->left < other->right && other->left < box->right && box->top < other->bottom &&
            other->top < box->bottom) {
            return false;
        }
    }
    return true;
}

/* Writes the label where it meets no other one: right of the mark, left of it, and so on, each
 * time a line further away. Where all is taken it is left out: the mark has it as its title. */
static void
put_label (Drawing *drawing, const Axis *field, const char *label, double x, double y)
{
    double width = TOOL_SVG_LETTER * (double)strlen (label);

    for (int i = 0; i < 14; i++) {
        bool is_right = i % 2 == 0;
        double down = (i / 2 % 2 ? -1 : 1) * (i / 2 + 1) / 2 * LINE_HEIGHT;
        double left = is_right ? x + 7 : x - 7 - width;
        Box box = {left, y + down - LINE_HEIGHT / 2.0, left + width,
                   y + down + LINE_HEIGHT / 2.0};

        if (left >= field->begin && left + width <= field->begin + field->length &&
            is_free (drawing, &box)) {
            tool_svg_text (drawing->out, is_right ? x + 7 : x - 7, y + down + 4,
                           is_right ? "start" : "end", label);
            g_array_append_val (drawing->boxes, box);
            return;
        }
    }
}

static void
put_marks (Drawing *drawing, size_t field, const Axis *x, const Axis *y)
{
    const ToolPlot *plot = drawing->plot;

    g_array_set_size (drawing->boxes, 0);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < plot->n_marks; i++) {
            const ToolPlotMark *mark = &plot->marks[i];
            double at_x, at_y;

            if (!(mark->x[field] > 0 && mark->y > 0)) {
                continue;
            }
            at_x = place (x, mark->x[field]);
            at_y = place (y, mark->y);
            if (pass == 0) { /* all marks, which no label may hide */
                Box box = {at_x - 5, at_y - 5, at_x + 5, at_y + 5};
                g_autofree char *title = tool_svg_escape (mark->label),
                                *group = tool_svg_escape (mark->group);

                g_string_append_printf (drawing->out, "<g><title>%s, %s: %.4g, %.4g</title>\n",
                                        title, group, mark->x[field], mark->y);
                put_shape (drawing, number_of (drawing->groups, mark->group),
                           number_of (drawing->families, mark->family), at_x, at_y);
                g_string_append (drawing->out, "</g>\n");
                g_array_append_val (drawing->boxes, box);
            } else {
                put_label (drawing, x, mark->label, at_x, at_y);
            }
        }
    }
}

static void
put_field (Drawing *drawing, size_t field)
{
    const ToolPlot *plot = drawing->plot;
    g_autofree double *xs = g_new0 (double, plot->n_marks + 1);
    g_autofree double *ys = g_new0 (double, plot->n_marks + 1);
    double left = LEFT + (double)field * (FIELD_WIDTH + GAP);
    Axis x, y;

    for (size_t i = 0; i < plot->n_marks; i++) {
        xs[i] = plot->marks[i].x[field];
        ys[i] = plot->marks[i].y;
    }
    x = make_axis (xs, plot->n_marks, left, FIELD_WIDTH);
    y = make_axis (ys, plot->n_marks, TOP + FIELD_HEIGHT, -FIELD_HEIGHT);
    put_grid (drawing, &x, &y);
    tool_svg_text (drawing->out, left + FIELD_WIDTH / 2.0, TOP + FIELD_HEIGHT + 35, "middle",
                   plot->x_titles[field]);
    put_marks (drawing, field, &x, &y);
}

/* ---- the whole ---- */

static void
put_legend (Drawing *drawing)
{
    double x = LEFT, y = HEIGHT - 25;

    for (guint i = 0; i < drawing->families->len; i++) {
        const char *name = g_ptr_array_index (drawing->families, i);

        put_shape (drawing, 0, i, x, y - 4);
        tool_svg_text (drawing->out, x + 10, y, "start", name);
        x += 30 + TOOL_SVG_LETTER * (double)strlen (name);
    }
    x += 30;
    for (guint i = 0; i < drawing->groups->len; i++) {
        const char *name = g_ptr_array_index (drawing->groups, i);

        put_shape (drawing, i, TOOL_SVG_COLOURS - 1, x, y - 4);
        tool_svg_text (drawing->out, x + 10, y, "start", name);
        x += 30 + TOOL_SVG_LETTER * (double)strlen (name);
    }
}

char *
tool_plot_svg_new (const ToolPlot *plot)
{
    g_autoptr (GPtrArray) families = g_ptr_array_new(), groups = g_ptr_array_new();
    g_autoptr (GArray) boxes = g_array_new (FALSE, FALSE, sizeof (Box));
    Drawing drawing = {.out = g_string_new (NULL),
                       .plot = plot,
                       .families = families,
                       .groups = groups,
                       .boxes = boxes};

    tool_svg_begin (drawing.out, WIDTH, HEIGHT);
    tool_svg_text (drawing.out, LEFT, 20, "start", plot->title);
    tool_svg_text (drawing.out, LEFT, TOP - 10, "start", plot->y_title);
    put_field (&drawing, 0);
    put_field (&drawing, 1);
    put_legend (&drawing);
    tool_svg_end (drawing.out);
    return g_string_free (drawing.out, FALSE);
}
