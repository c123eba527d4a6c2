#include "source/pipe_sink.h"

#include <arec/outputs.h>

#include <errno.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/error.h"
#include "source/fd_writer.h"

typedef struct {
    ArecSink base;
    int fd;
    ArecFdWriter writer;
} PipeSink;

static bool
pipe_write (ArecSink *sink, const void *data, size_t size, GError **error)
{
    return arec_fd_writer_add (&((PipeSink *)sink)->writer, data, size, error);
}

/* Some file systems report a failed write only when the file is closed. What was written stays
 * all the same, so the output is complete before. */
static bool
pipe_commit (ArecSink *sink, GError **error)
{
    PipeSink *pipe = (PipeSink *)sink;

    return arec_fd_writer_flush_last (&pipe->writer, arec_outputs_add_complete, error) &&
           (close (arec_steal_fd (&pipe->fd)) == 0 ||
            arec_fail (error, AREC_ERROR_IO, "%s: close: %s", sink->name, g_strerror (errno)));
}

static void
pipe_free (ArecSink *sink)
{
    PipeSink *pipe = (PipeSink *)sink;

    arec_fd_writer_clear (&pipe->writer);
    arec_close_fd (&pipe->fd);
    g_free (pipe);
}

static const ArecSinkOps pipe_ops = {
    .write = pipe_write, .commit = pipe_commit, .free = pipe_free};

ArecSink *
arec_pipe_sink_new (int fd, const char *name, GError **error)
{
    PipeSink *pipe = g_new0 (PipeSink, 1);
    g_autoptr (ArecSink) sink = &pipe->base;

    sink->ops = &pipe_ops;
    sink->name = g_strdup (name);
    pipe->fd = fd;
    return arec_fd_writer_init (&pipe->writer, fd, sink->name, error) ? g_steal_pointer (&sink)
                                                                      : NULL;
}
