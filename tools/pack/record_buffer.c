#include "pack/record_buffer.h"

#include <string.h>

#include <arec/arec.h>

enum { FIRST_CAPACITY = 64 * 1024 };

static bool
make_room (ToolRecordBuffer *buffer, size_t size, GError **error)
{
    size_t needed, capacity;
    uint8_t *data;

    if (size <= buffer->capacity - buffer->size) {
        return true;
    }
    if (!g_size_checked_add (&needed, buffer->size, size)) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for a record");
    }
    capacity = MAX (MAX (needed, buffer->capacity + buffer->capacity / 2), FIRST_CAPACITY);
    data = g_try_realloc (buffer->data, capacity);
    if (!data) {
        return arec_fail (error, AREC_ERROR_NOMEM, "no memory for a record of %zu bytes",
                          needed);
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool
tool_record_buffer_add (ToolRecordBuffer *buffer, const void *data, size_t size, GError **error)
{
    if (size == 0) {
        return true;
    }
    if (!make_room (buffer, size, error)) {
        return false;
    }
    memcpy (buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

bool
tool_record_buffer_add_zeros (ToolRecordBuffer *buffer, size_t size, GError **error)
{
    if (size == 0) {
        return true;
    }
    if (!make_room (buffer, size, error)) {
        return false;
    }
    memset (buffer->data + buffer->size, 0, size);
    buffer->size += size;
    return true;
}

void
tool_record_buffer_empty (ToolRecordBuffer *buffer)
{
    buffer->size = 0;
}

void
tool_record_buffer_clear (ToolRecordBuffer *buffer)
{
    g_clear_pointer (&buffer->data, g_free);
    *buffer = (ToolRecordBuffer){0};
}
