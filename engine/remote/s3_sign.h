/* Signatures of requests to S3 and its kin: AWS Signature Version 4, in the header. Pure: the
 * time is an argument. Any thread.
 *
 *     canonical request    method, path, query, signed headers, hash of the body: one a line
 *     string to sign       algorithm, time, scope (day/region/service), hash of the above
 *     signature            HMAC of it, by a key made of the secret key and the scope
 *
 * Signed are `host` and every `x-amz-` header. `range`, `if-match` and the like are not, so a
 * caller adds them freely, and the signature of a request that is made again for other bytes
 * stays. Path and query go out as they were signed: see ArecS3Signed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* Secrets, not owned. They are in no message. */
typedef struct {
    const char *access_key, *secret_key;
    const char *session_token; /* NULL: none */
} ArecS3Keys;

/* A parameter of a query, not encoded. */
typedef struct {
    const char *name, *value;
} ArecS3Parameter;

typedef struct {
    const char *method;                /* upper case */
    const char *host;                  /* as its header says: with the port, if not default */
    const char *path;                  /* from `/` on, not encoded: `/KEY` or `/BUCKET/KEY` */
    const ArecS3Parameter *parameters; /* @n_parameters of them, in any order */
    size_t n_parameters;
    const char *region, *service; /* service: `s3`, `sts` */
    /* SHA-256 of the body in 64 lower-case hex digits; NULL: UNSIGNED-PAYLOAD, which S3 alone
     * takes. */
    const char *payload_hash;
    bool is_requester_paying; /* says so, in a signed header */
} ArecS3Request;

typedef struct {
    /* Encoded path and, if there are parameters, `?` and the query. It must be sent as it is:
     * `.` and `..` of a key stay. */
    char *target;
    char **headers; /* `name: value`, without `host`; NULL-terminated. Secrets are among them */
} ArecS3Signed;

/* @unix_seconds  the time of the request, from 1970 on.
 * @out           (out) clear it; untouched on failure.
 * Errors: INVALID, a key, token, region or host holds a byte that no header can hold. The
 * message says which, not what it is. */
bool arec_s3_sign (const ArecS3Request *request, const ArecS3Keys *keys, int64_t unix_seconds,
                   ArecS3Signed *out, GError **error);

/* Overwrites the headers before it frees them. Takes a zeroed one. */
void arec_s3_signed_clear (ArecS3Signed *out);

/* @text with all but letters, digits, `-`, `.`, `_` and `~` as %XX; with @keeps_slash `/`
 * stays, too. Returns (transfer full). */
char *arec_s3_sign_encode (const char *text, bool keeps_slash);

/* The query of @n parameters, without `?`, sorted and encoded as it is signed. Returns
 * (transfer full). */
char *arec_s3_sign_query (const ArecS3Parameter *parameters, size_t n);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecS3Signed, arec_s3_signed_clear)
