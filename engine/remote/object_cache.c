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
    version->generation = name.generation;
    version->etag = g_steal_pointer (&name.etag);
    if (name.last_modified != 0) {
        version->last_modified = name.last_modified;
        version->last_modified_text = arec_object_version_date (name.last_modified);
    }
    return version->etag || version->last_modified_text;
}

static bool
is_known_as (const ArecObjectVersion *known, const ArecObjectVersion *version)
{
    return known->size == version->size && known->generation == version->generation &&
           g_strcmp0 (known->etag, version->etag) == 0 &&
           !known->last_modified_text == !version->last_modified_text &&
           known->last_modified == version->last_modified;
}

static void
keep_known (ArecCacheDir *dir, const char *url, const ArecObjectVersion *version)
{
    const ArecCacheName name = {.size = version->size,
                                .generation = version->generation,
                                .etag = version->etag,
                                .last_modified =
                                    version->last_modified_text ? version->last_modified : 0};

    arec_cache_names_put (dir, url, "", &name);
}

/* What makes it this very object. */
static char *
identity_of (const char *url, const ArecObjectVersion *version)
{
    if (version->generation != 0) {
        return g_strdup_printf ("%s\n%" PRIu64 "\ngeneration %" PRIu64, url, version->size,
                                version->generation);
    }
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
arec_object_cache_open (ArecHttpClient *client, ArecCacheDir *dir, ArecHttpTarget *target,
                        const char *name, uint64_t size, const ArecCancel *cancel,
                        ArecObjectFacts *facts, GError **error)
{
    g_auto (ArecObjectVersion) known = {0};
    bool is_known = find_known (dir, target->url, &known);
    const ArecObjectHint hint = {.size = size, .known = is_known ? &known : NULL};
    ArecSource *source =
        arec_object_source_open (client, target, name, &hint, cancel, facts, error);

    if (!source || facts->is_whole || arec_object_version_is_bare (&facts->version)) {
        return source;
    }
    if (!is_known || !is_known_as (&known, &facts->version)) {
        keep_known (dir, target->url, &facts->version);
    }
    return put_cache_over (source, dir, target->url, &facts->version);
}
