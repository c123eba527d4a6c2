/* Pages of the listings of buckets, got by the client of an engine. */
#include <arec/engine.h>

#include "base/error.h"
#include "dataset/engine.h"
#include "naming/source_list.h"

#ifdef AREC_HAVE_LIBCURL
#include "remote/object_page.h"
#include "remote/object_stores.h"

static bool
get_page (void *data, const ArecUrl *url, const ArecS3Parameter *parameters,
          size_t n_parameters, const ArecCancel *cancel, ArecBuffer *page, GError **error)
{
    ArecEngine *engine = data;
    g_autofree char *shown = arec_url_shown (url);
    g_autoptr (ArecObjectBucket) bucket =
        arec_object_stores_bucket (engine->stores, url, error);
    g_autoptr (ArecHttpRequest) request = NULL;

    if (!bucket) {
        g_prefix_error (error, "%s: ", shown);
        return false;
    }
    request = arec_object_page_get (engine->http, bucket, parameters, n_parameters, shown,
                                    cancel, error);
    if (!request) {
        return false;
    }
    return arec_buffer_append (page, request->buffer, request->result.span.end) ||
           arec_fail (error, AREC_ERROR_NOMEM, "%s: out of memory", shown);
}
#endif

void
arec_engine_list_buckets (ArecEngine *engine, ArecSourceList *list, const ArecCancel *cancel)
{
#ifdef AREC_HAVE_LIBCURL
    list->pages = (ArecBucketPages){get_page, engine};
#else
    (void)engine;
#endif
    list->cancel = cancel;
}
