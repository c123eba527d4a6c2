#include "source/memory_sink.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"

typedef struct {
    ArecSink base;
    ArecBuffer buffer;
    bool committed;
} MemorySink;

static bool
memory_write (ArecSink *sink, const void *data, size_t size, GError **error)
{
    return arec_buffer_append (&((MemorySink *)sink)->buffer, data, size) ||
           arec_fail (error, AREC_ERROR_NOMEM,
                      "%s: at %" PRIu64 ": no memory for %zu more bytes", sink->name,
                      sink->position, size);
}

static bool
memory_commit (ArecSink *sink, GError **error)
{
    (void)error;
    ((MemorySink *)sink)->committed = true;
    return true;
}

static void
memory_free (ArecSink *sink)
{
    arec_buffer_clear (&((MemorySink *)sink)->buffer);
    g_free (sink);
}

static const ArecSinkOps memory_ops = {
    .write = memory_write, .commit = memory_commit, .free = memory_free};

ArecSink *
arec_memory_sink_new (const char *name)
{
    MemorySink *memory = g_new0 (MemorySink, 1);

    memory->base.ops = &memory_ops;
    memory->base.name = g_strdup (name);
    return &memory->base;
}

ArecBytes
arec_memory_sink_bytes (const ArecSink *sink)
{
    const ArecBuffer *buffer = &((const MemorySink *)sink)->buffer;

    return arec_bytes (buffer->data ? buffer->data : (const uint8_t *)"", buffer->size);
}

bool
arec_memory_sink_is_committed (const ArecSink *sink)
{
    return ((const MemorySink *)sink)->committed;
}
