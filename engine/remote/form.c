#include "remote/form.h"

#include <string.h>

/* Encoded, a byte is three at most. */
static size_t
room_for (const ArecS3Parameter *parameters, size_t n)
{
    size_t room = 1;

    for (size_t i = 0; i < n; i++) {
        room += parameters[i].value
                    ? strlen (parameters[i].name) + 3 * strlen (parameters[i].value) + 2
                    : 0;
    }
    return room;
}

bool
arec_form_write (const ArecS3Parameter *parameters, size_t n, ArecSecrets *out)
{
    char *at;

    if (!arec_secrets_init (out, room_for (parameters, n))) {
        return false;
    }
    at = out->memory;
    for (size_t i = 0; i < n; i++) {
        char *value;

        if (!parameters[i].value) {
            continue;
        }
        value = arec_s3_sign_encode (parameters[i].value, false);
        at = stpcpy (at, at > out->memory ? "&" : "");
        at = stpcpy (stpcpy (stpcpy (at, parameters[i].name), "="), value);
        explicit_bzero (value, strlen (value));
        g_free (value);
    }
    out->used = (size_t)(at - out->memory) + 1;
    return true;
}
