/* A bounded set of open descriptors over any number of files: the least recently used one is
 * closed when another file needs its place, and opened again when it is read.
 *
 * Thread-safe. A descriptor in use is never closed under its reader, so for a moment more than
 * the bound may be open: one for each reading thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecFdPool ArecFdPool;

/* One file's place in a pool. Embedded by its owner; zero-initialised, then arec_fd_slot_init
 * (). */
typedef struct ArecFdSlot {
    ArecFdPool *pool;
    int fd;         /* -1: closed */
    unsigned users; /* threads between acquire and release */
    bool is_retired;
    GList link; /* in the pool's list of open descriptors without users, least recent first */
    /* Opens the file; called with no lock held, may run in several threads. -1 with @error set.
     */
    int (*open) (struct ArecFdSlot *slot, GError **error);
} ArecFdSlot;

/* @max_open  0: half of RLIMIT_NOFILE, whose soft limit is not changed here. */
ArecFdPool *arec_fd_pool_new (unsigned max_open);
void arec_fd_pool_free (ArecFdPool *pool); /* takes NULL; all slots are cleared before */
unsigned arec_fd_pool_n_open (ArecFdPool *pool);

void arec_fd_slot_init (ArecFdSlot *slot, ArecFdPool *pool,
                        int (*open) (ArecFdSlot *slot, GError **error));
/* What an attempt to open something has waited already; zero-initialised. */
typedef struct {
    int64_t deadline; /* by g_get_monotonic_time (); 0: it has not failed yet */
} ArecFdShortage;

/* Opening something has failed with @number, an errno. Returns whether to try again: there was
 * no descriptor left, for the process or the system, and now one of the pool is closed, at once
 * where one is idle, else when one is. Blocks two seconds at most in all the calls for one
 * attempt. Any thread; call with no lock held. */
bool arec_fd_pool_make_room (ArecFdPool *pool, ArecFdShortage *shortage, int number);

/* Closes; the slot is not used any more. */
void arec_fd_slot_clear (ArecFdSlot *slot);

/* The descriptor, opened if need be; every success is followed by one release. -1 with @error
 * set. */
int arec_fd_slot_acquire (ArecFdSlot *slot, GError **error);
void arec_fd_slot_release (ArecFdSlot *slot);

/* The release of a descriptor that is of no use any more, as its file has lost its name: it is
 * closed when no thread uses it, and the next acquire opens the slot anew. */
void arec_fd_slot_retire (ArecFdSlot *slot);
