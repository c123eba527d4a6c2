#include "remote/object_opening.h"

#include <inttypes.h>

#include "base/error.h"

void
arec_object_opening_clear (ArecObjectOpening *opening)
{
    arec_object_version_clear (&opening->version);
    g_clear_pointer (&opening->request, arec_http_request_unref);
}

/* ---- failures ---- */

/* After the opening, an object that cannot be read is a device that fails. */
static ArecError
code_of (const ArecHttpResult *result, bool is_opened)
{
    switch (result->end) {
    case AREC_HTTP_STOPPED: return AREC_ERROR_CANCELLED;
    case AREC_HTTP_CHANGED: return AREC_ERROR_CHANGED;
    case AREC_HTTP_ENCODED: return is_opened ? AREC_ERROR_IO : AREC_ERROR_UNSUPPORTED;
    case AREC_HTTP_GOT:
    case AREC_HTTP_SAME:
    case AREC_HTTP_NO_RANGES:
    case AREC_HTTP_REFUSED:
    case AREC_HTTP_FAILED: break;
    }
    return is_opened ? AREC_ERROR_IO : AREC_ERROR_NOT_FOUND;
}

static char *
text_of (const ArecHttpResult *result)
{
    switch (result->end) {
    case AREC_HTTP_CHANGED:
        return g_strdup_printf ("the object changed since it was opened, or its servers differ:"
                                " %s",
                                result->reason);
    case AREC_HTTP_NO_RANGES:
        return g_strdup_printf ("the server gives no ranges of it; without, at most %" PRIu64
                                " MiB are read",
                                AREC_OBJECT_MAX_WHOLE >> 20);
    case AREC_HTTP_ENCODED:
        return g_strdup ("it is stored, or sent, with a Content-Encoding such as gzip, so its"
                         " ranges are not those of the file");
    case AREC_HTTP_GOT:
    case AREC_HTTP_SAME:
    case AREC_HTTP_REFUSED:
    case AREC_HTTP_FAILED:
    case AREC_HTTP_STOPPED: break;
    }
    return g_strdup (result->reason);
}

bool
arec_object_fail (const ArecHttpRequest *request, bool is_done, bool is_opened,
                  const char *name, GError **error)
{
    const ArecHttpResult *result = &request->result;
    g_autofree char *text = NULL;

    if (!is_done) {
        return arec_fail (error, AREC_ERROR_CANCELLED, "%s: cancelled", name);
    }
    text = text_of (result);
    if (result->end == AREC_HTTP_CHANGED || !is_opened) {
        return arec_fail (error, code_of (result, is_opened), "%s: %s", name, text);
    }
    return arec_fail_place (error, code_of (result, is_opened), name, request->range.span.begin,
                            "%s", text);
}

/* ---- requests ---- */

typedef struct {
    ArecHttpClient *client;
    ArecHttpTarget *target;
    const char *name;
    const ArecCancel *cancel;
    ArecObjectHint hint;
} Opening;

/* One request, to its end. Returns (transfer full); NULL: @error is set, there is no result. */
static ArecHttpRequest *
ask (const Opening *opening, const ArecRangeRequest *range, const ArecObjectVersion *pinned,
     GError **error)
{
    g_autoptr (ArecHttpRequest) request = arec_http_request_new (
        opening->target, range, pinned, arec_http_client_deadline (opening->client) / 2);

    if (!request) {
        arec_fail (error, AREC_ERROR_NOMEM, "%s: out of memory", opening->name);
        return NULL;
    }
    request->kind = AREC_HTTP_OPEN;
    if (opening->hint.known && !pinned) {
        arec_http_request_spare (request, opening->hint.known);
    }
    if (!arec_http_client_submit (opening->client, request, error)) {
        g_prefix_error (error, "%s: ", opening->name);
        return NULL;
    }
    if (!arec_http_client_wait (opening->client, request, opening->cancel)) {
        arec_http_client_abandon (opening->client, request);
        arec_object_fail (request, false, false, opening->name, error);
        return NULL;
    }
    return g_steal_pointer (&request);
}

static bool
fail_unsized (const Opening *opening, GError **error)
{
    return arec_fail (error, AREC_ERROR_NOT_FOUND,
                      "%s: the server gives neither ranges nor the size of it", opening->name);
}

/* Takes @request, which got its bytes. */
static bool
take (ArecHttpRequest *request, ArecObjectOpening *out)
{
    arec_object_version_copy (&request->result.found, &out->version);
    out->request = request;
    return true;
}

static bool
is_empty_object (const ArecHttpResult *result)
{
    return result->end == AREC_HTTP_REFUSED && result->status == 416 && result->total == 0;
}

/* Whether another form of range may succeed. */
static bool
may_want_other_range (const ArecHttpResult *result)
{
    return result->end == AREC_HTTP_NO_RANGES ||
           (result->end == AREC_HTTP_REFUSED &&
            (result->status == 400 || result->status == 416 || result->status == 501));
}

static bool
open_whole (const Opening *opening, const ArecObjectVersion *version, ArecObjectOpening *out,
            GError **error)
{
    const ArecRangeRequest all = {.span = {0, version->size}, .urgency = AREC_URGENCY_DEMAND};
    g_autoptr (ArecHttpRequest) request = ask (opening, &all, version, error);

    if (!request) {
        return false;
    }
    if (request->result.end != AREC_HTTP_GOT) {
        return arec_object_fail (request, true, false, opening->name, error);
    }
    out->is_whole = true;
    return take (g_steal_pointer (&request), out);
}

/* A server without suffix ranges: size and version first. */
static bool
open_by_position (const Opening *opening, ArecObjectOpening *out, GError **error)
{
    const ArecRangeRequest first = {.span = {0, 1}, .urgency = AREC_URGENCY_DEMAND};
    g_autoptr (ArecHttpRequest) request = ask (opening, &first, NULL, error);
    const ArecHttpResult *result = request ? &request->result : NULL;

    if (!request) {
        return false;
    }
    if (result->end == AREC_HTTP_REFUSED && result->status == 416) {
        return true; /* there is no first byte */
    }
    if (result->end != AREC_HTTP_GOT && result->end != AREC_HTTP_NO_RANGES) {
        return arec_object_fail (request, true, false, opening->name, error);
    }
    if (result->found.size == AREC_HTTP_UNKNOWN) {
        return fail_unsized (opening, error);
    }
    if (result->end == AREC_HTTP_GOT) {
        arec_http_client_note_positions (opening->client, opening->target);
        arec_object_version_copy (&result->found, &out->version);
        return true;
    }
    if (result->found.size > AREC_OBJECT_MAX_WHOLE) {
        return arec_object_fail (request, true, false, opening->name, error);
    }
    return result->found.size == 0 || open_whole (opening, &result->found, out, error);
}

static bool
open_by_suffix (const Opening *opening, ArecObjectOpening *out, GError **error)
{
    const ArecRangeRequest suffix = arec_range_plan_opening (AREC_RANGE_UNKNOWN_SIZE);
    g_autoptr (ArecHttpRequest) request = NULL;
    Opening unknown = *opening;

    if (arec_http_client_wants_positions (opening->client, opening->target)) {
        return open_by_position (opening, out, error);
    }
    request = ask (opening, &suffix, NULL, error);
    if (!request) {
        return false;
    }
    if (request->result.end == AREC_HTTP_GOT) {
        return take (g_steal_pointer (&request), out);
    }
    if (request->result.end == AREC_HTTP_SAME) {
        arec_object_version_copy (opening->hint.known, &out->version);
        return true;
    }
    if (is_empty_object (&request->result)) {
        return true;
    }
    unknown.hint.known = NULL;
    if (opening->hint.known && request->result.status == 304) {
        return open_by_suffix (&unknown, out, error);
    }
    if (may_want_other_range (&request->result)) {
        return open_by_position (&unknown, out, error);
    }
    return arec_object_fail (request, true, false, opening->name, error);
}

/* The end of an object whose size was listed, by its position. If it has another size by now,
 * it is opened as if nothing was known: none of its bytes was read before. */
static bool
open_listed (const Opening *opening, ArecObjectOpening *out, GError **error)
{
    const uint64_t size = opening->hint.size;
    const ArecRangeRequest end = arec_range_plan_opening (size);
    g_autoptr (ArecHttpRequest) request = ask (opening, &end, NULL, error);
    const ArecHttpResult *result = request ? &request->result : NULL;
    Opening unknown = *opening;

    if (!request) {
        return false;
    }
    if (result->end == AREC_HTTP_GOT && result->found.size == size) {
        return take (g_steal_pointer (&request), out);
    }
    if (result->end == AREC_HTTP_SAME) {
        arec_object_version_copy (opening->hint.known, &out->version);
        return true;
    }
    unknown.hint.known = NULL;
    if (result->end == AREC_HTTP_GOT || result->status == 304 ||
        may_want_other_range (result)) {
        return open_by_suffix (&unknown, out, error);
    }
    return arec_object_fail (request, true, false, opening->name, error);
}

bool
arec_object_open (ArecHttpClient *client, ArecHttpTarget *target, const char *name,
                  const ArecObjectHint *hint, const ArecCancel *cancel, ArecObjectOpening *out,
                  GError **error)
{
    const Opening opening = {client, target, name, cancel, *hint};

    *out = (ArecObjectOpening){0};
    if (hint->size == AREC_RANGE_UNKNOWN_SIZE || hint->size == 0) {
        return open_by_suffix (&opening, out, error);
    }
    return open_listed (&opening, out, error);
}
