/* A sink: append-only output, that is a table of calls over a file, memory, or a test's
 * invention.
 *
 * One thread at a time. Nothing can be seen under the sink's name before the commit; what is
 * not committed leaves nothing behind. A pipe_sink.h cannot keep that: it is written straight.
 * A sink that has failed once never commits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecSink ArecSink;

typedef struct {
    /* Appends all of @data; @size is not 0. Errors: IO, NOMEM, with the sink's name and
     * position. */
    bool (*write) (ArecSink *sink, const void *data, size_t size, GError **error);
    /* Makes all that was written durable, and not visible yet: only the commit may follow.
     * NULL: the commit does all. Same errors. */
    bool (*complete) (ArecSink *sink, GError **error);
    /* Makes all that was written durable and visible under the sink's name. Same errors. */
    bool (*commit) (ArecSink *sink, GError **error);
    /* Frees; removes what was not committed. */
    void (*free) (ArecSink *sink);
} ArecSinkOps;

/* Embedded as the first member by each implementation. */
struct ArecSink {
    const ArecSinkOps *ops;
    char *name;        /* for messages; owned */
    uint64_t position; /* bytes written so far */
    bool failed;       /* a write or the commit has */
};

/* Appends all of @data, in any number of steps. Blocks on I/O. Errors: IO, NOMEM. */
bool arec_sink_write (ArecSink *sink, const void *data, size_t size, GError **error);

/* Called at most once, after the last write: leaves to the commit what is quick. Same errors as
 * that. Blocks. */
bool arec_sink_complete (ArecSink *sink, GError **error);

/* Called once, after the last write. Blocks until the bytes are durable. Errors: IO, also when
 * an earlier write has failed, NOMEM. */
bool arec_sink_commit (ArecSink *sink, GError **error);

void arec_sink_free (ArecSink *sink); /* takes NULL; without a commit nothing stays */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSink, arec_sink_free)
