/* An object of a server with a disk cache in front of it.
 *
 *     names of the cache -> what it was -> the opening asks whether it still is -> block cache
 *
 * An object that is as the cache knows it costs one request and no bytes of it. An object
 * without a validator, and one of a server that gives no ranges, is read without the cache.
 */
#pragma once

#include "remote/cache_dir.h"
#include "remote/object_source.h"

/* As arec_object_source_open ().
 * @dir   outlives the source.
 * @size  of the object by a listing, or AREC_RANGE_UNKNOWN_SIZE. */
ArecSource *arec_object_cache_open (ArecHttpClient *client, ArecCacheDir *dir,
                                    ArecHttpTarget *target, const char *name, uint64_t size,
                                    const ArecCancel *cancel, ArecObjectFacts *facts,
                                    GError **error);
