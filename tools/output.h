/* ArecOutput: standard output with a big buffer, whose failures cannot be missed.
 *
 * One thread at a time. Puts return nothing: the first failure is kept, later puts do nothing,
 * and arec_output_check () or arec_output_close () tell it. A loop over records checks once for
 * each record, so that a full disk ends the work. Text that comes from a file or a file name is
 * hostile and goes through arec_output_json_string () or arec_text_printable ().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecOutput ArecOutput;

/* @fd    (transfer full) closed by arec_output_close () or arec_output_free ().
 * @name  what messages call it; kept by reference, so a literal. */
ArecOutput *arec_output_new (int fd, const char *name);
void arec_output_free (ArecOutput *out); /* takes NULL; what was not flushed is lost */

/* Appends; blocks when the buffer is full. Pieces that are larger than the buffer are not
 * copied. */
void arec_output_bytes (ArecOutput *out, const void *data, size_t size);
void arec_output_text (ArecOutput *out, const char *text);
void arec_output_byte (ArecOutput *out, char byte);
void arec_output_u64 (ArecOutput *out, uint64_t number); /* decimal */
void arec_output_format (ArecOutput *out, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* @text as arec_text_json () writes it. */
void arec_output_json_string (ArecOutput *out, const char *text);

/* A newline that ends what somebody at a terminal waits for: there it is shown at once. */
void arec_output_end_line (ArecOutput *out);

/* Writes what is buffered. Errors: none; see arec_output_check (). */
void arec_output_flush (ArecOutput *out);

/* Whether all went well so far. Errors: IO, `NAME: REASON`, on each call after a failure. */
bool arec_output_check (const ArecOutput *out, GError **error);

/* Flushes and closes, because some file systems tell a failed write only then. Same errors. */
bool arec_output_close (ArecOutput *out, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecOutput, arec_output_free)
