#include "bench/svg.h"

#include <arec/arec.h>

/* The colours are told apart on both grounds, and by people who do not see all of them. */
static const char style[] =
    "<style>\n"
    "svg { color-scheme: light dark; font: 11px sans-serif; }\n"
    ".ground { fill: #ffffff; } .text { fill: #222222; }\n"
    ".frame { fill: none; stroke: #888888; } .grid { stroke: #dddddd; }\n"
    ".c0 { fill: #0072b2; } .c1 { fill: #d55e00; } .c2 { fill: #009e73; }\n"
    ".c3 { fill: #cc79a7; } .c4 { fill: #777777; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    ".ground { fill: #16181c; } .text { fill: #e6e6e6; } .grid { stroke: #3a3d42; }\n"
    ".c0 { fill: #56b4e9; } .c1 { fill: #e69f00; } .c2 { fill: #2fd0a2; }\n"
    ".c4 { fill: #b0b0b0; }\n"
    "}\n"
    "</style>\n";

void
tool_svg_begin (GString *out, int width, int height)
{
    g_string_append_printf (out,
                            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
                            "height=\"%d\" viewBox=\"0 0 %d %d\">\n%s"
                            "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n",
                            width, height, width, height, style, width, height);
}

void
tool_svg_end (GString *out)
{
    g_string_append (out, "</svg>\n");
}

char *
tool_svg_escape (const char *text)
{
    g_autofree char *printable = arec_text_printable (text);
    g_autofree char *markup = g_markup_escape_text (printable, -1);
    g_autoptr (GString) whole = g_string_new (markup);

    g_string_replace (whole, "\xef\xbf\xbe", "?", 0);
    g_string_replace (whole, "\xef\xbf\xbf", "?", 0);
    return g_string_free (g_steal_pointer (&whole), FALSE);
}

void
tool_svg_text (GString *out, double x, double y, const char *anchor, const char *text)
{
    g_autofree char *escaped = tool_svg_escape (text);

    g_string_append_printf (out,
                            "<text class=\"text\" x=\"%.1f\" y=\"%.1f\" "
                            "text-anchor=\"%s\">%s</text>\n",
                            x, y, anchor, escaped);
}
