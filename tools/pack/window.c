#include "pack/window.h"

#include <string.h>

#include <arec/arec.h>

enum { FIRST_CAPACITY = 256 * 1024 };

/* Bytes that one call may bring beyond those that are asked for. After one huge record they are
 * not as many as that took. */
#define MAX_AHEAD ((size_t)FIRST_CAPACITY)

/* Makes room after the last byte: by moving the bytes to the front, and, where they fill half
 * of the memory, by taking twice as much. */
static bool
make_room (ToolWindow *window, GError **error)
{
    size_t size = window->end - window->begin;
    size_t capacity = MAX (window->capacity, FIRST_CAPACITY / 2) * 2;
    uint8_t *data;

    if (window->begin > 0) {
        memmove (window->data, window->data + window->begin, size);
        window->begin = 0;
        window->end = size;
    }
    if (size < window->capacity / 2) {
        return true;
    }
    /* Not freed and allocated: the pages of a large block are moved, so that no record is in
     * memory twice. */
    data = g_try_realloc (window->data, capacity);
    if (!data) {
        return arec_fail (error, AREC_ERROR_NOMEM, "%s: no memory for %zu bytes of it",
                          window->name, capacity);
    }
    window->data = data;
    window->capacity = capacity;
    return true;
}

bool
tool_window_peek (ToolWindow *window, size_t least, const uint8_t **data, size_t *size,
                  GError **error)
{
    if (window->begin == window->end) {
        window->begin = window->end = 0;
    }
    while (window->end - window->begin < least && !window->at_end) {
        size_t lacking = least - (window->end - window->begin), n;

        if (window->end == window->capacity && !make_room (window, error)) {
            return false;
        }
        if (!window->fill (window->source, window->data + window->end,
                           MIN (window->capacity - window->end, MAX (lacking, MAX_AHEAD)), &n,
                           error)) {
            return false;
        }
        window->end += n;
        window->at_end = n == 0;
    }
    /* Where nothing was ever read there is no memory, and nothing may be added to NULL. */
    *data = window->data ? window->data + window->begin : (const uint8_t *)"";
    *size = window->end - window->begin;
    return true;
}

void
tool_window_skip (ToolWindow *window, size_t n)
{
    g_assert (n <= window->end - window->begin);
    window->begin += n;
    window->offset += n;
}

void
tool_window_clear (ToolWindow *window)
{
    g_clear_pointer (&window->data, g_free);
}
