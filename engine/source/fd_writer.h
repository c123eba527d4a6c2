/* ArecFdWriter: writes to a descriptor, small pieces together and everything in full.
 *
 * One thread at a time. Never seeks. After a failure nothing but clearing makes sense. A short
 * write is continued, a write that takes nothing is an error, and a descriptor that another
 * process has made non-blocking is waited for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct {
    int fd;           /* not owned */
    const char *name; /* for messages; not owned */
    uint64_t flushed; /* bytes that the descriptor has taken */
    uint8_t *buffer;  /* bytes after those */
    size_t n_buffered;
} ArecFdWriter;

/* Errors: NOMEM. */
bool arec_fd_writer_init (ArecFdWriter *writer, int fd, const char *name, GError **error);
void arec_fd_writer_clear (ArecFdWriter *writer); /* takes a zeroed one, and one twice */

/* Appends all of @data. Blocks on I/O. Errors: IO, `NAME: at OFFSET: write: REASON`. */
bool arec_fd_writer_add (ArecFdWriter *writer, const void *data, size_t size, GError **error);

/* Writes what is buffered. Same errors. */
bool arec_fd_writer_flush (ArecFdWriter *writer, GError **error);

/* The same for the end of an output. No signal comes between the last write and @done, which is
 * called after it; one that comes while a pipe is full still comes before both. */
bool arec_fd_writer_flush_last (ArecFdWriter *writer, void (*done) (void), GError **error);
