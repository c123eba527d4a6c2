#include "base/buffer.h"

/* The least that is allocated. */
#define MIN_CAPACITY 256

static bool
grow (ArecBuffer *buffer, size_t capacity)
{
    uint8_t *data = g_try_realloc (buffer->data, capacity);

    if (!data) {
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool
arec_buffer_reserve (ArecBuffer *buffer, size_t more)
{
    size_t needed, generous;

    if (more <= buffer->capacity - buffer->size) {
        return true;
    }
    if (__builtin_add_overflow (buffer->size, more, &needed) || needed > PTRDIFF_MAX) {
        return false;
    }
    /* Half as much again, so that appending is linear; where that is too much, what is needed.
     */
    generous = MAX (MAX (needed, MIN_CAPACITY), buffer->capacity + buffer->capacity / 2);
    return grow (buffer, generous) || grow (buffer, needed);
}

bool
arec_buffer_append (ArecBuffer *buffer, const void *data, size_t size)
{
    if (size == 0) {
        return true;
    }
    if (!arec_buffer_reserve (buffer, size)) {
        return false;
    }
    memcpy (buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

bool
arec_buffer_append_varint (ArecBuffer *buffer, uint64_t value)
{
    uint8_t bytes[AREC_MAX_VARINT];

    return arec_buffer_append (buffer, bytes, arec_put_varint (bytes, value));
}

void
arec_buffer_clear (ArecBuffer *buffer)
{
    g_free (buffer->data);
    *buffer = (ArecBuffer){0};
}
