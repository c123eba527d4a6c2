/* Errors of libarec: one closed GError domain.
 *
 * A message names the source, the byte offset where one is known, what was found and what was
 * expected. The code says what a caller can do about it. Offset and reason are fields, too, so
 * that no program has to parse a message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

typedef enum {
    AREC_ERROR_IO,          /* the system failed to read: device, network, descriptor */
    AREC_ERROR_CORRUPT,     /* bytes violate the format or a hash: the file is damaged */
    AREC_ERROR_FORMAT,      /* the file is neither ArrayRecord nor Riegeli/records */
    AREC_ERROR_UNSUPPORTED, /* valid, but this build cannot read it */
    AREC_ERROR_LIMIT,       /* valid, but above a configured limit */
    AREC_ERROR_NOMEM,       /* an allocation failed */
    AREC_ERROR_NOT_FOUND,   /* the source is absent, not readable, or not a file */
    AREC_ERROR_CHANGED,     /* the source is no longer the file that was opened */
    AREC_ERROR_INVALID,     /* the caller's argument or option is wrong */
    AREC_ERROR_CANCELLED,   /* the caller cancelled it: arec/cancel.h */
} ArecError;

#define AREC_ERROR (arec_error_quark())

AREC_PUBLIC GQuark arec_error_quark (void);

/* Sets @error and returns false: `return arec_fail (error, AREC_ERROR_INVALID, "...", ...);` */
AREC_PUBLIC bool arec_fail (GError **error, ArecError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* The offset in its file at which @error was met, and its message without file and offset,
 * which lives as long as @error. false: it has no place. */
AREC_PUBLIC bool arec_error_place (const GError *error, uint64_t *offset, const char **reason);

/* Whether @error is about the file's bytes (CORRUPT, LIMIT, UNSUPPORTED), and not about the
 * system or this process, which may have too little memory for a sound chunk. Takes NULL:
 * false.
 */
AREC_PUBLIC bool arec_error_is_of_bytes (const GError *error);

/* The exit code of a program that ends with @error, as both programs document it:
 * 1 running (IO, LIMIT, NOMEM, CHANGED, CANCELLED, foreign domains), 2 INVALID, 3 NOT_FOUND, 4
 * FORMAT, 5 CORRUPT, 6 UNSUPPORTED. */
AREC_PUBLIC int arec_error_exit_code (const GError *error);

G_END_DECLS
