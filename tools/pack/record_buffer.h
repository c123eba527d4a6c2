/* ToolRecordBuffer: the bytes of a record that is put together of pieces.
 *
 * One thread at a time. It grows with the bytes that have come, never by what they claim.
 * Zeroed, it is empty.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
} ToolRecordBuffer;

/* Errors: NOMEM. */
bool tool_record_buffer_add (ToolRecordBuffer *buffer, const void *data, size_t size,
                             GError **error);
bool tool_record_buffer_add_zeros (ToolRecordBuffer *buffer, size_t size, GError **error);

/* Makes it empty, and keeps its memory. */
void tool_record_buffer_empty (ToolRecordBuffer *buffer);

void tool_record_buffer_clear (ToolRecordBuffer *buffer);
