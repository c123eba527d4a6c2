/* What is known of objects by their names: a file of the disk cache for each, so that a second
 * mount asks only whether it is still so.
 *
 * Neither a name nor what it holds can be read from a file's name; the file has the validators
 * alone, and a hash by the directory's key. What does not match, or could not stand in a header
 * of a request, is unknown. Thread-safe, over all processes; a file is replaced whole.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "remote/cache_dir.h"

/* Longest ETag that is kept: bytes. */
#define AREC_CACHE_NAME_MAX_ETAG 1024

/* Zero-initialised, nothing is known. */
typedef struct {
    uint64_t size;         /* bytes */
    char *etag;            /* as sent, with its quotes and `W/`; NULL: none */
    uint64_t generation;   /* of GCS; 0: none */
    int64_t last_modified; /* seconds since 1970; 0: unknown */
} ArecCacheName;

void arec_cache_name_clear (ArecCacheName *name);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecCacheName, arec_cache_name_clear)

/* What is known of the object at @url, with its query, on @endpoint, "" where that is part of
 * the URL. Returns false if nothing is. Blocks on I/O.
 * @out  (transfer full), zeroed before. */
bool arec_cache_names_get (ArecCacheDir *dir, const char *url, const char *endpoint,
                           ArecCacheName *out);

/* Keeps @name of it. An ETag that is too long, or holds a byte that no header may, is not kept,
 * and then nothing is known. Blocks on I/O. */
void arec_cache_names_put (ArecCacheDir *dir, const char *url, const char *endpoint,
                           const ArecCacheName *name);

/* Nothing is known of it any more. Blocks on I/O. */
void arec_cache_names_drop (ArecCacheDir *dir, const char *url, const char *endpoint);
