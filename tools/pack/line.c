#include "pack/line.h"

#include <inttypes.h>
#include <string.h>

/* Only bytes that are new are looked at, so that a line that comes byte by byte takes no
 * longer. */
bool
tool_line_peek (ToolByteInput *bytes, char separator, uint64_t most, const char *why,
                ToolLine *line, GError **error)
{
    size_t seen = 0, size;

    for (;;) {
        const uint8_t *found;

        if (!tool_byte_input_peek (bytes, seen + 1, &line->data, &size, error)) {
            return false;
        }
        found = size > seen ? memchr (line->data + seen, separator, size - seen) : NULL;
        line->size = found ? (size_t)(found - line->data) : size;
        if (line->size > most) {
            return tool_byte_input_fail (
                bytes, tool_byte_input_offset (bytes), error, AREC_ERROR_LIMIT,
                "a line of more than %" PRIu64 " bytes, the most that %s", most, why);
        }
        line->is_ended = found != NULL;
        if (found || size == seen) {
            return true;
        }
        seen = size;
    }
}

void
tool_line_skip (ToolByteInput *bytes, const ToolLine *line)
{
    tool_byte_input_skip (bytes, line->size + line->is_ended);
}
