/* The directory of a disk cache, which any number of processes share.
 *
 *     DIR/arecfs-1/lock                  flock: one process at a time measures and evicts
 *     DIR/arecfs-1/key                   32 random bytes: hashes of what lies below are keyed
 *     DIR/arecfs-1/IDENTITY/SEGMENT      cache_segment.h
 *     DIR/arecfs-1/names/HASH            cache_names.h
 *
 * What is found there is never trusted: it has to match a hash. Nothing is synced, and nobody
 * waits for a lock. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include <arec/stats.h>

#include "base/keyed_hash.h"
#include "source/fd_pool.h"

typedef struct ArecCacheDir ArecCacheDir;

typedef struct {
    const char *path;
    /* Bytes of disk, for all processes together; 0: 10 GiB, at most half of what is free or is
     * the cache's. The smallest of several processes counts. */
    uint64_t max_size;
    /* Takes one line about trouble of the disk. Any thread, no lock held. Nullable. */
    void (*warn) (const char *message, void *data);
    void *warn_data;
    int64_t (*now) (void); /* the clock, in microseconds; NULL: g_get_monotonic_time () */
} ArecCacheDirOptions;

/* The numbers of AREC_DISK_CACHE_NUMBERS, where each has its meaning. Relaxed atomics. */
typedef struct {
    _Atomic uint64_t hits;
    _Atomic uint64_t misses;
    _Atomic uint64_t bad_sectors;
    _Atomic uint64_t written_bytes;
    _Atomic uint64_t evicted_bytes;
    _Atomic uint64_t size; /* with what was written since it was measured */
} ArecDiskCacheCounters;

/* Opens DIR, which is made with mode 0700 if it is missing, and evicts what is too much. Blocks
 * on I/O.
 * Errors: INVALID, DIR is a link or no directory, or somebody else owns it or may write there;
 * IO, NOT_FOUND, NOMEM. */
ArecCacheDir *arec_cache_dir_new (const ArecCacheDirOptions *options, GError **error);
void arec_cache_dir_free (ArecCacheDir *dir); /* takes NULL; what is too much is evicted */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecCacheDir, arec_cache_dir_free)

/* The DIR that `default` means, for a user @uid with these variables of the environment, each
 * nullable. (transfer full), NULL: there is none. */
char *arec_cache_dir_default_path (uid_t uid, const char *xdg_cache_home, const char *home);

/* ---- for the files of the cache ---- */

int arec_cache_dir_fd (const ArecCacheDir *dir); /* of DIR/arecfs-1; not owned */
const ArecHashKey *arec_cache_dir_key (const ArecCacheDir *dir);
ArecFdPool *arec_cache_dir_pool (const ArecCacheDir *dir); /* of open segments */
ArecDiskCacheCounters *arec_cache_dir_counters (ArecCacheDir *dir);
void arec_cache_dir_get_stats (ArecCacheDir *dir, ArecDiskCacheStats *stats);
int64_t arec_cache_dir_now (const ArecCacheDir *dir); /* microseconds */

/* A file whose mtime is older is given a new one when it is read. Microseconds. */
#define AREC_CACHE_TOUCH_INTERVAL (60 * G_USEC_PER_SEC)

typedef enum {
    AREC_CACHE_READING, /* where that fails, nothing is written either */
    AREC_CACHE_WRITING,
} ArecCacheUse;

/* @what has failed with @number, an errno: the cache is not put to @use for a minute, and the
 * first failure of these is told. Call with no lock held. */
void arec_cache_dir_note_failure (ArecCacheDir *dir, ArecCacheUse use, const char *what,
                                  int number);
bool arec_cache_dir_is_off (const ArecCacheDir *dir, ArecCacheUse use);

/* The most that is written between two calls of arec_cache_dir_make_room (): bytes. */
uint64_t arec_cache_dir_step (const ArecCacheDir *dir);
/* @size bytes are about to be written; evicts first where it is time. Blocks on I/O.
 * Returns false if they are not to be written: that other process is at it for long. */
bool arec_cache_dir_make_room (ArecCacheDir *dir, uint64_t size);
