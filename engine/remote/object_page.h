/* A page of a bucket's listing, asked for as its requests are authorised.
 *
 *     bucket, parameters -> request, whole -> list_page.h parses it
 */
#pragma once

#include <stddef.h>

#include <glib.h>

#include <arec/cancel.h>

#include "remote/http_client.h"
#include "remote/object_bucket.h"

/* Gets the page: `result.span.end` bytes in the buffer of the request, at most
 * AREC_HTTP_MAX_PAGE of them.
 * @parameters  of the query, not encoded: of ListObjectsV2 for S3 (`list-type`, `prefix`,
 *              `encoding-type`, `continuation-token`), of `objects.list` for GCS (`prefix`,
 *              `pageToken`, `fields`).
 * @name        of what is listed, for messages.
 * @cancel      nullable.
 * Returns (transfer full) arec_http_request_unref (). Errors: NOT_FOUND (absent, refused, no
 * credentials, no usable answer), UNSUPPORTED, INVALID, IO, NOMEM, CANCELLED. Blocks on the
 * network, half the deadline of the client at most. */
ArecHttpRequest *arec_object_page_get (ArecHttpClient *client, ArecObjectBucket *bucket,
                                       const ArecS3Parameter *parameters, size_t n,
                                       const char *name, const ArecCancel *cancel,
                                       GError **error);
