/* A JSON Web Token (RFC 7519) by which a service account of Google asks for an access token:
 * claims, signed with RS256 (RFC 7518 3.3). Pure but for the library that signs: the time is an
 * argument. Any thread.
 *
 *     base64url (header) . base64url (claims) . base64url (signature of both with their `.`)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "remote/secrets.h"

/* Nothing of it is owned. */
typedef struct {
    const char *key;      /* a private RSA key, PEM without password: a secret */
    const char *key_id;   /* `kid`; NULL: none */
    const char *issuer;   /* `iss`: the account */
    const char *scope;    /* what is asked for */
    const char *audience; /* `aud`: who is asked */
} ArecJwtClaims;

/* How long a token asks for, in seconds: the most that Google takes. */
#define AREC_JWT_SECONDS 3600

/* @now  unix seconds.
 * @out  (out) arec_secrets_clear (): the token and a NUL; nothing to clear after a failure.
 * Errors: UNSUPPORTED, there is no libcrypto; CORRUPT, the key is none; NOMEM. */
bool arec_jwt_sign (const ArecJwtClaims *claims, int64_t now, ArecSecrets *out, GError **error);
