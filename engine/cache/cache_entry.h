/* What was loaded, or is being loaded, with those who hold it. Thread-safe. */
#pragma once

#include <stdint.h>

#include <glib.h>

typedef struct ArecCacheEntry ArecCacheEntry;

typedef struct {
    uint64_t owner;  /* whose: unique for each file and kind of thing */
    uint64_t number; /* which of the owner's */
} ArecCacheKey;

void *arec_cache_entry_value (const ArecCacheEntry *entry);
ArecCacheKey arec_cache_entry_key (const ArecCacheEntry *entry);
ArecCacheEntry *arec_cache_entry_ref (ArecCacheEntry *entry);
void arec_cache_entry_unref (ArecCacheEntry *entry); /* takes NULL */

/* The same for the cache itself, which may hold its lock if the entry has no value or stays in
 * the table: then nothing is freed that takes long, and nobody waits for it. */
void arec_cache_entry_release (ArecCacheEntry *entry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCacheEntry, arec_cache_entry_unref)
