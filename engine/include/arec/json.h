/* JSON text (RFC 8259), strictly: what passes here is read alike by every parser that keeps to
 * the RFC. Pure functions, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Containers within containers that a text may have. */
#define AREC_MAX_JSON_DEPTH 1024

/* Whether @text is one JSON value, with white space around it. It is UTF-8 without a byte order
 * mark; numbers may have any size, a key may stand twice in an object, and a string may hold
 * half a surrogate pair (\ud800), as the grammar allows. Takes no memory.
 * @text  @size bytes; need not be terminated.
 * @at    (out) where the text goes wrong; set on failure.
 * Errors: FORMAT, this is no JSON; LIMIT, too many containers within each other. */
AREC_PUBLIC bool arec_json_check (const char *text, size_t size, size_t *at, GError **error);

G_END_DECLS
