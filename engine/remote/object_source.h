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
#include "remote/object_opening.h"
#include "source/source.h"

/* What is known of an object. */
typedef struct {
    ArecObjectVersion version;
    bool is_whole; /* its server gives no ranges */
} ArecObjectFacts;

/* Opens the object. @client outlives the source.
 * @name    for messages: the URL without its query.
 * @cancel  nullable.
 * Errors: NOT_FOUND (absent, refused, no credentials, no usable answer), UNSUPPORTED (no
 * libcurl, encoded), IO, NOMEM, CANCELLED; those of arec_credentials_get (). Blocks on the
 * network. */
ArecSource *arec_object_source_new (ArecHttpClient *client, ArecHttpTarget *target,
                                    const char *name, const ArecCancel *cancel, GError **error);

/* The same where something is known of the object. If that is no longer so, it costs a request
 * more.
 * @facts  (out) what it is. Not owned: valid while the source is. */
ArecSource *arec_object_source_open (ArecHttpClient *client, ArecHttpTarget *target,
                                     const char *name, const ArecObjectHint *hint,
                                     const ArecCancel *cancel, ArecObjectFacts *facts,
                                     GError **error);
