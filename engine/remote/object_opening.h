/* The first requests for an object: its size, its version, and the end of its bytes.
 *
 *     bytes=B-E ------> 206: size as listed, version, end of the file      size from a listing
 *         |
 *         | 206 of another size, 416: it was replaced
 *         v
 *     bytes=-131072 --> 206: size, version, end of the file      most servers: one request
 *         |             304: still the known version             if there is one
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

/* What is known of an object before it is opened. */
typedef struct {
    uint64_t size;                  /* by a listing; AREC_RANGE_UNKNOWN_SIZE: unknown */
    const ArecObjectVersion *known; /* what it was, with a validator: if it still is, no byte of
                                       it comes. NULL: unknown */
} ArecObjectHint;

#define AREC_OBJECT_UNKNOWN ((ArecObjectHint){.size = AREC_RANGE_UNKNOWN_SIZE})

/* @name     of the object, for messages.
 * @hint     what is known of it already.
 * @opening  (out) clear it; untouched on failure.
 * Errors: NOT_FOUND, UNSUPPORTED, IO, NOMEM, CANCELLED. Blocks on the network, half the
 * deadline of the client at most for each request. */
bool arec_object_open (ArecHttpClient *client, ArecHttpTarget *target, const char *name,
                       const ArecObjectHint *hint, const ArecCancel *cancel,
                       ArecObjectOpening *opening, GError **error);
void arec_object_opening_clear (ArecObjectOpening *opening); /* takes a zeroed one */

/* A request that has not got its bytes, as an error.
 * @is_done    false: it was cancelled.
 * @is_opened  the object was there before. */
bool arec_object_fail (const ArecHttpRequest *request, bool is_done, bool is_opened,
                       const char *name, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecObjectOpening, arec_object_opening_clear)
