/* The first requests for an object: its size, its version, and the end of its bytes.
 *
 *     bytes=B-E ------> 206: size as listed, version, end of the file      size from a listing
 *         |
 *         | 206 of another size, 416: it was replaced
 *         v
 *     bytes=-131072 --> 206: size, version, end of the file      most servers: one request
 *         |
 *         | 200, 400, 416, 501: no suffix ranges
 *         v
 *     bytes=0-0 ------> 206: size, version
 *         |
 *         | 200: no ranges
 *         v
 *     all of it, if it is small
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "remote/http_client.h"

/* An object of a server without ranges is read whole, up to this size. */
#define AREC_OBJECT_MAX_WHOLE (UINT64_C (64) << 20)

typedef struct {
    ArecObjectVersion version;
    ArecHttpRequest *request; /* whose result holds bytes of the object; NULL: none */
    bool is_whole;            /* these are all, of a server that gives no ranges */
} ArecObjectOpening;

/* @name     of the object, for messages.
 * @size     what a listing said, or AREC_RANGE_UNKNOWN_SIZE.
 * @opening  (out) clear it; untouched on failure.
 * Errors: NOT_FOUND, UNSUPPORTED, IO, NOMEM, CANCELLED. Blocks on the network, half the
 * deadline of the client at most for each request. */
bool arec_object_open (ArecHttpClient *client, ArecHttpTarget *target, const char *name,
                       uint64_t size, const ArecCancel *cancel, ArecObjectOpening *opening,
                       GError **error);
void arec_object_opening_clear (ArecObjectOpening *opening); /* takes a zeroed one */

/* A request that has not got its bytes, as an error.
 * @is_done    false: it was cancelled.
 * @is_opened  the object was there before. */
bool arec_object_fail (const ArecHttpRequest *request, bool is_done, bool is_opened,
                       const char *name, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecObjectOpening, arec_object_opening_clear)
