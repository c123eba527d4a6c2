#include "remote/object_page.h"

#include "remote/object_opening.h"

ArecHttpRequest *
arec_object_page_get (ArecHttpClient *client, ArecObjectBucket *bucket,
                      const ArecS3Parameter *parameters, size_t n, const char *name,
                      const ArecCancel *cancel, GError **error)
{
    g_autoptr (ArecHttpTarget) target = arec_object_bucket_listing (bucket, parameters, n);
    g_autoptr (ArecHttpRequest) request =
        arec_http_request_new_page (target, arec_http_client_deadline (client) / 2);
    bool is_done;

    request->kind = AREC_HTTP_LIST;
    if (!arec_http_client_submit (client, request, error)) {
        g_prefix_error (error, "%s: ", name);
        return NULL;
    }
    is_done = arec_http_client_wait (client, request, cancel);
    if (!is_done) {
        arec_http_client_abandon (client, request);
    }
    if (!is_done || request->result.end != AREC_HTTP_GOT) {
        arec_object_fail (request, is_done, false, name, error);
        return NULL;
    }
    return g_steal_pointer (&request);
}
