/* A bucket: where it lies, and with what requests for it are authorised. Counted references.
 * Thread-safe.
 *
 *     S3     GET https://HOST/KEY      Authorization: AWS4-HMAC-SHA256 ...   signed at each try
 *     GCS    GET https://HOST/b/KEY    Authorization: Bearer TOKEN
 *
 * A listing of S3 asks `GET /?list-type=2...` of the bucket, one of GCS
 * `GET /storage/v1/b/BUCKET/o?...` of its JSON API.
 *
 * A bucket of S3 may lie in another region than was thought: the first answer that names it is
 * learned from, once. Credentials that a server refuses are renewed once for each request.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "remote/credentials.h"
#include "remote/endpoint.h"
#include "remote/http_request.h"

typedef struct ArecObjectBucket ArecObjectBucket;

typedef struct {
    ArecUrlScheme scheme; /* S3 or GS */
    const char *name;
    const ArecUrl *server; /* as in ArecEndpointChoice */
    const char *region;    /* of S3: what is signed for at first */
    ArecAddressing addressing;
    bool is_requester_paying;    /* S3 */
    const char *billing_project; /* GCS; NULL: that of the credentials */
    /* Outlives the bucket and its requests. NULL: nothing is signed. */
    ArecCredentials *credentials;
} ArecObjectBucketOptions;

/* Copies @options. Errors: INVALID, it lies nowhere: see arec_endpoint_find (). */
ArecObjectBucket *arec_object_bucket_new (const ArecObjectBucketOptions *options,
                                          GError **error);
ArecObjectBucket *arec_object_bucket_ref (ArecObjectBucket *bucket);
void arec_object_bucket_unref (ArecObjectBucket *bucket); /* takes NULL */

/* The object @key of the bucket, for requests. Returns (transfer full). */
ArecHttpTarget *arec_object_bucket_target (ArecObjectBucket *bucket, const char *key);

/* A listing of the bucket, for a request of a page: see object_page.h.
 * @parameters  of the query, which are copied. Returns (transfer full). */
ArecHttpTarget *arec_object_bucket_listing (ArecObjectBucket *bucket,
                                            const ArecS3Parameter *parameters, size_t n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecObjectBucket, arec_object_bucket_unref)
