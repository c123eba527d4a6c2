/* A cache of loaded things (decoded chunks, size lists) within a budget of bytes.
 * replacement.h says which entry is evicted first, room.h what there is room for.
 *
 * Thread-safe. The first thread that asks for a thing loads it; others that ask meanwhile wait
 * for that load and share its outcome. A failed load leaves no entry. No lock is held during a
 * load. A hit allocates nothing.
 *
 * Invariant: bytes in the cache <= budget, with two exceptions. Entries in use (held, or being
 * loaded) are not evicted. The `max_loads` most recent large entries, loads in flight among
 * them, stay even when they alone exceed the budget, so that readers of chunks larger than the
 * budget do not decode them again for each read. Where more such entries are read than may
 * stay, their readers take turns instead of evicting each other's: a load of a large entry that
 * was evicted while readers still came back to it waits for one that has been idle for as long
 * as loading it took.
 *
 * All memory in use stays below `ceiling`: entries in the cache, evicted ones that are still
 * held or being freed, and loads in flight with everything they need. A load without room
 * there waits for other loads to end and, with `are_brief`, for entries to be released; one
 * that can never fit fails. Without `are_brief` an entry may be held for ever: where only such
 * entries block a load it runs, one load at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "cache/cache_entry.h"
#include "cache/room.h"

typedef struct ArecChunkCache ArecChunkCache;

/* Bytes of memory that an entry takes beside its value: itself, its places in the tables, and
 * what malloc adds to it and to the up to three blocks of a value. Measured with 300,000 chunks
 * of 40 bytes: 249, and 16 to 32 once the places of what left are in use. */
#define AREC_CACHE_ENTRY_OVERHEAD 288

typedef struct {
    uint64_t budget;    /* bytes */
    uint64_t ceiling;   /* bytes, at least the budget */
    unsigned max_loads; /* loads at the same time, at least 1 */
    bool are_brief;     /* users release an entry soon, and load nothing while they hold one */
} ArecChunkCacheOptions;

typedef struct {
    uint64_t budget;
    uint64_t used;  /* bytes, loads in flight and charges included */
    uint64_t alive; /* the same, with evicted entries still held, and what loads need besides */
    uint64_t entries;
    uint64_t hits, misses, joins, evictions, failures;
    uint64_t ahead;         /* loaded before a caller asked */
    uint64_t ahead_used;    /* of these, those that a caller asked for later */
    uint64_t ahead_wasted;  /* of these, those that left the cache unused */
    uint64_t ahead_refused; /* not loaded ahead, because too much is ahead already */
} ArecChunkCacheStats;

/* How to make a thing. */
typedef struct {
    /* @value (out, transfer full), @cost (out) bytes of memory it takes,
     * AREC_CACHE_ENTRY_OVERHEAD included. Called with no lock held. */
    bool (*load) (void *data, void **value, uint64_t *cost, GError **error);
    void (*free_value) (void *value);
    /* Corrects @size, the expected one. Called before a load that would have no room below the
     * ceiling. false: @error says why the thing cannot be loaded. */
    bool (*measure) (void *data, ArecCacheSize *size, GError **error);
    /* Makes the error of a load that needs @needed bytes, as measured, but can have only @room:
     * @ever, or as long as other users hold their entries. */
    void (*refuse) (void *data, uint64_t needed, uint64_t room, bool ever, GError **error);
} ArecCacheLoader;

ArecChunkCache *arec_chunk_cache_new (const ArecChunkCacheOptions *options);
/* No other call is in progress or follows. Entries that are still held stay valid. Takes NULL.
 */
void arec_chunk_cache_free (ArecChunkCache *cache);

/* The thing of @key, loaded by loader->load (@data, ...) if it is not there.
 * @expected  counted while it loads.
 * Returns (transfer full) arec_cache_entry_unref (); NULL with the load's error, or that of
 * loader->refuse, which every waiting caller gets. Blocks: the load, another thread's load of
 * the same thing, the bounds on concurrent loads and on memory, the turns of large things. */
ArecCacheEntry *arec_chunk_cache_get (ArecChunkCache *cache, ArecCacheKey key,
                                      const ArecCacheLoader *loader, void *data,
                                      ArecCacheSize expected, GError **error);

/* The same if it is there and loaded, else NULL: a hit needs no expected size. */
ArecCacheEntry *arec_chunk_cache_hit (ArecChunkCache *cache, ArecCacheKey key);

/* The thing of @key if it is there and loaded, else NULL; counts as a use but not as a hit or
 * miss. */
ArecCacheEntry *arec_chunk_cache_peek (ArecChunkCache *cache, ArecCacheKey key);

/* The same without counting as a use: for threads that work on an entry for its users. */
ArecCacheEntry *arec_chunk_cache_find (ArecChunkCache *cache, ArecCacheKey key);

/* Whether the thing of @key is there, or being loaded. No use, hit or miss. */
bool arec_chunk_cache_has (ArecChunkCache *cache, ArecCacheKey key);

/* Loads the thing of @key before a caller asks for it; does nothing if it is there or being
 * loaded. A failure is not reported: a caller that asks for the thing will meet it again.
 * Returns false if nothing was tried: things loaded ahead and not used yet would take more than
 * their share of the budget, or there is no memory for it now. Blocks as arec_chunk_cache_get
 * () does. */
bool arec_chunk_cache_load_ahead (ArecChunkCache *cache, ArecCacheKey key,
                                  const ArecCacheLoader *loader, void *data,
                                  ArecCacheSize expected);

/* The thing of @entry, which the caller holds, takes @bytes less than before. */
void arec_chunk_cache_reduce (ArecChunkCache *cache, ArecCacheEntry *entry, uint64_t bytes);

/* The thing of @entry, which the caller holds, has turned out to be useless: the next caller
 * that asks for it loads it again. */
void arec_chunk_cache_discard (ArecChunkCache *cache, ArecCacheEntry *entry);

/* The thing of @entry, which the caller holds, is unlikely to be asked for soon, as who asked
 * for it keeps what it got: it is evicted, unless it is used again and again. If it is asked
 * for again all the same, the next load finds that out, and it stays. */
void arec_cache_entry_spend (ArecCacheEntry *entry);

/* Takes all entries of @owner out; one in use is freed by its last user. No load of the owner's
 * is in flight. */
void arec_chunk_cache_forget (ArecChunkCache *cache, uint64_t owner);

/* Evicts all entries that are not in use, when memory is wanted elsewhere. */
void arec_chunk_cache_give_back (ArecChunkCache *cache);

/* Counts @bytes that live elsewhere (indexes) in the budget, or takes them off. */
void arec_chunk_cache_charge (ArecChunkCache *cache, int64_t bytes);

void arec_chunk_cache_get_stats (ArecChunkCache *cache, ArecChunkCacheStats *stats);
