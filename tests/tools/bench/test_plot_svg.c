/* A plot of made-up marks: what is drawn, and that no text can break the document. That it is
 * XML is checked in tests/cli/test_bench.py. */
#include "bench/plot_svg.h"

#include <math.h>
#include <string.h>

static size_t
count (const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr (at, what)); at += strlen (what)) {
        n++;
    }
    return n;
}

static char *
draw (const ToolPlotMark *marks, size_t n, const char *title)
{
    const ToolPlot plot = {.title = title,
                           .x_titles = {"write", "read"},
                           .y_title = "ratio",
                           .marks = marks,
                           .n_marks = n};

    return tool_plot_svg_new (&plot);
}

/* A mark is in both fields; those without a logarithm are left out. */
static void
test_marks (void)
{
    static const ToolPlotMark marks[] = {
        {"zstd:3", "zstd", "1", {10, 20}, 2},   {"zstd:9", "zstd", "1", {5, 20}, 3},
        {"snappy", "snappy", "100", {0, 9}, 1}, {"x", "x", "1", {1, 1}, 0},
        {"y", "y", "1", {NAN, -1}, NAN},
    };
    g_autofree char *svg = draw (marks, G_N_ELEMENTS (marks), "t");

    g_assert_cmpuint (count (svg, "<g><title>"), ==, 2 * 2 + 1);
    g_assert_cmpuint (count (svg, "<title>zstd:9, 1: 5, 3</title>"), ==, 1);
    g_assert_null (strstr (svg, "nan"));
    g_assert_null (strstr (svg, "inf"));
    g_assert_nonnull (strstr (svg, "prefers-color-scheme: dark"));
    g_assert_true (g_utf8_validate (svg, -1, NULL));
}

static void
test_nothing_to_draw (void)
{
    g_autofree char *svg = draw (NULL, 0, "");

    g_assert_cmpuint (count (svg, "<g>"), ==, 0);
    g_assert_true (g_str_has_suffix (svg, "</svg>\n"));
}

static void
test_hostile_texts (void)
{
    static const ToolPlotMark marks[] = {{"<b>&\"'", "]]>", "\x01\xff", {1, 2}, 3}};
    g_autofree char *svg = draw (marks, 1, "a\xff<script>\x1b[31m\xef\xbf\xbe]]>\n");

    g_assert_null (strstr (svg, "<script"));
    g_assert_null (strstr (svg, "<b>"));
    g_assert_null (strstr (svg, "\x1b"));
    g_assert_null (strstr (svg, "\xef\xbf\xbe"));
    g_assert_null (strstr (svg, "]]>"));
    g_assert_true (g_utf8_validate (svg, -1, NULL));
}

/* The labels of many marks at one place do not lie on each other: what finds no place is left
 * out. */
static void
test_labels_make_room (void)
{
    ToolPlotMark marks[100];
    g_autofree char *svg = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS (marks); i++) {
        marks[i] = (ToolPlotMark){"zstd:22", "zstd", "1", {7, 7}, 7};
    }
    svg = draw (marks, G_N_ELEMENTS (marks), "t");
    g_assert_cmpuint (count (svg, ">zstd:22</text>"), >=, 2);
    g_assert_cmpuint (count (svg, ">zstd:22</text>"), <, 60);
    g_assert_cmpuint (count (svg, "<g><title>zstd:22"), ==, 200);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/plot_svg/marks", test_marks);
    g_test_add_func ("/plot_svg/nothing", test_nothing_to_draw);
    g_test_add_func ("/plot_svg/hostile", test_hostile_texts);
    g_test_add_func ("/plot_svg/labels", test_labels_make_room);
    return g_test_run();
}
