/* Where a bucket lies: the server, the host and the path of requests for it. Pure. Any thread.
 *
 *     s3://b      https://b.s3.REGION.amazonaws.com/KEY      virtual: the bucket is in the host
 *                 https://s3.REGION.amazonaws.com/b/KEY      path: it is in the path
 *     gs://b      https://storage.googleapis.com/b/KEY
 *     either      ENDPOINT/b/KEY                             a server that was typed or set
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include <arec/remote_options.h>

#include "remote/url.h"

#define AREC_ENDPOINT_DEFAULT_REGION "us-east-1"
#define AREC_ENDPOINT_MAX_REGION 63

typedef struct {
    ArecUrlScheme scheme; /* S3 or GS */
    const char *bucket;
    const ArecUrl *server; /* of AREC_URL_ENDPOINT; NULL: AWS's for the region, or Google's */
    const char *region;    /* of S3: arec_endpoint_is_region () */
    ArecAddressing addressing;
} ArecEndpointChoice;

typedef struct {
    char *origin;    /* `https://HOST:PORT`, without the port that is the default */
    char *authority; /* of it, as a `Host` header has it */
    char *path;      /* of the bucket, not encoded, without a slash at its end: `` or `/b` */
    char *server;    /* path of the server itself, in the same form */
} ArecEndpoint;

/* @endpoint  (out) clear it; untouched on failure.
 * Errors: INVALID, the bucket cannot be a part of this host's name, or the path of the server
 * is no text when decoded. */
bool arec_endpoint_find (const ArecEndpointChoice *choice, ArecEndpoint *endpoint,
                         GError **error);
void arec_endpoint_clear (ArecEndpoint *endpoint); /* takes a zeroed one */

/* Whether @text can be a region: it becomes a part of a host's name. */
bool arec_endpoint_is_region (const char *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecEndpoint, arec_endpoint_clear)
