/* All objects of a bucket whose keys begin alike: page after page, until there are no more.
 *
 *     parameters -> get a page -> parse -> keep what is wanted -> token of the next page
 *         ^                                                              |
 *         +--------------------------------------------------------------+
 *
 * Who gets a page, from a server or a test, is the caller's. One thread at a time. Memory: one
 * page, and what is kept. Pages are hostile: a listing ends, with an error if need be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/cancel.h>

#include "base/buffer.h"
#include "remote/object_list.h"
#include "remote/s3_sign.h"
#include "remote/url.h"

typedef struct {
    /* Asks for a page about the bucket of @url: S3: `GET /BUCKET?...`, GCS: that of its JSON
     * API, `GET /storage/v1/b/BUCKET/o?...`.
     * @parameters  of the query, not encoded, in order of their names.
     * @page        (out) empty before. At most AREC_LIST_PAGE_MAX_SIZE bytes.
     * Errors: NOT_FOUND, UNSUPPORTED, IO, NOMEM, CANCELLED; the message names the bucket.
     * Blocks on the network. */
    bool (*get) (void *data, const ArecUrl *url, const ArecS3Parameter *parameters,
                 size_t n_parameters, const ArecCancel *cancel, ArecBuffer *page,
                 GError **error);
    void *data;
} ArecBucketPages;

/* What is wanted of a bucket. */
typedef struct {
    const ArecUrl
        *url;     /* of a PREFIX or a GLOB: keys begin with url->prefix bytes of its key */
    bool is_flat; /* no key is wanted that has a `/` after that: servers leave them out */
    /* Whether an object is kept. */
    bool (*takes) (void *data, const ArecListedObject *object);
    void *data;
    const ArecCancel *cancel; /* nullable */
} ArecBucketWish;

/* Adds the objects that are wanted to @list, sorted, each key once.
 * @n_left_out  (out) keys that no URL can have.
 * Errors: those of get (); CORRUPT, a page that is none, or that leads to no end; LIMIT, NOMEM.
 * After a failure @list holds some objects. Blocks on the network. */
bool arec_bucket_list (const ArecBucketPages *pages, const ArecBucketWish *wish,
                       ArecObjectList *list, size_t *n_left_out, GError **error);
