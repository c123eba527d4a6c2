/* Who writes and authorises the requests for a bucket: URL and headers of each try, since a
 * signature has a time, and a bucket may turn out to lie elsewhere. The client asks; who
 * answers lies above it.
 *
 *     reader    prepare -> submit ...                    renew -> once more
 *     client              sign -> try -> learn -> once more, or ask the reader to renew
 *
 * Such requests follow no redirects, so that nothing signed goes to another host. Counted
 * references. Thread-safe.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/cancel.h>

#include "remote/http_answer.h"
#include "remote/list_page.h"
#include "remote/s3_sign.h"

/* What is asked for: an object, or a page about the bucket. */
typedef struct {
    char *key;                   /* of the object; NULL: the bucket's listing */
    ArecS3Parameter *parameters; /* of the listing; owned with their texts */
    size_t n_parameters;
} ArecHttpSubject;

/* A request as it goes out. */
typedef struct {
    char *url;        /* sent as it stands */
    char **headers;   /* `name: value`, NULL-terminated; secrets */
    unsigned version; /* of what the signer knew */
} ArecHttpSigned;

typedef struct ArecHttpSigner ArecHttpSigner;

typedef struct {
    /* Gets what sign () needs. A reader's thread; blocks on I/O and requests, call with no lock
     * held. Errors: those of arec_credentials_get (). */
    bool (*prepare) (ArecHttpSigner *signer, const ArecCancel *cancel, GError **error);

    /* The server refused what was signed with @version: gets something newer. As prepare ().
     * Errors: NOT_FOUND, too, nothing newer can be had. */
    bool (*renew) (ArecHttpSigner *signer, unsigned version, const ArecCancel *cancel,
                   GError **error);

    /* @out  (out) arec_http_signed_clear (); untouched on failure. The client's thread.
     * Errors: INVALID. */
    bool (*sign) (ArecHttpSigner *signer, const ArecHttpSubject *subject, ArecHttpSigned *out,
                  GError **error);

    /* Whether a request that was signed with @version, and got this answer, is worth signing
     * and sending anew: there is a newer version, perhaps by what the answer says. The client's
     * thread. */
    bool (*learn) (ArecHttpSigner *signer, unsigned version, const ArecHttpAnswer *answer,
                   const ArecS3Fault *fault);

    void (*free) (ArecHttpSigner *signer);
} ArecHttpSignerOps;

/* The first member of what implements one. */
struct ArecHttpSigner {
    _Atomic unsigned refs;
    const ArecHttpSignerOps *ops;
};

ArecHttpSigner *arec_http_signer_ref (ArecHttpSigner *signer);
void arec_http_signer_unref (ArecHttpSigner *signer); /* takes NULL */

/* Overwrites the headers before it frees them. Takes a zeroed one. */
void arec_http_signed_clear (ArecHttpSigned *out);

/* Copies @parameters. */
void arec_http_subject_init (ArecHttpSubject *subject, const char *key,
                             const ArecS3Parameter *parameters, size_t n);
void arec_http_subject_clear (ArecHttpSubject *subject); /* takes a zeroed one */
