#include "remote/http_request.h"

#include "base/thread.h"
#include "remote/rate.h"

ArecHttpTarget *
arec_http_target_new (const ArecUrl *url)
{
    ArecHttpTarget *target = g_new0 (ArecHttpTarget, 1);
    g_autofree char *authority = arec_url_authority (url);

    target->refs = 1;
    target->url = arec_url_whole (url);
    target->host =
        g_strconcat (url->scheme == AREC_URL_HTTP ? "http://" : "https://", authority, NULL);
    target->window = AREC_RATE_MIN_TARGET;
    return target;
}

ArecHttpTarget *
arec_http_target_new_signed (ArecHttpSigner *signer, const char *url, const char *host,
                             ArecHttpSubject *subject)
{
    ArecHttpTarget *target = g_new0 (ArecHttpTarget, 1);

    target->refs = 1;
    target->url = g_strdup (url);
    target->host = g_strdup (host);
    target->signer = arec_http_signer_ref (signer);
    target->subject = *subject;
    *subject = (ArecHttpSubject){0};
    target->window = AREC_RATE_MIN_TARGET;
    return target;
}

ArecHttpTarget *
arec_http_target_ref (ArecHttpTarget *target)
{
    atomic_fetch_add (&target->refs, 1);
    return target;
}

void
arec_http_target_unref (ArecHttpTarget *target)
{
    if (!target || atomic_fetch_sub (&target->refs, 1) > 1) {
        return;
    }
    g_free (target->url);
    g_free (target->host);
    g_free (target->redirected);
    arec_http_signer_unref (target->signer);
    arec_http_subject_clear (&target->subject);
    g_free (target);
}

static ArecHttpRequest *
new_request (ArecHttpTarget *target, int64_t patience)
{
    ArecHttpRequest *request = g_new0 (ArecHttpRequest, 1);

    request->refs = 1;
    request->target = arec_http_target_ref (target);
    arec_cond_init (&request->done);
    request->patience = patience;
    request->deadline = g_get_monotonic_time() + patience;
    request->retry.deadline = request->deadline;
    return request;
}

ArecHttpRequest *
arec_http_request_new (ArecHttpTarget *target, const ArecRangeRequest *range,
                       const ArecObjectVersion *pinned, int64_t patience)
{
    g_autoptr (ArecHttpRequest) request = new_request (target, patience);

    request->range = *range;
    if (pinned) {
        request->is_pinned = true;
        request->retry.is_open = true;
        arec_object_version_copy (pinned, &request->pinned);
    }
    request->capacity = range->span.end - range->span.begin;
    request->buffer = g_try_malloc (request->capacity);
    return request->buffer ? g_steal_pointer (&request) : NULL;
}

void
arec_http_request_spare (ArecHttpRequest *request, const ArecObjectVersion *known)
{
    request->is_known = true;
    arec_object_version_copy (known, &request->known);
}

ArecHttpRequest *
arec_http_request_new_page (ArecHttpTarget *target, int64_t patience)
{
    ArecHttpRequest *request = new_request (target, patience);

    request->is_page = true;
    request->range.urgency = AREC_URGENCY_DEMAND;
    return request;
}

ArecHttpRequest *
arec_http_request_ref (ArecHttpRequest *request)
{
    atomic_fetch_add (&request->refs, 1);
    return request;
}

/* What it has received, and nobody has read. */
static void
count_waste (const ArecHttpRequest *request)
{
    bool is_of_object = request->kind == AREC_HTTP_RANGE || request->kind == AREC_HTTP_OPEN;

    if (request->counters && is_of_object && request->received > request->n_read) {
        arec_remote_count (&request->counters->bytes_wasted,
                           request->received - request->n_read);
    }
}

void
arec_http_request_unref (ArecHttpRequest *request)
{
    if (!request || atomic_fetch_sub (&request->refs, 1) > 1) {
        return;
    }
    count_waste (request);
    arec_http_target_unref (request->target);
    arec_object_version_clear (&request->pinned);
    arec_object_version_clear (&request->known);
    arec_object_version_clear (&request->result.found);
    g_free (request->result.reason);
    g_free (request->last);
    g_free (request->renewal_fault);
    g_free (request->buffer);
    pthread_cond_destroy (&request->done);
    g_free (request);
}
