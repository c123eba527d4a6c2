/* ToolLine: the line at the front of the bytes of an input.
 *
 * Looking at it leaves it there; its bytes are borrowed until the next look, also after the
 * skip.
 */
#pragma once

#include "pack/byte_input.h"

typedef struct {
    const uint8_t *data;
    size_t size;   /* without the separator */
    bool is_ended; /* the separator comes after it, not the end of the bytes */
} ToolLine;

/* @separator  ends a line.
 * @most       bytes of a line; a longer one is an error before it is held whole, which says
 *             what @most is: `the most that WHY`.
 * Blocks. Errors: LIMIT, and those of tool_byte_input_peek (). */
bool tool_line_peek (ToolByteInput *bytes, char separator, uint64_t most, const char *why,
                     ToolLine *line, GError **error);

/* There is no line left: it is empty and nothing ends it. */
static inline bool
tool_line_is_none (const ToolLine *line)
{
    return line->size == 0 && !line->is_ended;
}

/* Goes past the line and its separator. */
void tool_line_skip (ToolByteInput *bytes, const ToolLine *line);
