#include "source/sink.h"

#include <inttypes.h>

#include "base/error.h"

static bool
check_sound (const ArecSink *sink, GError **error)
{
    return !sink->failed ||
           arec_fail (error, AREC_ERROR_IO,
                      "%s: at %" PRIu64 ": cannot go on after a write has failed", sink->name,
                      sink->position);
}

bool
arec_sink_write (ArecSink *sink, const void *data, size_t size, GError **error)
{
    if (!check_sound (sink, error)) {
        return false;
    }
    if (size > 0 && !sink->ops->write (sink, data, size, error)) {
        sink->failed = true;
        return false;
    }
    sink->position += size;
    return true;
}

bool
arec_sink_complete (ArecSink *sink, GError **error)
{
    if (!check_sound (sink, error)) {
        return false;
    }
    if (sink->ops->complete && !sink->ops->complete (sink, error)) {
        sink->failed = true;
        return false;
    }
    return true;
}

bool
arec_sink_commit (ArecSink *sink, GError **error)
{
    if (!check_sound (sink, error)) {
        return false;
    }
    if (!sink->ops->commit (sink, error)) {
        sink->failed = true;
        return false;
    }
    return true;
}

void
arec_sink_free (ArecSink *sink)
{
    char *name;

    if (!sink) {
        return;
    }
    name = sink->name;
    sink->ops->free (sink);
    g_free (name);
}
