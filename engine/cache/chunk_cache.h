/* A cache of loaded things (decoded chunks, size lists) within a budget of bytes. Who goes
 * first is the rule of replacement.h, what there is room for that of room.h.
 *
 * Thread-safe. A thing is loaded by the thread that wants it first; whoever else wants it
 * meanwhile waits for that load and shares its outcome. A failed load leaves nothing behind. No
 * lock is held during a load. A hit allocates nothing.
 *
 * Invariants: bytes in the cache <= budget, but for what is in use (somebody holds the entry,
 * or it is being loaded) and for the `max_loads` most recent large entries, loads in flight
 * among them, which stay even when they alone exceed the budget, so that readers of chunks
 * larger than the budget do not decode them again for each read. More readers of such entries
 * than may stay take turns instead of evicting each other's: a load of a large thing that left
 * while it was wanted waits a while for an entry that is idle for as long as loading it took.
 *
 * Whatever is alive stays below `ceiling`: what is in the cache, what left it and is still held
 * or being freed, and loads in flight with all the memory that they need. A load that has no
 * room there waits for others to end, and for what is held to be let go if `are_brief` says
 * that it will be; where it cannot fit at all, it fails. What is held for long is its holder's
 * affair: with nothing but that in its way a load runs, one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "cache/room.h"

typedef struct ArecChunkCache ArecChunkCache;
typedef struct ArecCacheEntry ArecCacheEntry;

/* Bytes of memory that an entry takes beside its value: itself, its places in the tables, and
 * what malloc adds to it and to the up to three blocks of a value. Measured with 300,000 chunks
 * of 40 bytes: 249, and 16 to 32 once the places of what left are in use. */
#define AREC_CACHE_ENTRY_OVERHEAD 288

typedef struct {
    uint64_t owner;  /* whose: unique for each file and kind of thing */
    uint64_t number; /* which of the owner's */
} ArecCacheKey;

typedef struct {
    uint64_t budget;    /* bytes */
    uint64_t ceiling;   /* bytes, at least the budget */
    unsigned max_loads; /* loads at the same time, at least 1 */
    bool are_brief; /* whoever holds an entry lets it go soon, and loads nothing meanwhile */
} ArecChunkCacheOptions;

typedef struct {
    uint64_t budget;
    uint64_t used;  /* bytes, loads in flight and charges included */
    uint64_t alive; /* the same, with what left and is held, and what loads need meanwhile */
    uint64_t entries;
    uint64_t hits, misses, joins, evictions, failures;
    uint64_t ahead;         /* loaded before anybody asked */
    uint64_t ahead_used;    /* of these, those that somebody asked for then */
    uint64_t ahead_wasted;  /* and those that went without */
    uint64_t ahead_refused; /* not loaded ahead, as too much is ahead already */
} ArecChunkCacheStats;

/* How to make a thing. */
typedef struct {
    /* @value (out, transfer full), @cost (out) bytes of memory it takes,
     * AREC_CACHE_ENTRY_OVERHEAD included. Called with no lock held. */
    bool (*load) (void *data, void **value, uint64_t *cost, GError **error);
    void (*free_value) (void *value);
    /* Asked before the load where @size, which is what was expected, has no room below the
     * ceiling: corrects it. false: @error says why there is nothing to load. */
    bool (*measure) (void *data, ArecCacheSize *size, GError **error);
    /* Makes the error of a load that needs @needed bytes, as measured, where there will be no
     * more than @room: @ever, or as long as others hold what they have. */
    void (*refuse) (void *data, uint64_t needed, uint64_t room, bool ever, GError **error);
} ArecCacheLoader;

ArecChunkCache *arec_chunk_cache_new (const ArecChunkCacheOptions *options);
/* Nobody calls it any more; entries that are still held stay with their holders. Takes NULL. */
void arec_chunk_cache_free (ArecChunkCache *cache);

/* The thing of @key, loaded by loader->load (@data, ...) if it is not there.
 * @expected  counted while it loads.
 * Returns (transfer full) arec_cache_entry_unref (); NULL with the load's error, or that of
 * loader->refuse, which all that waited get. Blocks: the load, another thread's load of the
 * same thing, the bounds on concurrent loads and on memory, the turns of large things. */
ArecCacheEntry *arec_chunk_cache_get (ArecChunkCache *cache, ArecCacheKey key,
                                      const ArecCacheLoader *loader, void *data,
                                      ArecCacheSize expected, GError **error);

/* The same if it is there and loaded, else NULL: for a hit nobody has to know what to expect.
 */
ArecCacheEntry *arec_chunk_cache_hit (ArecChunkCache *cache, ArecCacheKey key);

/* The thing of @key if it is there and loaded, else NULL; counts as a use but not as a hit or
 * miss. */
ArecCacheEntry *arec_chunk_cache_peek (ArecChunkCache *cache, ArecCacheKey key);

/* The same, but no use: for who works for those that want it. */
ArecCacheEntry *arec_chunk_cache_find (ArecChunkCache *cache, ArecCacheKey key);

/* Whether the thing of @key is there, or being loaded. No use, hit or miss. */
bool arec_chunk_cache_has (ArecChunkCache *cache, ArecCacheKey key);

/* Loads the thing of @key before anybody asks for it; does nothing where it is there or being
 * loaded. A failure is nobody's: who asks for the thing will meet it again.
 * Returns false where nothing was tried, because what is ahead and was not asked for yet would
 * take more than its share of the budget, or because there is no memory for it now. Blocks as
 * arec_chunk_cache_get () does. */
bool arec_chunk_cache_load_ahead (ArecChunkCache *cache, ArecCacheKey key,
                                  const ArecCacheLoader *loader, void *data,
                                  ArecCacheSize expected);

/* The thing of @entry, which the caller holds, has given @bytes of its cost back. */
void arec_chunk_cache_reduce (ArecChunkCache *cache, ArecCacheEntry *entry, uint64_t bytes);

/* The thing of @entry, which the caller holds, has turned out to be of no use: who asks for it
 * next loads it again. */
void arec_chunk_cache_discard (ArecChunkCache *cache, ArecCacheEntry *entry);

/* Takes all entries of @owner out; what is in use is freed by its last user. No load of the
 * owner's is in flight. */
void arec_chunk_cache_forget (ArecChunkCache *cache, uint64_t owner);

/* Evicts all that nobody uses: memory is wanted elsewhere. */
void arec_chunk_cache_give_back (ArecChunkCache *cache);

/* Counts @bytes that live elsewhere (indexes) in the budget, or takes them off. */
void arec_chunk_cache_charge (ArecChunkCache *cache, int64_t bytes);

void arec_chunk_cache_get_stats (ArecChunkCache *cache, ArecChunkCacheStats *stats);

/* ---- entries: reference counted ---- */

void *arec_cache_entry_value (const ArecCacheEntry *entry);
ArecCacheKey arec_cache_entry_key (const ArecCacheEntry *entry);
ArecCacheEntry *arec_cache_entry_ref (ArecCacheEntry *entry);
void arec_cache_entry_unref (ArecCacheEntry *entry); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCacheEntry, arec_cache_entry_unref)
