/* The stores of an engine: what it was told about S3 and GCS, by options and by the environment
 * as AWS's and Google's tools take it, its credentials, and the buckets that it has met.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "remote/environment.h"
#include "remote/object_bucket.h"

typedef struct ArecObjectStores ArecObjectStores;

/* Zeroed: nothing is said. Texts are copied. */
typedef struct {
    ArecEnvironment environment;
    const char *endpoint_url; /* of S3 and GCS */
    const char *region;
    ArecAddressing addressing;
    const char *aws_profile;
    bool is_anonymous;
    bool is_requester_paying;
    const char *billing_project;
} ArecObjectStoresOptions;

/* Looks nowhere yet, but keeps the working directory, where paths of variables begin. */
ArecObjectStores *arec_object_stores_new (const ArecObjectStoresOptions *options);

/* Whoever waits for credentials ends soon. Does not block. */
void arec_object_stores_stop (ArecObjectStores *stores);

/* Takes NULL. There are no requests for its buckets any more. */
void arec_object_stores_free (ArecObjectStores *stores);

/* The bucket of @url, of s3 or gs: the same one each time, so that what was learned of it
 * stays. Returns (transfer full); NULL: error. Errors: INVALID, a region or an endpoint is
 * none, or the bucket cannot lie there; those of arec_credentials_aws_setting (). The message
 * is without the URL. Blocks on I/O the first time; call with no lock held. */
ArecObjectBucket *arec_object_stores_bucket (ArecObjectStores *stores, const ArecUrl *url,
                                             GError **error);
