/* What our SVG documents are made of: readable on a light and on a dark ground, valid XML
 * whatever bytes the texts hold. Pure.
 */
#pragma once

#include <glib.h>

enum {
    TOOL_SVG_LETTER = 6,  /* about the width of one */
    TOOL_SVG_COLOURS = 5, /* the classes c0 to c4 */
};

/* The document up to its first element, with the ground. */
void tool_svg_begin (GString *out, int width, int height);
void tool_svg_end (GString *out);

/* @text as XML: control bytes and broken UTF-8 as arec_text_printable () has them, and none of
 * the two characters that XML does not allow besides. Returns (transfer full). */
char *tool_svg_escape (const char *text);

/* @anchor  `start`, `middle` or `end`: which part of @text is at (x, y). */
void tool_svg_text (GString *out, double x, double y, const char *anchor, const char *text);
