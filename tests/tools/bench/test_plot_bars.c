/* A plot of made-up bars: what is drawn, and that no text can break the document. That it is
 * XML is checked in tests/cli/test_bench_access.py. */
#include "bench/plot_bars.h"

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

static const char *const families[] = {"fast", "<slow>"};

static char *
draw (const ToolPlotBar *bars, size_t n, bool is_logarithmic)
{
    const ToolPlotPanel panel = {"p", is_logarithmic, bars, n};

    return tool_plot_bars_new ("t\x1b<", &panel, 1, families, G_N_ELEMENTS (families));
}

/* The longest bar fills the panel; what is no positive number has none. */
static void
test_bars (void)
{
    static const ToolPlotBar bars[] = {
        {"a", "fast", 10},
        {"a", "<slow>", 5},
        {"b", "fast", 0},
        {"b", "fast", NAN},
    };
    g_autofree char *linear = draw (bars, G_N_ELEMENTS (bars), false);
    g_autofree char *logarithmic = draw (bars, G_N_ELEMENTS (bars), true);

    g_assert_cmpuint (count (linear, "<g><title>"), ==, 2);
    g_assert_nonnull (strstr (linear, "<title>a, fast: 10</title>"));
    g_assert_nonnull (strstr (linear, "<title>a, &lt;slow&gt;: 5</title>"));
    g_assert_cmpuint (count (linear, "width=\"250.0\""), ==, 1);
    g_assert_cmpuint (count (linear, "width=\"125.0\""), ==, 1);
    g_assert_cmpuint (count (logarithmic, "width=\"250.0\""), ==, 1);
    g_assert_cmpuint (count (logarithmic, "width=\"125.0\""), ==, 1); /* 2.5, 5, 10 */
    g_assert_nonnull (strstr (linear, "t\\x1B&lt;"));
    g_assert_null (strstr (linear, "nan"));
    g_assert_nonnull (strstr (linear, "prefers-color-scheme: dark"));
}

static void
test_nothing_to_draw (void)
{
    static const ToolPlotBar none = {"a", "fast", 0};
    g_autofree char *svg = draw (&none, 1, true);

    g_assert_cmpuint (count (svg, "<g>"), ==, 0);
    g_assert_true (g_str_has_suffix (svg, "</svg>\n"));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/plot-bars/bars", test_bars);
    g_test_add_func ("/plot-bars/nothing", test_nothing_to_draw);
    return g_test_run();
}
