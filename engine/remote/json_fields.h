/* Some members of a JSON object whose values are texts: a file of credentials, or an answer of
 * who gives them. Pure, any thread; the bytes are hostile, and their texts are secrets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "remote/secrets.h"

#define AREC_JSON_FIELDS_MAX_SIZE ((size_t)1 << 20)
#define AREC_JSON_FIELDS_MAX_DEPTH 8

typedef struct {
    const char *name;
    /* (out) A string decoded, a number or a boolean as it stands; NULL: the member is absent,
     * `null` or empty. Lies in the secrets. Of several members of one name the last counts. */
    const char *value;
} ArecJsonField;

/* Fills the values of the @n @fields from the object that @text is.
 * @secrets  (out) arec_secrets_clear (); nothing to clear after a failure.
 * Errors: CORRUPT, it is no such object, or a value is none of the above; LIMIT; NOMEM. The
 * message has nothing of the text. */
bool arec_json_fields_read (const char *text, size_t size, ArecJsonField *fields, size_t n,
                            ArecSecrets *secrets, GError **error);
