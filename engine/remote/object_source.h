/* A source over one object of a server.
 *
 *     preadv: kept end of the file | request under way, joined | new request --> wait --> copy
 *
 * - Its version is that of the first answer; each answer is compared with it, so the bytes of
 *   two versions never mix. Once it has changed, every read that needs the server is CHANGED.
 * - A byte that is under way is not asked for again: readers join the request.
 * - What came with the opening is kept, until it was read at least, so the opening of an
 *   ArrayRecord file asks for nothing more where its footer lies within.
 *
 * Thread-safe.
 */
#pragma once

#include <glib.h>

#include <arec/cancel.h>

#include "remote/http_client.h"
#include "remote/url.h"
#include "source/source.h"

/* What is known of an object. */
typedef struct {
    ArecObjectVersion version;
    bool is_whole; /* its server gives no ranges */
} ArecObjectFacts;

/* Opens the object. @client outlives the source.
 * @url     of http or https, an OBJECT.
 * @cancel  nullable.
 * Errors: NOT_FOUND (absent, refused, no usable answer), UNSUPPORTED (no libcurl, encoded), IO,
 * NOMEM, CANCELLED. Blocks on the network. */
ArecSource *arec_object_source_new (ArecHttpClient *client, const ArecUrl *url,
                                    const ArecCancel *cancel, GError **error);

/* The same where the object may be known.
 * @known  what it was, with a validator; NULL: unknown. If it still is, no byte of it comes.
 * @facts  (out) what it is. Not owned: valid while the source is. */
ArecSource *arec_object_source_renew (ArecHttpClient *client, const ArecUrl *url,
                                      const ArecObjectVersion *known, const ArecCancel *cancel,
                                      ArecObjectFacts *facts, GError **error);
