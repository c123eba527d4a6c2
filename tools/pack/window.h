/* ToolWindow: the next bytes of something that gives its bytes piece by piece.
 *
 * One thread at a time. It grows with the bytes that have come, never by what they claim.
 * Zeroed, with `fill` and `name` set, it stands at the first byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* Gives up to @most bytes; *n is 0 only at the end. */
typedef bool (*ToolFillFunc) (void *source, uint8_t *data, size_t most, size_t *n,
                              GError **error);

typedef struct {
    ToolFillFunc fill;
    void *source;
    const char *name; /* of the input, for messages; not owned */
    uint64_t offset;  /* of the next byte, from the first */
    /* The rest is private. */
    uint8_t *data;
    size_t begin, end; /* of the bytes in @data that are there and not skipped */
    size_t capacity;
    bool at_end; /* @fill has given all */
} ToolWindow;

/* The next bytes: at least @least of them, or all that are left. *data is good until the next
 * peek, also for bytes that have been skipped since. Blocks. Errors: those of `fill`, NOMEM. */
bool tool_window_peek (ToolWindow *window, size_t least, const uint8_t **data, size_t *size,
                       GError **error);

/* @n is at most what the last peek gave. */
void tool_window_skip (ToolWindow *window, size_t n);

void tool_window_clear (ToolWindow *window);
