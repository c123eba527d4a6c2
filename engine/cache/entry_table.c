#include "cache/entry_table.h"

#include "cache/cache_inside.h"

#define MIN_BUCKETS 64

uint64_t
arec_cache_key_hash (ArecCacheKey key)
{
    uint64_t hash = (key.owner * UINT64_C (0x9e3779b97f4a7c15)) ^ key.number;

    hash = (hash ^ (hash >> 32)) * UINT64_C (0xd6e8feb86659fd93);
    return hash ^ (hash >> 32);
}

ArecCacheEntry *
arec_entry_table_find (const ArecEntryTable *table, ArecCacheKey key, uint64_t hash)
{
    ArecCacheEntry *entry = table->buckets[hash & (table->n_buckets - 1)];

    while (entry && (entry->key.number != key.number || entry->key.owner != key.owner)) {
        entry = entry->next;
    }
    return entry;
}

static void
put_in_bucket (ArecCacheEntry **buckets, size_t n_buckets, ArecCacheEntry *entry)
{
    ArecCacheEntry **bucket = &buckets[entry->seat.hash & (n_buckets - 1)];

    entry->next = *bucket;
    *bucket = entry;
}

static void
grow (ArecEntryTable *table)
{
    size_t n = 2 * table->n_buckets;
    ArecCacheEntry **buckets = g_try_new0 (ArecCacheEntry *, n);

    if (!buckets) {
        return; /* the old table still works, with longer buckets */
    }
    for (size_t i = 0; i < table->n_buckets; i++) {
        for (ArecCacheEntry *entry = table->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            put_in_bucket (buckets, n, entry);
        }
    }
    g_free (table->buckets);
    table->buckets = buckets;
    table->n_buckets = n;
}

void
arec_entry_table_insert (ArecEntryTable *table, ArecCacheEntry *entry)
{
    /* At most half full, so that most look-ups of an absent key end at an empty bucket. */
    if (table->n >= table->n_buckets / 2) {
        grow (table);
    }
    put_in_bucket (table->buckets, table->n_buckets, entry);
    table->n++;
}

void
arec_entry_table_remove (ArecEntryTable *table, ArecCacheEntry *entry)
{
    ArecCacheEntry **link = &table->buckets[entry->seat.hash & (table->n_buckets - 1)];

    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    table->n--;
}

void
arec_entry_table_init (ArecEntryTable *table)
{
    table->n_buckets = MIN_BUCKETS;
    table->buckets = g_new0 (ArecCacheEntry *, MIN_BUCKETS);
    table->n = 0;
}

void
arec_entry_table_clear (ArecEntryTable *table)
{
    g_free (table->buckets);
}
