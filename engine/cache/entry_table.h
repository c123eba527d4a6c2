/* The entries of a cache by their keys: a table of chains, which grows. Under the lock of the
 * cache.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/cache_entry.h"

typedef struct {
    ArecCacheEntry **buckets; /* linked by `next` */
    size_t n_buckets;         /* a power of two */
    size_t n;                 /* entries */
} ArecEntryTable;

uint64_t arec_cache_key_hash (ArecCacheKey key);

void arec_entry_table_init (ArecEntryTable *table);

/* @hash  arec_cache_key_hash (). NULL: there is no such entry. */
ArecCacheEntry *arec_entry_table_find (const ArecEntryTable *table, ArecCacheKey key,
                                       uint64_t hash);

/* @entry  with its key and the hash of its seat; no other has this key. */
void arec_entry_table_insert (ArecEntryTable *table, ArecCacheEntry *entry);
void arec_entry_table_remove (ArecEntryTable *table, ArecCacheEntry *entry);

/* Frees the table, not its entries. */
void arec_entry_table_clear (ArecEntryTable *table);
