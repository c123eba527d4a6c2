/* ToolOutput: standard output with a big buffer, whose failures cannot be missed.
 *
 * One thread at a time. Puts return nothing: the first failure is kept, later puts do
 * nothing, and tool_output_check () and tool_output_close () report it. A loop over records
 * checks once for each record, so that a full disk ends the work. Text that comes from a
 * file or a file name is hostile and goes through tool_output_json_string () or
 * arec_text_printable ().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct ToolOutput ToolOutput;

/* @fd    (transfer full) closed by tool_output_close () or tool_output_free ().
 * @name  what messages call it; kept by reference, so a literal. */
ToolOutput *tool_output_new (int fd, const char *name);
void tool_output_free (ToolOutput *out); /* takes NULL; what was not flushed is lost */

/* Appends; blocks when the buffer is full. Pieces that are larger than the buffer are not
 * copied. */
void tool_output_bytes (ToolOutput *out, const void *data, size_t size);
void tool_output_text (ToolOutput *out, const char *text);
void tool_output_byte (ToolOutput *out, char byte);
void tool_output_u64 (ToolOutput *out, uint64_t number); /* decimal */
void tool_output_format (ToolOutput *out, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @text as arec_text_json () writes it. */
void tool_output_json_string (ToolOutput *out, const char *text);

/* A member of an object, `"KEY": "TEXT"`. @text  NULL: null. */
void tool_output_json_member (ToolOutput *out, const char *key, const char *text);

/* A newline. A terminal shows everything up to it at once. */
void tool_output_end_line (ToolOutput *out);

/* Writes what is buffered. Errors: none; see tool_output_check (). */
void tool_output_flush (ToolOutput *out);

/* The end of an output: after what is buffered, @data, at most PIPE_BUF bytes. No signal comes
 * between its write and @done, which is called after it, unless it fails. */
void tool_output_last_bytes (ToolOutput *out, const void *data, size_t size,
                             void (*done) (void));

/* Whether all went well so far. Errors: IO, `NAME: REASON`, on each call after a failure. */
bool tool_output_check (const ToolOutput *out, GError **error);

/* Flushes and closes: some file systems report a failed write only then. Same errors. */
bool tool_output_close (ToolOutput *out, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolOutput, tool_output_free)
