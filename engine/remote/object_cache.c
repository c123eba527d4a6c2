#include "remote/object_cache.h"

#include <inttypes.h>
#include <string.h>

#include "remote/block_cache.h"
#include "remote/cache_names.h"

/* ---- versions and names ---- */

/* Whether something is known that a server can be asked about. @version  (out) clear it. */
static bool
find_known (ArecCacheDir *dir, const char *url, ArecObjectVersion *version)
{
    g_auto (ArecCacheName) name = {0};

    *version = (ArecObjectVersion){0};
    if (!arec_cache_names_get (dir, url, "", &name)) {
        return false;
    }
    version->size = name.size;
    version->etag = g_steal_pointer (&name.etag);
    if (name.last_modified != 0) {
        version->last_modified = name.last_modified;
        version->last_modified_text = arec_object_version_date (name.last_modified);
    }
    return !arec_object_version_is_bare (version);
}

static bool
is_known_as (const ArecObjectVersion *known, const ArecObjectVersion *version)
{
    return known->size == version->size && g_strcmp0 (known->etag, version->etag) == 0 &&
           !known->last_modified_text == !version->last_modified_text &&
           known->last_modified == version->last_modified;
}

static void
keep_known (ArecCacheDir *dir, const char *url, const ArecObjectVersion *version)
{
    const ArecCacheName name = {.size = version->size,
                                .etag = version->etag,
                                .last_modified =
                                    version->last_modified_text ? version->last_modified : 0};

    arec_cache_names_put (dir, url, "", &name);
}

/* What makes it this very object. */
static char *
identity_of (const char *url, const ArecObjectVersion *version)
{
    return version->etag
               ? g_strdup_printf ("%s\n%" PRIu64 "\netag %s", url, version->size, version->etag)
               : g_strdup_printf ("%s\n%" PRIu64 "\nmodified %" PRId64, url, version->size,
                                  version->last_modified);
}

/* ---- opening ---- */

static ArecSource *
put_cache_over (ArecSource *source, ArecCacheDir *dir, const char *url,
                const ArecObjectVersion *version)
{
    g_autofree char *identity = identity_of (url, version);

    return arec_block_cache_new (source, dir, identity);
}

ArecSource *
arec_object_cache_open (ArecHttpClient *client, ArecCacheDir *dir, const ArecUrl *url,
                        const ArecCancel *cancel, ArecObjectFacts *facts, GError **error)
{
    g_autofree char *text = arec_url_whole (url);
    g_auto (ArecObjectVersion) known = {0};
    bool is_known = find_known (dir, text, &known);
    ArecSource *source =
        arec_object_source_renew (client, url, is_known ? &known : NULL, cancel, facts, error);

    if (!source || facts->is_whole || arec_object_version_is_bare (&facts->version)) {
        return source;
    }
    if (!is_known || !is_known_as (&known, &facts->version)) {
        keep_known (dir, text, &facts->version);
    }
    return put_cache_over (source, dir, text, &facts->version);
}
