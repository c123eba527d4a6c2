#include "cache/chunk_cache.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum { LOADING, READY, FAILED } State;

struct ArecCacheEntry {
    ArecCacheKey key;
    _Atomic unsigned refs; /* the table's, and one for each user */
    State state;           /* guarded by the cache's lock */
    bool large;            /* may stay beyond the budget */
    bool is_ahead;         /* loaded before anybody asked, and nobody has yet */
    uint64_t cost;         /* bytes; while LOADING: what is expected */
    void *value;
    void (*free_value) (void *value);
    GError *error; /* of FAILED, for those that waited */
    GList link;    /* in the cache's order of use, when READY and in the table */
};

struct ArecChunkCache {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a load ended */
    uint64_t budget;
    uint64_t ceiling;
    unsigned max_loads;
    unsigned loads; /* in flight */
    uint64_t used;
    unsigned n_large;  /* of READY and LOADING entries */
    GHashTable *table; /* key -> entry, whose reference it holds */
    GQueue order;      /* of READY entries, most recently used first */
    ArecChunkCacheStats counters;
};

static guint
hash_key (gconstpointer pointer)
{
    const ArecCacheKey *key = pointer;
    uint64_t hash = (key->owner * UINT64_C (0x9e3779b97f4a7c15)) ^ key->number;

    hash = (hash ^ (hash >> 32)) * UINT64_C (0xd6e8feb86659fd93);
    return (guint)(hash ^ (hash >> 32));
}

static gboolean
equal_keys (gconstpointer a, gconstpointer b)
{
    const ArecCacheKey *x = a, *y = b;

    return x->owner == y->owner && x->number == y->number;
}

ArecChunkCache *
arec_chunk_cache_new (const ArecChunkCacheOptions *options)
{
    ArecChunkCache *cache = g_new0 (ArecChunkCache, 1);

    pthread_mutex_init (&cache->lock, NULL);
    pthread_cond_init (&cache->changed, NULL);
    cache->budget = options->budget;
    cache->ceiling = MAX (options->ceiling, options->budget);
    cache->max_loads = MAX (options->max_loads, 1);
    cache->table = g_hash_table_new (hash_key, equal_keys);
    g_queue_init (&cache->order);
    return cache;
}

void *
arec_cache_entry_value (const ArecCacheEntry *entry)
{
    return entry->value;
}

ArecCacheEntry *
arec_cache_entry_ref (ArecCacheEntry *entry)
{
    atomic_fetch_add_explicit (&entry->refs, 1, memory_order_relaxed);
    return entry;
}

void
arec_cache_entry_unref (ArecCacheEntry *entry)
{
    if (!entry || atomic_fetch_sub_explicit (&entry->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (entry->value) {
        entry->free_value (entry->value);
    }
    g_clear_error (&entry->error);
    g_free (entry);
}

/* Takes a READY entry out of the table; the table's reference goes to @out, to be dropped
 * without the lock. */
static void
take_out_locked (ArecChunkCache *cache, ArecCacheEntry *entry, GQueue *out)
{
    g_queue_unlink (&cache->order, &entry->link);
    g_hash_table_remove (cache->table, &entry->key);
    cache->used -= entry->cost;
    cache->n_large -= entry->large;
    cache->counters.ahead_wasted += entry->is_ahead;
    g_queue_push_tail (out, entry);
}

static void
drop (GQueue *entries)
{
    ArecCacheEntry *entry;

    while ((entry = g_queue_pop_head (entries))) {
        arec_cache_entry_unref (entry);
    }
}

/* Whether used + extra > bound, whatever the numbers are. */
static bool
exceeds (uint64_t used, uint64_t extra, uint64_t bound)
{
    return used > bound || extra > bound - used;
}

static bool
is_large (const ArecChunkCache *cache, uint64_t cost)
{
    return cost >= cache->budget / (2 * cache->max_loads);
}

/* Whether @entry, the least recently used of those looked at, may go to make room for @extra
 * bytes. */
static bool
is_victim_locked (const ArecChunkCache *cache, const ArecCacheEntry *entry, uint64_t extra)
{
    if (atomic_load_explicit (&entry->refs, memory_order_relaxed) > 1) {
        return false; /* in use: its memory would stay anyway */
    }
    return !entry->large || cache->n_large > cache->max_loads ||
           exceeds (cache->used, extra, cache->ceiling);
}

static void
shrink_locked (ArecChunkCache *cache, uint64_t extra, GQueue *out)
{
    GList *link = cache->order.tail;

    while (link && exceeds (cache->used, extra, cache->budget)) {
        GList *newer = link->prev;

        if (is_victim_locked (cache, link->data, extra)) {
            take_out_locked (cache, link->data, out);
            cache->counters.evictions++;
        }
        link = newer;
    }
}

static void
note_asked_locked (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    cache->counters.ahead_used += entry->is_ahead;
    entry->is_ahead = false;
}

static ArecCacheEntry *
use_locked (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    g_queue_unlink (&cache->order, &entry->link);
    g_queue_push_head_link (&cache->order, &entry->link);
    return arec_cache_entry_ref (entry);
}

/* Waits for another thread's load. */
static ArecCacheEntry *
join_locked (ArecChunkCache *cache, ArecCacheEntry *entry, GError **error)
{
    arec_cache_entry_ref (entry);
    while (entry->state == LOADING) {
        pthread_cond_wait (&cache->changed, &cache->lock);
    }
    if (entry->state == FAILED) {
        g_propagate_error (error, g_error_copy (entry->error));
        arec_cache_entry_unref (entry);
        return NULL;
    }
    return entry;
}

/* A load that alone exceeds the ceiling runs alone. */
static bool
must_wait_locked (const ArecChunkCache *cache, uint64_t expected)
{
    return cache->loads >= cache->max_loads ||
           (cache->loads > 0 && exceeds (cache->used, expected, cache->ceiling));
}

/* Enters a LOADING entry, so that others join it, and returns it when its load may start; holds
 * a reference for the table and one for the caller. */
static ArecCacheEntry *
begin_load_locked (ArecChunkCache *cache, ArecCacheKey key, uint64_t expected, bool is_ahead,
                   GQueue *out)
{
    ArecCacheEntry *entry = g_new0 (ArecCacheEntry, 1);

    entry->key = key;
    entry->refs = 2;
    entry->link.data = entry;
    entry->is_ahead = is_ahead;
    g_hash_table_insert (cache->table, &entry->key, entry);
    shrink_locked (cache, expected, out);
    while (must_wait_locked (cache, expected)) {
        if (out->length > 0) {
            /* What was taken out must not take memory while we wait. */
            pthread_mutex_unlock (&cache->lock);
            drop (out);
            pthread_mutex_lock (&cache->lock);
            continue;
        }
        pthread_cond_wait (&cache->changed, &cache->lock);
        shrink_locked (cache, expected, out);
    }
    entry->cost = expected;
    entry->large = is_large (cache, expected);
    cache->used += expected;
    cache->n_large += entry->large;
    cache->loads++;
    shrink_locked (cache, 0, out);
    return entry;
}

static void
end_load_locked (ArecChunkCache *cache, ArecCacheEntry *entry, uint64_t cost, GQueue *out)
{
    cache->loads--;
    cache->used -= entry->cost;
    cache->n_large -= entry->large;
    if (entry->state == FAILED) {
        g_hash_table_remove (cache->table, &entry->key);
        g_queue_push_tail (out, entry);
        cache->counters.failures++;
    } else {
        entry->cost = cost;
        entry->large = is_large (cache, cost);
        cache->n_large += entry->large;
        cache->used += cost;
        g_queue_push_head_link (&cache->order, &entry->link);
    }
    shrink_locked (cache, 0, out);
    pthread_cond_broadcast (&cache->changed);
}

/* Lets go of the lock for the load itself. */
static ArecCacheEntry *
load_locked (ArecChunkCache *cache, ArecCacheKey key, const ArecCacheLoader *loader, void *data,
             uint64_t expected, bool is_ahead, GQueue *out, GError **error)
{
    ArecCacheEntry *entry = begin_load_locked (cache, key, expected, is_ahead, out);
    GError *cause = NULL;
    void *value = NULL;
    uint64_t cost = 0;
    bool ok;

    pthread_mutex_unlock (&cache->lock);
    drop (out);
    ok = loader->load (data, &value, &cost, &cause);
    pthread_mutex_lock (&cache->lock);

    if (ok) {
        entry->state = READY;
        entry->value = value;
        entry->free_value = loader->free_value;
        end_load_locked (cache, entry, cost, out);
        return entry;
    }
    entry->state = FAILED;
    entry->error = g_error_copy (cause);
    end_load_locked (cache, entry, 0, out);
    g_propagate_error (error, cause);
    g_queue_push_tail (out, entry); /* our reference */
    return NULL;
}

ArecCacheEntry *
arec_chunk_cache_get (ArecChunkCache *cache, ArecCacheKey key, const ArecCacheLoader *loader,
                      void *data, uint64_t expected, GError **error)
{
    GQueue out = G_QUEUE_INIT;
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = g_hash_table_lookup (cache->table, &key);
    if (!entry) {
        cache->counters.misses++;
        entry = load_locked (cache, key, loader, data, expected, false, &out, error);
    } else if (entry->state == LOADING) {
        note_asked_locked (cache, entry);
        cache->counters.joins++;
        entry = join_locked (cache, entry, error);
    } else {
        note_asked_locked (cache, entry);
        cache->counters.hits++;
        entry = use_locked (cache, entry);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
    return entry;
}

ArecCacheEntry *
arec_chunk_cache_peek (ArecChunkCache *cache, ArecCacheKey key)
{
    ArecCacheEntry *entry;

    pthread_mutex_lock (&cache->lock);
    entry = g_hash_table_lookup (cache->table, &key);
    entry = entry && entry->state == READY ? use_locked (cache, entry) : NULL;
    pthread_mutex_unlock (&cache->lock);
    return entry;
}

bool
arec_chunk_cache_has (ArecChunkCache *cache, ArecCacheKey key)
{
    bool has;

    pthread_mutex_lock (&cache->lock);
    has = g_hash_table_contains (cache->table, &key);
    pthread_mutex_unlock (&cache->lock);
    return has;
}

void
arec_chunk_cache_load_ahead (ArecChunkCache *cache, ArecCacheKey key,
                             const ArecCacheLoader *loader, void *data, uint64_t expected)
{
    GQueue out = G_QUEUE_INIT;
    ArecCacheEntry *entry = NULL;
    GError *error = NULL;

    pthread_mutex_lock (&cache->lock);
    if (!g_hash_table_contains (cache->table, &key)) {
        cache->counters.ahead++;
        entry = load_locked (cache, key, loader, data, expected, true, &out, &error);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
    arec_cache_entry_unref (entry);
    g_clear_error (&error);
}

static bool
is_in_table_locked (ArecChunkCache *cache, const ArecCacheEntry *entry)
{
    return g_hash_table_lookup (cache->table, &entry->key) == entry;
}

void
arec_chunk_cache_reduce (ArecChunkCache *cache, ArecCacheEntry *entry, uint64_t bytes)
{
    pthread_mutex_lock (&cache->lock);
    entry->cost -= bytes;
    if (is_in_table_locked (cache, entry)) {
        cache->used -= bytes;
    }
    pthread_mutex_unlock (&cache->lock);
}

void
arec_chunk_cache_discard (ArecChunkCache *cache, ArecCacheEntry *entry)
{
    GQueue out = G_QUEUE_INIT;

    pthread_mutex_lock (&cache->lock);
    if (is_in_table_locked (cache, entry)) {
        take_out_locked (cache, entry, &out);
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_forget (ArecChunkCache *cache, uint64_t owner)
{
    GQueue out = G_QUEUE_INIT;

    pthread_mutex_lock (&cache->lock);
    for (GList *link = cache->order.head, *next; link; link = next) {
        ArecCacheEntry *entry = link->data;

        next = link->next;
        if (entry->key.owner == owner) {
            take_out_locked (cache, entry, &out);
        }
    }
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_charge (ArecChunkCache *cache, int64_t bytes)
{
    GQueue out = G_QUEUE_INIT;

    pthread_mutex_lock (&cache->lock);
    cache->used += (uint64_t)bytes;
    shrink_locked (cache, 0, &out);
    pthread_mutex_unlock (&cache->lock);
    drop (&out);
}

void
arec_chunk_cache_get_stats (ArecChunkCache *cache, ArecChunkCacheStats *stats)
{
    pthread_mutex_lock (&cache->lock);
    *stats = cache->counters;
    stats->budget = cache->budget;
    stats->used = cache->used;
    stats->entries = cache->order.length;
    pthread_mutex_unlock (&cache->lock);
}

void
arec_chunk_cache_free (ArecChunkCache *cache)
{
    GQueue out = G_QUEUE_INIT;

    if (!cache) {
        return;
    }
    while (cache->order.head) {
        take_out_locked (cache, cache->order.head->data, &out);
    }
    drop (&out);
    g_hash_table_unref (cache->table);
    pthread_cond_destroy (&cache->changed);
    pthread_mutex_destroy (&cache->lock);
    g_free (cache);
}
